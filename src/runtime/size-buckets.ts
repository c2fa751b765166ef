/** What sizes of bodies are sorted into: from 64 bytes to a gibibyte, each four times the one before. */
const FIRST_BITS = 6;
const BITS_PER_STEP = 2;
const WORD_BITS = 32;

export const sizeBucketEndsBytes: readonly number[] = Array.from(
  { length: 13 },
  (_, step) => 2 ** (FIRST_BITS + BITS_PER_STEP * step),
);
export const SIZE_BUCKET_COUNT: number = sizeBucketEndsBytes.length + 1;
/** The buckets, and behind them the sum of all sizes. */
export const SIZE_CELL_COUNT: number = SIZE_BUCKET_COUNT + 1;
const longest = sizeBucketEndsBytes.at(-1)!;

/** The first bucket whose end is not before it. */
export function toSizeBucket(bytes: number): number {
  if (bytes <= 2 ** FIRST_BITS) return 0;
  if (bytes > longest) return SIZE_BUCKET_COUNT - 1;
  return Math.ceil((WORD_BITS - Math.clz32(bytes - 1) - FIRST_BITS) / BITS_PER_STEP);
}
