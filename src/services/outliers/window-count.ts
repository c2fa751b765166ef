/**
 * Counts of one window of time, in words that several threads count in without a lock. The number of the window stands in the
 * upper byte of the word, so whoever counts first in a new window begins at zero. A window that comes 255 or 256 windows after
 * the last count goes on with it; that costs one wrong count in a very long while.
 */
const COUNT_BITS = 24;
const COUNT_MASK = 2 ** COUNT_BITS - 1;
const WINDOW_MASK = 0xff;

/** The window at a time, as words know it. */
export function toWindow(nowMs: number, windowMs: number): number {
  return Math.floor(nowMs / windowMs) & WINDOW_MASK;
}

/** What was counted, of whichever window. */
export function countIn(word: number): number {
  return word & COUNT_MASK;
}

export function windowOf(word: number): number {
  return word >>> COUNT_BITS;
}

/** Counts, and returns the count of the window so far. */
export function countInWindow(words: Int32Array, at: number, window: number, amount: number): number {
  const before = Atomics.load(words, at);
  const aheadBy = (windowOf(before) - window) & WINDOW_MASK;
  // Another thread may be one window ahead, or faster with the beginning of this one; then that is the one to count in.
  if (aheadBy > 1 && beginWindow(words, at, before, window, amount)) return amount;
  return countIn(Atomics.add(words, at, amount) + amount);
}

function beginWindow(words: Int32Array, at: number, before: number, window: number, amount: number): boolean {
  return Atomics.compareExchange(words, at, before, (window << COUNT_BITS) | amount) === before;
}
