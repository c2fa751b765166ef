import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unneededExceptions, withoutExcepted } from './excepted.ts';

const finding = { rule: 'random', path: 'src/net/pool.ts', line: 3, message: 'Math.random' };

test('lets an excepted file break its rule and no other', () => {
  const exceptions = [{ rule: 'random', file: 'src/net/pool.ts', reason: 'jitter' }];
  const other = { ...finding, rule: 'timers' };
  assert.deepEqual(withoutExcepted([finding, other], exceptions), [other]);
});

test('finds an exception that nothing needs', () => {
  const needed = { rule: 'random', file: 'src/net/pool.ts', reason: 'jitter' };
  const unneeded = { rule: 'random', file: 'src/net/dial.ts', reason: 'jitter' };
  assert.deepEqual(unneededExceptions([finding], [needed, unneeded]), [unneeded]);
});
