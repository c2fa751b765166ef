import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificatePair } from '#net/certificate-check.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { type CertificateUse, certificateFacts, DAY_MS, readCertificate, TEMPORARY_ISSUER } from './certificate-facts.ts';
import { toExpiryMetrics } from './expiry-metrics.ts';
import { ExpiryWatch } from './expiry-watch.ts';
import { createKeyPem, createTemporary } from './signing.ts';

const use: CertificateUse = { listener: 'secure', source: 'file', path: '/certs/shop.pem', names: [] };
const startMs = Date.UTC(2031, 4, 7);
const pair = await issueCertificate(['shop.example.com', '*.shop.example.com', '10.0.0.1'], startMs, 90);

test('tells names, issuer and days left', () => {
  assert.partialDeepStrictEqual(certificateFacts(use, readCertificate(pair), startMs + 10.5 * DAY_MS), {
    names: ['shop.example.com', '*.shop.example.com', '10.0.0.1'],
    issuer: 'Authority for tests',
    notAfterMs: startMs + 90 * DAY_MS,
    daysLeft: 79,
    problem: undefined,
  });
});

test('tells what is wrong', async () => {
  const problemOf = (texts: CertificatePair, nowMs = startMs) => certificateFacts(use, readCertificate(texts), nowMs).problem;
  assert.equal(problemOf({ ...pair, key: createKeyPem() })?.kind, 'mismatched-key');
  assert.equal(problemOf({ ...pair, key: 'no key' })?.kind, 'mismatched-key');
  assert.deepEqual(problemOf(pair, startMs + 90 * DAY_MS), { kind: 'expired', text: 'expired on 2031-08-05' });
  assert.equal(problemOf(pair, startMs + 90 * DAY_MS - 1), undefined);
  assert.equal(problemOf(pair, startMs - DAY_MS)?.kind, 'not-yet-valid');
  assert.equal(problemOf({ cert: 'no certificate', key: '' })?.kind, 'unreadable');
  const unreadable = certificateFacts(use, { unreadable: 'there is no file' }, startMs);
  assert.deepEqual(unreadable.problem, { kind: 'unreadable', text: 'there is no file' });
  const { certPem, keyPem } = await createTemporary(['shop.example.com'], { nowMs: startMs, days: 1 });
  const temporary = certificateFacts(use, readCertificate({ cert: certPem, key: keyPem }), startMs);
  assert.deepEqual([temporary.problem?.kind, temporary.issuer], ['temporary', TEMPORARY_ISSUER]);
});

test('metrics have one line for each listener and name, with the date that comes first', async () => {
  const shorter = await issueCertificate(['shop.example.com'], startMs, 30);
  const facts = [
    certificateFacts(use, readCertificate(pair), startMs),
    certificateFacts(use, readCertificate(shorter), startMs),
    certificateFacts({ ...use, listener: 'a"b' }, readCertificate(pair), startMs),
    certificateFacts({ ...use, listener: undefined, service: 'orders' }, readCertificate(pair), startMs),
    certificateFacts(use, { unreadable: 'gone' }, startMs),
  ];
  assert.equal(
    toExpiryMetrics(facts),
    `# HELP gatehouse_certificate_expiry_seconds When the certificate expires, in seconds since 1970.
# TYPE gatehouse_certificate_expiry_seconds gauge
gatehouse_certificate_expiry_seconds{listener="secure",name="shop.example.com"} ${startMs / 1000 + 30 * 86_400}
gatehouse_certificate_expiry_seconds{listener="a\\"b",name="shop.example.com"} ${startMs / 1000 + 90 * 86_400}
`,
  );
});

/** What is said when somebody looks twice a day, from the first day to the last. */
function watch(text: typeof pair, source: 'file' | 'acme', [first, last]: readonly [number, number]): string[] {
  const said: string[] = [];
  let day = first;
  const log = (level: string, message: string) => void said.push(`day ${day}: ${level} ${message}`);
  const expiry = new ExpiryWatch({ log });
  for (; day <= last; day += 0.5) {
    const nowMs = startMs + day * DAY_MS;
    const facts = certificateFacts({ ...use, source }, readCertificate(text), nowMs);
    // Two listeners may share a certificate, and one certificate may stand in a listener twice.
    expiry.look([facts, facts], nowMs);
  }
  return said;
}

test('warns at 30, 14, 7, 3 and 1 days, and says when it has expired, once each', () => {
  assert.deepEqual(watch(pair, 'file', [0, 100]), [
    'day 60: warn certificate expires soon',
    'day 76: warn certificate expires soon',
    'day 83: warn certificate expires soon',
    'day 87: warn certificate expires soon',
    'day 89: warn certificate expires soon',
    'day 90: error certificate has expired',
  ]);
});

test('warns of an ordered certificate only when its renewal is late', () => {
  assert.deepEqual(watch(pair, 'acme', [0, 82]), ['day 76: warn certificate expires soon']);
});

test('says one thing about a certificate that is old when it is first seen', () => {
  assert.deepEqual(watch(pair, 'file', [84, 86]), ['day 84: warn certificate expires soon']);
  assert.deepEqual(watch(pair, 'file', [91, 95]), ['day 91: error certificate has expired']);
});

test('does not warn of a certificate that is meant to live shortly', async () => {
  const short = await issueCertificate(['shop.example.com'], startMs, 6);
  assert.deepEqual(watch(short, 'acme', [0, 5]), ['day 5: warn certificate expires soon']);
  assert.deepEqual(watch(short, 'file', [0, 5]), [
    'day 3: warn certificate expires soon',
    'day 5: warn certificate expires soon',
  ]);
});
