import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { withoutControlSecrets } from './control-secrets.ts';

test('secrets that only the control thread uses do not reach data threads', async () => {
  const secrets = ['token-of-the-admin-side', 'token-of-consul', 'hmac-key-of-the-account', 'key-of-the-collector'];
  const [token, consul, hmacKey, collector] = secrets;
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    admin: { address: ':9080', token },
    accessLog: { to: { otlp: 'http://collector', headers: { 'x-key': collector } } },
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
