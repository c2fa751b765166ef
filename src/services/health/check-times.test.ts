import assert from 'node:assert/strict';
import test from 'node:test';
import { toNextCheckMs } from './check-times.ts';

test('second checks are spread over the interval, later ones keep to it within a tenth', () => {
  assert.equal(toNextCheckMs(10_000, { isFirst: true, random: 0 }), 1_000);
  assert.equal(toNextCheckMs(10_000, { isFirst: true, random: 1 }), 10_000);
  assert.equal(toNextCheckMs(10_000, { isFirst: false, random: 0 }), 9_000);
  assert.equal(toNextCheckMs(10_000, { isFirst: false, random: 0.5 }), 10_000);
  assert.equal(toNextCheckMs(10_000, { isFirst: false, random: 1 }), 11_000);
});
