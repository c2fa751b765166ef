/**
 * What durations are sorted into: ten steps for each power of ten, from a tenth of a millisecond to 100 seconds, each at most a third
 * longer than the one before. All ends are round numbers, so that the buckets which metrics tell of are sums of some of these.
 */
const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8] as const;
const FIRST_MICROS = 100;
const DECADES = 6;

/** Upper ends; what is longer comes into one more bucket behind them. */
export const bucketEndsMs: Float64Array = Float64Array.from(
  [
    ...Array.from({ length: DECADES }, (_, decade) => steps.map((step) => (step * FIRST_MICROS * 10 ** decade) / 1_000)),
    100_000,
  ].flat(),
);
export const BUCKET_COUNT: number = bucketEndsMs.length + 1;

/** The first bucket whose end is not before it. */
export function toBucket(durationMs: number): number {
  let low = 0;
  let high = BUCKET_COUNT - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (durationMs <= bucketEndsMs[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The time that this share has kept to, taken as if durations were even within a bucket; 0 where nothing was counted. */
export function quantileMs(counts: ArrayLike<number>, share: number, from = 0): number {
  let total = 0;
  for (let i = 0; i < BUCKET_COUNT; i++) total += counts[from + i]!;
  if (total === 0) return 0;
  let left = share * total;
  for (let i = 0; i < BUCKET_COUNT; i++) {
    const count = counts[from + i]!;
    if (count > 0 && left <= count) return within(i, left / count);
    left -= count;
  }
  return bucketEndsMs.at(-1)!;
}

function within(bucket: number, part: number): number {
  const lower = bucket === 0 ? 0 : bucketEndsMs[bucket - 1]!;
  const upper = bucketEndsMs[bucket] ?? lower;
  return lower + (upper - lower) * part;
}
