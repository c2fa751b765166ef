import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idempotencyConfig } from './config.ts';

test('keeps answers to POST and PATCH for a day when nothing is said', () => {
  assert.deepEqual(idempotencyConfig.parse({}), {
    header: 'idempotency-key',
    methods: ['POST', 'PATCH'],
    required: false,
    ttl: 86_400_000,
    store: 'memory',
    wait: 10_000,
    maxRequest: 1_048_576,
    maxAnswer: 262_144,
    keepErrors: false,
    onFailure: 'refuse',
  });
});

test('takes every setting', () => {
  const settings = {
    header: 'X-Request-Key',
    methods: ['POST', 'PUT'],
    required: true,
    by: ['consumer', 'header.x-account'],
    ttl: '7d',
    store: 'redis',
    wait: '0s',
    maxRequest: '16MiB',
    maxAnswer: '768KiB',
    keepErrors: true,
    onFailure: 'allow',
  };
  const { header, by, wait, ttl } = idempotencyConfig.parse(settings);
  assert.deepEqual([header, wait, ttl], ['x-request-key', 0, 604_800_000]);
  assert.deepEqual(by, [{ kind: 'consumer' }, { kind: 'header', name: 'x-account' }]);
});

for (const settings of [
  { header: 'content-length' },
  { methods: [] },
  { methods: ['post'] },
  { by: 'who' },
  { ttl: '0s' },
  { ttl: '25d' },
  { store: 'cookie' },
  { wait: '2m' },
  { maxRequest: '17MiB' },
  { maxAnswer: '1MiB' },
  { onFailure: 'local' },
  { key: 'x' },
]) {
  test(`refuses ${JSON.stringify(settings)}`, () => {
    assert.equal(idempotencyConfig.safeParse(settings).success, false);
  });
}
