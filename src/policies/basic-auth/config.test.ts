import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicAuthConfig } from './config.ts';

test('needs no settings', () => {
  assert.deepEqual(basicAuthConfig.parse({}), { realm: 'gatehouse', forward: false });
});

test('refuses a realm that would not stay one', () => {
  for (const config of [
    { realm: '' },
    { realm: 'a"b' },
    { realm: 'a\\b' },
    { realm: 'a\r\nx: y' },
    { realm: 'ä' },
    { realm: 'a'.repeat(101) },
    { anonymous: '' },
    { forward: 'yes' },
    { relam: 'a' },
  ])
    assert.equal(basicAuthConfig.safeParse(config).success, false, JSON.stringify(config));
  assert.equal(basicAuthConfig.safeParse({ realm: 'The shop' }).success, true);
});
