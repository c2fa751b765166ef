import assert from 'node:assert/strict';
import test from 'node:test';
import { createChanceSource } from './chance.ts';

test('numbers lie evenly between 0 and 1', () => {
  const random = createChanceSource();
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const drawn = random();
    assert.ok(drawn >= 0 && drawn < 1);
    counts[Math.floor(drawn * 10)]! += 1;
  }
  // Eight standard deviations are 240.
  assert.ok(
    counts.every((count) => Math.abs(count - 1_000) <= 240),
    counts.join(),
  );
});
