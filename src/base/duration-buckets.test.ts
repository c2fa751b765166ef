import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUCKET_COUNT, bucketEndsMs, quantileMs, toBucket } from './duration-buckets.ts';

test('ends grow by at most a third, and are round numbers', () => {
  assert.equal(bucketEndsMs[0], 0.1);
  assert.equal(bucketEndsMs.at(-1), 100_000);
  for (let i = 1; i < bucketEndsMs.length; i++) {
    const [before, end] = [bucketEndsMs[i - 1]!, bucketEndsMs[i]!];
    assert.ok(end > before && end / before < 1.34, `${before}, then ${end}`);
    assert.ok(String(end).length <= 6, String(end));
  }
});

test('a duration comes into the first bucket whose end is not before it', () => {
  assert.equal(toBucket(0), 0);
  assert.equal(toBucket(100_001), BUCKET_COUNT - 1);
  for (const [i, end] of bucketEndsMs.entries()) {
    assert.equal(toBucket(end), i);
    assert.equal(toBucket(end * 1.0001), i + 1);
  }
});

test('a quantile lies in the bucket of its share', () => {
  const counts = new Float64Array(BUCKET_COUNT + 3);
  assert.equal(quantileMs(counts, 0.5), 0);
  for (let ms = 1; ms <= 1_000; ms++) counts[3 + toBucket(ms)]! += 1;
  for (const share of [0.5, 0.9, 0.99]) {
    const found = quantileMs(counts, share, 3);
    assert.ok(Math.abs(found - 1_000 * share) < 1_000 * share * 0.1, `${share}: ${found}`);
  }
  counts.fill(0);
  counts[BUCKET_COUNT - 1] = 1;
  assert.equal(quantileMs(counts, 0.5), 100_000);
});
