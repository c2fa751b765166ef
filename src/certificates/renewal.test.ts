import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRenewalTimeMs, toRetryDelayMs } from './renewal.ts';

const life = { notBeforeMs: 900_000, notAfterMs: 1_800_000, fingerprint: 'ab12' };

test('without advice a certificate is renewed at two thirds of its life', () => {
  assert.equal(toRenewalTimeMs(life, undefined), 1_500_000);
});

test('with advice it is renewed inside the window, at the same moment whenever it is asked', () => {
  const window = { startMs: 1_000_000, endMs: 1_200_000 };
  const times = Array.from({ length: 200 }, (_, i) => toRenewalTimeMs({ ...life, fingerprint: `certificate ${i}` }, window));
  assert.ok(times.every((ms) => ms >= window.startMs && ms < window.endMs));
  const early = times.filter((ms) => ms < 1_100_000).length;
  assert.ok(early > 60 && early < 140, `${early} of 200 in the first half`);
  assert.equal(toRenewalTimeMs(life, window), toRenewalTimeMs(life, window));
});

for (const [what, window] of [
  ['that ends before it starts', { startMs: 1_200_000, endMs: 1_000_000 }],
  ['that is empty', { startMs: 1_000_000, endMs: 1_000_000 }],
  ['that comes when the certificate has expired', { startMs: 1_800_000, endMs: 1_900_000 }],
  ['without dates', { startMs: Number.NaN, endMs: Number.NaN }],
] as const) {
  test(`a window ${what} is passed over`, () => assert.equal(toRenewalTimeMs(life, window), 1_500_000));
}

test('each failure doubles the wait, up to six hours', () => {
  const minutes = Array.from({ length: 12 }, (_, i) => toRetryDelayMs(i + 1, 1) / 60_000);
  assert.deepEqual(minutes, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]);
});

test('half of the wait is by chance', () => {
  assert.deepEqual([toRetryDelayMs(3, 0), toRetryDelayMs(3, 0.5)], [120_000, 180_000]);
});

test('waits as long as the authority asks, but not longer than eight days', () => {
  assert.equal(toRetryDelayMs(1, 1, 3_600_000), 3_600_000);
  assert.equal(toRetryDelayMs(1, 1, 30_000), 60_000);
  assert.equal(toRetryDelayMs(1, 1, 3_600_000_000), 8 * 86_400_000);
});
