/** Numbers for choices that must be fair and need not be secret. Tests and simulations give a seed, so that they repeat. */
import { randomFillSync } from 'node:crypto';

/** Small enough that V8 never makes an object of a number below it. */
export const RANDOM_RANGE = 2 ** 30;

/** Whole numbers from 0 up to, but not including, `RANDOM_RANGE`. */
export type RandomSource = () => number;

/** Seeded by the system unless told otherwise. The generator is sfc32: 128 bits of state, a few nanoseconds a number. */
export function createRandomSource(seed?: number): RandomSource {
  // In an array, because numbers of 32 bits that a function keeps otherwise would be objects, made anew for each draw.
  const state = seed === undefined ? randomFillSync(new Int32Array(4)) : Int32Array.of(seed, ~seed, seed ^ 0x9e3779b9, 1);
  const next = () => {
    const [a, b, c, counter] = [state[0]!, state[1]!, state[2]!, state[3]!];
    const sum = (a + b + counter) | 0;
    state[3] = counter + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 2;
  };
  // Its author advises so many steps until a poor seed no longer shows.
  for (let i = 0; i < 12; i++) next();
  return next;
}
