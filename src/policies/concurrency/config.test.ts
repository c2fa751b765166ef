import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concurrencyConfig } from './config.ts';

test('takes a limit, by the address of the client unless told otherwise', () => {
  assert.deepEqual(concurrencyConfig.parse({ limit: 10 }), {
    limit: 10,
    by: [{ kind: 'ip' }],
    status: 429,
    retryAfter: 1_000,
    mode: 'enforce',
  });
  const { by, status, retryAfter } = concurrencyConfig.parse({
    limit: 1,
    by: ['consumer', 'header.X-Job'],
    status: 503,
    retryAfter: '1m',
  });
  assert.deepEqual([by, status, retryAfter], [[{ kind: 'consumer' }, { kind: 'header', name: 'x-job' }], 503, 60_000]);
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { limit: 0 },
    { limit: 1.5 },
    { limit: 10_001 },
    { limit: '10' },
    { limit: 1, by: 'claim' },
    { limit: 1, by: [] },
    { limit: 1, status: 500 },
    { limit: 1, retryAfter: '0s' },
    { limit: 1, mode: 'dry' },
    { limit: 1, wait: '1s' },
  ])
    assert.equal(concurrencyConfig.safeParse(config).success, false, JSON.stringify(config));
});
