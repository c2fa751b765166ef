import assert from 'node:assert/strict';
import { test } from 'node:test';
import { securityHeadersConfig } from './config.ts';

test('each field can be changed or left out', () => {
  const config = securityHeadersConfig.parse({
    frameOptions: 'DENY',
    permissionsPolicy: false,
    contentSecurityPolicy: "default-src 'self'",
  });
  assert.deepEqual(config, {
    contentTypeOptions: 'nosniff',
    frameOptions: 'DENY',
    referrerPolicy: 'strict-origin-when-cross-origin',
    permissionsPolicy: false,
    openerPolicy: 'same-origin-allow-popups',
    resourcePolicy: false,
    contentSecurityPolicy: "default-src 'self'",
    overwrite: false,
    remove: [],
  });
});

test('refuses what browsers would not understand, or would understand as more than one field', () => {
  for (const config of [
    { contentTypeOptions: 'sniff' },
    { contentTypeOptions: true },
    { frameOptions: 'ALLOW-FROM https://a.test' },
    { referrerPolicy: 'always' },
    { permissionsPolicy: '' },
    { permissionsPolicy: 'a\r\nx: y' },
    { contentSecurityPolicy: 'ä' },
    { openerPolicy: 'none' },
    { remove: ['content-length'] },
    { xFrameOptions: 'DENY' },
  ])
    assert.equal(securityHeadersConfig.safeParse(config).success, false, JSON.stringify(config));
});
