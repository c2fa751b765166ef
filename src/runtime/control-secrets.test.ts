import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { withoutControlFiles, withoutControlSecrets } from './control-secrets.ts';
import { noFiles } from './named-files.ts';

test('secrets that only the control thread uses do not reach data threads', async () => {
  const secrets = [
    'token-of-the-admin-side',
    'token-of-an-operator',
    'token-of-consul',
    'hmac-key-of-the-account',
    'key-of-the-collector',
    'password-of-the-brokers',
  ];
  const [token, operator, consul, hmacKey, collector, password] = secrets;
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    admin: { address: '127.0.0.1:9080', token, tokens: { ann: { role: 'admin', token: operator } } },
    accessLog: {
      to: [
        { otlp: 'http://collector', headers: { 'x-key': collector } },
        { kafka: { brokers: ['a:1'], topic: 'a', sasl: { mechanism: 'plain', username: 'a', password } } },
      ],
    },
    acme: { externalAccount: { keyId: 'a', hmacKey } },
    tracing: { to: { otlp: 'http://collector:4318', headers: { authorization: collector } } },
    services: { orders: { discover: { consul: { service: 'orders', token: consul } } }, stock: { endpoints: ['http://a'] } },
  };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: [], env: {} });
  assert.deepEqual(issues, []);
  const readable = (encoded: Configuration) => {
    const lines = Buffer.from(runAtOnce(encodeConfiguration(encoded, [])).lines);
    return secrets.filter((secret) => lines.includes(secret));
  };
  assert.deepEqual(readable(configuration!), secrets);
  assert.deepEqual(readable(withoutControlSecrets(configuration!)), []);
});

test('the private keys of the admin address and of logs stay here, unless a listener has them too', async () => {
  const tls = { cert: '/a.pem', key: '/a.key' };
  const load = async (listener: object) => {
    const shown = { kafka: { brokers: ['a:1'], topic: 'a', tls: { certificate: { cert: '/b.pem', key: '/b.key' } } } };
    const admin = { address: '127.0.0.1:1', tls };
    const value = { version: 1, listeners: { web: { address: ':8080', ...listener } }, admin, accessLog: { to: shown } };
    return (await loadConfigurationValue(value, '/', { policies: [], env: {} })).configuration!;
  };
  const files = { ...noFiles, texts: { '/a.pem': 'certificate', '/a.key': 'key', '/b.pem': 'certificate', '/b.key': 'key' } };
  const without = { '/a.pem': 'certificate', '/b.pem': 'certificate' };
  assert.deepEqual(withoutControlFiles(await load({}), files).texts, without);
  const served = { tls: { certificates: [tls] } };
  assert.deepEqual(withoutControlFiles(await load(served), files).texts, { ...without, '/a.key': 'key' });
});
