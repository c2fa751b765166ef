import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyHistogram } from './latency-histogram.ts';

function recordMany(histogram: LatencyHistogram, ms: number, count: number): void {
  for (let i = 0; i < count; i++) histogram.record(ms);
}

function assertNear(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && actual >= expected && actual <= expected * 1.2, `${actual} is not near ${expected}`);
}

test('says nothing before it knows enough', () => {
  const histogram = new LatencyHistogram();
  recordMany(histogram, 5, 19);
  assert.equal(histogram.quantileMs(0.95), undefined);
  histogram.record(5);
  assertNear(histogram.quantileMs(0.95), 5);
});

test('tells the slow ones from the rest', () => {
  const histogram = new LatencyHistogram();
  recordMany(histogram, 3, 94);
  recordMany(histogram, 200, 6);
  assertNear(histogram.quantileMs(0.9), 3);
  assertNear(histogram.quantileMs(0.95), 200);
  assertNear(histogram.quantileMs(0.5), 3);
});

test('follows a service that has become slower', () => {
  const histogram = new LatencyHistogram();
  recordMany(histogram, 3, 10_000);
  recordMany(histogram, 50, 2_000);
  assertNear(histogram.quantileMs(0.5), 50);
});

test('takes any time, however short or long', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [-1, 0, Number.MIN_VALUE, 1e12]) recordMany(histogram, ms, 10);
  assert.ok(histogram.quantileMs(0.5)! <= 0.1);
  assert.ok(histogram.quantileMs(0.999)! > 100_000);
});
