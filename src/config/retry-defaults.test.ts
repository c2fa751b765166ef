import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultRetry } from './retry-defaults.ts';
import { serviceRetryMap } from './retry-schema.ts';

test('the defaults of `retry` are those of its schema', () => {
  assert.deepEqual(defaultRetry, serviceRetryMap.parse({}));
});
