import { createRandomSource, RANDOM_RANGE } from './random.ts';

/**
 * Numbers of at least 0 and below 1, for chances such as one request in a hundred. They are no secrets: each one from the system's
 * randomness, many at a time, costs a request more than all that is decided by it.
 */
export function createChanceSource(): () => number {
  const random = createRandomSource();
  return () => random() / RANDOM_RANGE;
}
