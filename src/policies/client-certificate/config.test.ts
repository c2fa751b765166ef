import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientCertificateConfig } from './config.ts';

test('needs no settings', () => {
  assert.deepEqual(clientCertificateConfig.parse({}), {});
  assert.deepEqual(clientCertificateConfig.parse({ anonymous: 'guest' }), { anonymous: 'guest' });
});

test('refuses what it does not know: which certificates count is a matter of the listener', () => {
  for (const config of [{ anonymous: '' }, { ca: './ca.pem' }, { header: 'x-client-cert' }])
    assert.equal(clientCertificateConfig.safeParse(config).success, false, JSON.stringify(config));
});
