import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientCertificate } from '#net/client-certificate.ts';
import { ConsumerDirectory, type ConsumerSettings } from '#pipeline/consumer-directory.ts';
import { createPolicyBench, plan } from '#test/support/policy-bench.ts';
import { clientCertificatePolicy } from './policy.ts';

const FINGERPRINT = 'ab'.repeat(32);
const consumers: ConsumerSettings = {
  pinned: { groups: [], keys: [], certificates: [{ kind: 'fingerprint', value: FINGERPRINT }] },
  warehouse: {
    groups: [],
    keys: [],
    certificates: [
      { kind: 'san', value: 'dns:warehouse.example.com' },
      { kind: 'san', value: 'uri:spiffe://example.com/warehouse' },
    ],
  },
  office: { groups: [], keys: [], certificates: [{ kind: 'san', value: 'email:office@example.com' }] },
  named: { groups: [], keys: [], certificates: [{ kind: 'subject', value: 'CN=named,O=Example' }] },
  guest: { groups: [], keys: [] },
};

function certificate(parts: Partial<ClientCertificate> = {}): ClientCertificate {
  return {
    subject: 'CN=somebody,O=Example',
    issuer: 'CN=Clients',
    subjectAltNames: [],
    spiffeId: undefined,
    fingerprint256: 'cd'.repeat(32),
    der: Buffer.alloc(0),
    chainDer: [],
    verifyError: undefined,
    ...parts,
  };
}

async function benchWith(config: object = {}) {
  const services = { consumers: new ConsumerDirectory(consumers) };
  return createPolicyBench({ policies: [await plan(clientCertificatePolicy, config, services)] });
}

test('knows whose a certificate is, by the narrowest thing that is known of it', async () => {
  const bench = await benchWith();
  for (const [parts, name] of [
    [{ fingerprint256: FINGERPRINT }, 'pinned'],
    [{ subjectAltNames: ['DNS:Warehouse.Example.com'] }, 'warehouse'],
    [{ subjectAltNames: ['DNS:other.test', 'URI:spiffe://example.com/warehouse'] }, 'warehouse'],
    [{ subjectAltNames: ['DNS:warehouse.example.com', 'URI:spiffe://example.com/warehouse'] }, 'warehouse'],
    [{ subjectAltNames: ['email:office@example.com'] }, 'office'],
    [{ subject: 'CN=named,O=Example' }, 'named'],
    [{ subject: 'CN=named,O=Example', subjectAltNames: ['DNS:warehouse.example.com'] }, 'warehouse'],
    [{ fingerprint256: FINGERPRINT, subjectAltNames: ['DNS:warehouse.example.com'] }, 'pinned'],
  ] as const) {
    const answer = await bench.send({ clientCertificate: certificate(parts) });
    assert.equal(answer.status, 200);
    assert.equal(answer.exchange.consumer?.name, name, JSON.stringify(parts));
  }
});

test('says what is missing where there is no certificate, whatever fields say of one', async () => {
  const bench = await benchWith();
  for (const fields of [[], ['client-cert', ':YQ==:'], ['x-forwarded-client-cert', 'Subject="CN=named,O=Example"']]) {
    const answer = await bench.send({ fields });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.values('www-authenticate'), ['ClientCertificate realm="gatehouse"']);
    assert.equal((answer.json() as { code: string }).code, 'GH_CLIENT_CERTIFICATE_MISSING');
  }
});

test('answers every certificate that does not count alike, and logs why', async () => {
  const bench = await benchWith({ anonymous: 'guest' });
  const answers = new Set<string>();
  for (const [parts, reason] of [
    [{}, 'unknown'],
    [{ fingerprint256: FINGERPRINT, verifyError: 'CERT_HAS_EXPIRED' }, 'not verified'],
    [{ subject: 'CN=named,O=Example', verifyError: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'not verified'],
    [{ subjectAltNames: ['DNS:warehouse.example.com', 'email:office@example.com'] }, 'several consumers'],
    [{ subject: 'CN=named,O=Example,C=DE' }, 'unknown'],
    // One name with a comma in it, as Node writes it, and not two.
    [{ subject: 'CN=named\\,O=Example' }, 'unknown'],
    [{ subject: 'O=Example,CN=named' }, 'unknown'],
    [{ subjectAltNames: ['URI:spiffe://EXAMPLE.com/warehouse'] }, 'unknown'],
    [{ subjectAltNames: ['email:warehouse.example.com'] }, 'unknown'],
    [{ subjectAltNames: ['DNS:evil-warehouse.example.com'] }, 'unknown'],
    [{ subject: '__proto__', subjectAltNames: ['__proto__'] }, 'unknown'],
  ] as const) {
    const answer = await bench.send({ clientCertificate: certificate(parts) });
    assert.equal(answer.status, 401, JSON.stringify(parts));
    assert.equal(answer.exchange.error?.detail?.['reason'], reason);
    assert.equal(answer.exchange.consumer, undefined);
    answers.add(answer.text);
  }
  assert.equal(answers.size, 1);
  assert.equal(bench.seen.length, 0);
});

test('who shows no certificate is the anonymous consumer, where there is one', async () => {
  const bench = await benchWith({ anonymous: 'guest' });
  assert.equal((await bench.send()).exchange.consumer?.name, 'guest');
});
