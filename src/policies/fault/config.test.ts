import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultConfig } from './config.ts';

test('takes a delay, an abort or both, for all requests unless told otherwise', () => {
  assert.deepEqual(faultConfig.parse({ delay: { for: '500ms' }, abort: {} }), {
    delay: { for: 500, percent: 1 },
    abort: { status: 503, percent: 1 },
  });
  assert.deepEqual(faultConfig.parse({ abort: { percent: '0.01%' }, when: { headers: { 'X-Chaos': 'yes' } } }).when, {
    headers: { 'x-chaos': { equals: 'yes' } },
  });
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { when: { headers: { 'x-chaos': 'yes' } } },
    { delay: {} },
    { delay: { for: '0ms' } },
    { delay: { for: '11m' } },
    { abort: { status: 200 } },
    { abort: { status: 600 } },
    { abort: { percent: '101%' } },
    { abort: {}, when: {} },
  ])
    assert.equal(faultConfig.safeParse(config).success, false, JSON.stringify(config));
});
