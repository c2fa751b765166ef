import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateLimitConfig } from './config.ts';

test('takes a limit, by the address of the client unless told otherwise', () => {
  assert.deepEqual(rateLimitConfig.parse({ limit: '100/minute' }), {
    limits: [{ limit: 100, windowMs: 60_000, burst: 100, name: '100/minute' }],
    by: [{ kind: 'ip' }],
    tiers: [],
    headers: 'refusals',
    mode: 'enforce',
    store: 'memory',
    shared: 'strict',
    onFailure: 'local',
  });
  assert.deepEqual(rateLimitConfig.parse({ limit: '100/minute', burst: 20, by: 'ip' }).limits, [
    { limit: 100, windowMs: 60_000, burst: 20, name: '100/minute' },
  ]);
});

test('takes several limits, and several parts of a request', () => {
  const { limits, by } = rateLimitConfig.parse({
    limits: ['10/second', { limit: '1000/hour', burst: 50 }],
    by: ['route', 'header.X-Api-Key', 'cookie.Session', 'path.tenant'],
  });
  assert.deepEqual(
    limits.map(({ name, burst }) => [name, burst]),
    [
      ['10/second', 10],
      ['1000/hour', 50],
    ],
  );
  assert.deepEqual(by, [
    { kind: 'route' },
    { kind: 'header', name: 'x-api-key' },
    { kind: 'cookie', name: 'Session' },
    { kind: 'path', name: 'tenant' },
  ]);
});

test('takes tiers in the order in which they are written, each with one limit or several', () => {
  const { limits, tiers } = rateLimitConfig.parse({
    limit: '10/minute',
    tiers: {
      gold: '1000/minute',
      silver: { limit: '100/minute', burst: 5 },
      bronze: ['2/second', { limit: '50/minute', burst: 9 }],
    },
  });
  assert.deepEqual(
    limits.map(({ name }) => name),
    ['10/minute'],
  );
  assert.deepEqual(
    tiers.map((tier) => [tier.group, ...tier.limits.map(({ name, burst }) => `${name} ${burst}`)]),
    [
      ['gold', '1000/minute 1000'],
      ['silver', '100/minute 5'],
      ['bronze', '2/second 2', '50/minute 9'],
    ],
  );
});

test('takes a store that gateways share', () => {
  const { store, shared, onFailure } = rateLimitConfig.parse({
    limit: '10/minute',
    store: 'redis',
    onFailure: 'refuse',
  });
  assert.deepEqual([store, shared, onFailure], ['redis', 'strict', 'refuse']);
  assert.equal(rateLimitConfig.parse({ limit: '10/minute', store: 'redis', shared: 'local-first' }).shared, 'local-first');
});

test('takes a burst that is back within a day, and none that is back later', () => {
  assert.ok(rateLimitConfig.safeParse({ limit: '1/hour', burst: 24 }).success);
  assert.ok(!rateLimitConfig.safeParse({ limit: '1/hour', burst: 25 }).success);
  assert.ok(rateLimitConfig.safeParse({ limit: '1000000/second', burst: 1_000_000 }).success);
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { by: 'ip' },
    { limit: 100 },
    { limit: '0/minute' },
    { limit: '100/fortnight' },
    { limit: '1000001/minute' },
    { limit: '10/minute', burst: 0 },
    { limit: '10/minute', burst: 1.5 },
    { limit: '10/minute', limits: ['1/second'] },
    { limits: ['1/second'], burst: 2 },
    { limits: [] },
    { limits: ['1/second', '1/second'] },
    { limits: Array.from({ length: 9 }, (_, i) => `${i + 1}/second`) },
    { limits: [{ limit: '1/hour', burst: 25 }] },
    { limit: '10/minute', by: [] },
    { limit: '10/minute', by: 'claim.' },
    { limit: '10/minute', by: 'claims.sub' },
    { limit: '10/minute', by: 'header' },
    { limit: '10/minute', by: 'header.' },
    { limit: '10/minute', by: 'header.a b' },
    { limit: '10/minute', headers: true },
    { limit: '10/minute', mode: 'dry' },
    { limit: '10/minute', store: 'disk' },
    { limit: '10/minute', shared: 'strict' },
    { limit: '10/minute', onFailure: 'local' },
    { limit: '10/minute', store: 'memory', shared: 'local-first' },
    { limit: '10/minute', store: 'redis', shared: 'loose' },
    { limit: '10/minute', store: 'redis', onFailure: 'open' },
    { limit: '10/minute', store: 'redis', shared: 'local-first', onFailure: 'refuse' },
    { tiers: { gold: '100/minute' } },
    { limit: '10/minute', tiers: { gold: 100 } },
    { limit: '10/minute', tiers: { gold: [] } },
    { limit: '10/minute', tiers: { gold: ['1/second', '1/second'] } },
    { limit: '10/minute', tiers: { gold: { limit: '1/hour', burst: 25 } } },
    { limit: '10/minute', tiers: { gold: '100/minute', '7': '100/minute' } },
    { limit: '10/minute', tiers: ['gold'] },
    { limit: '10/minute', tiers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`g${i}`, '1/second'])) },
  ])
    assert.equal(rateLimitConfig.safeParse(config).success, false, JSON.stringify(config));
});
