import assert from 'node:assert/strict';
import { test } from 'node:test';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { type ServerCertificate, ServerCertificates, type ServerCertificatesOptions } from './server-certificates.ts';
import { SessionTickets } from './session-tickets.ts';

const NOW_MS = Date.UTC(2031, 0, 1);

async function issue(...names: string[]): Promise<ServerCertificate> {
  const { cert, key } = await issueCertificate(names, NOW_MS, 30);
  return { cert, key, hosts: undefined };
}

function serving(certificates: readonly ServerCertificate[]): ServerCertificatesOptions {
  return { certificates, policy: 'intermediate', refusesUnknownHosts: false, clients: undefined };
}

const [a, b, otherB] = [await issue('a.test'), await issue('b.test'), await issue('b.test')];
const verification = { isRequired: true, ca: b.cert, crl: undefined, depthMax: 4, answersFailure: false };

test('of certificates that change, those that stay keep their contexts wherever they stand', () => {
  const tickets = new SessionTickets();
  const before = new ServerCertificates(serving([a, b]), tickets);
  const [ofA, ofB] = [before.find('a.test'), before.find('b.test')];
  const after = new ServerCertificates(serving([otherB, { ...a }]), tickets, before);
  assert.equal(after.find('a.test'), ofA);
  assert.notEqual(after.find('b.test'), ofB);
  assert.notEqual(after.default, before.default);
  assert.equal(before.find('b.test'), ofB);
});

test('a context that was never asked for is made when it is', () => {
  const tickets = new SessionTickets();
  const before = new ServerCertificates(serving([a, b]), tickets);
  const after = new ServerCertificates(serving([a, b]), tickets, before);
  const ofB = after.find('b.test');
  assert.notEqual(ofB, undefined);
  assert.notEqual(ofB, before.find('b.test'));
});

for (const [what, change] of [
  ['its key', (options) => ({ ...options, certificates: [{ ...a, key: `${a.key}\n` }] })],
  ['the policy', (options) => ({ ...options, policy: 'modern' })],
  ['what clients are asked for', (options) => ({ ...options, clients: verification })],
] satisfies readonly (readonly [string, (options: ServerCertificatesOptions) => ServerCertificatesOptions])[]) {
  test(`a context is made anew when ${what} changes`, () => {
    const tickets = new SessionTickets();
    const options = serving([a]);
    const before = new ServerCertificates(options, tickets);
    const present = before.default;
    assert.equal(new ServerCertificates(options, tickets, before).default, present);
    assert.notEqual(new ServerCertificates(change(options), tickets, before).default, present);
  });
}

test('a certificate that names no host is for clients that ask for none or an unknown one', async () => {
  const nameless = await issue('127.0.0.1');
  const certificates = new ServerCertificates(serving([nameless, a]), new SessionTickets());
  assert.equal(certificates.dependsOnHost, true);
  assert.equal(certificates.find('other.test'), certificates.default);
  assert.notEqual(certificates.find('a.test'), certificates.default);
});
