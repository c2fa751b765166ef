import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opaConfig } from './config.ts';

test('sends no headers unless some are written', () => {
  assert.deepEqual(opaConfig.parse({ service: 'opa', path: '/v1/data/shop/allow' }).send, []);
});

test('refuses what cannot be asked, and a cache that leaves out who asks', () => {
  for (const config of [
    {},
    { service: 'opa' },
    { path: '/v1/data/a' },
    { service: 'opa', path: 'v1/data/a' },
    { service: 'opa', path: '/v1/data/a', method: 'GET' },
    { service: 'opa', path: '/v1/data/a', send: ['te'] },
    { service: 'opa', path: '/v1/data/a', cache: { ttl: '1m', by: ['path'] } },
    { service: 'opa', path: '/v1/data/a', send: ['x-team'], cache: { ttl: '1m', by: ['consumer'] } },
  ])
    assert.equal(opaConfig.safeParse(config).success, false, JSON.stringify(config));
  const covered = { send: ['x-team'], cache: { ttl: '1m', by: ['consumer', 'header.x-team', 'path'] } };
  assert.equal(opaConfig.safeParse({ service: 'opa', path: '/v1/data/a', ...covered }).success, true);
});
