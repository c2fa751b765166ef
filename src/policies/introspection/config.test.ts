import assert from 'node:assert/strict';
import { test } from 'node:test';
import { introspectionConfig } from './config.ts';

const least = { endpoint: 'https://login.example.com/introspect', clientId: 'gatehouse', clientSecret: 's' };

test('an endpoint with what the gateway is known by is enough', () => {
  const config = introspectionConfig.parse(least);
  assert.deepEqual([config.header, config.scheme, config.forward], ['authorization', 'Bearer', true]);
  assert.deepEqual([config.ttlMs, config.refusedTtlMs, config.staleForMs, config.timeoutMs], [60_000, 10_000, 0, 3_000]);
  assert.deepEqual(config.names, { subject: 'sub', groups: 'groups', scopes: ['scope', 'scp'], roles: ['roles'] });
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { ...least, endpoint: '/introspect' },
    { ...least, clientId: '' },
    { ...least, clientSecret: '' },
    { ...least, clientAuthentication: 'query' },
    { ...least, ttl: '0s' },
    { ...least, ttl: '2h' },
    { ...least, refusedTtl: '0s' },
    { ...least, timeout: '1ms' },
    { ...least, audience: [] },
    { ...least, cookie: 'a', scheme: 'Bearer' },
    { ...least, jwks: 'https://login.example.com/keys' },
  ])
    assert.equal(introspectionConfig.safeParse(config).success, false, JSON.stringify(config));
});

test('a secret is not shown', () => {
  assert.equal(JSON.stringify(introspectionConfig.parse({ ...least, clientSecret: 'hunter2' })).includes('hunter2'), false);
});
