/** Numbers for choices that must be fair and need not be secret. Tests and simulations give a seed, so that they repeat. */
import { randomFillSync } from 'node:crypto';

/** Numbers from 0 up to, but not including, 1. */
export type RandomSource = () => number;

/** Seeded by the system unless told otherwise. The generator is sfc32, 128 bits of state: a few nanoseconds a number. */
export function createRandomSource(seed?: number): RandomSource {
  let [a, b, c] = seed === undefined ? drawSeed() : [seed | 0, ~seed, seed ^ 0x9e3779b9];
  let counter = 1;
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  // Its author advises so many steps until a poor seed no longer shows.
  for (let i = 0; i < 12; i++) next();
  return next;
}

function drawSeed(): [number, number, number] {
  const [a, b, c] = randomFillSync(new Int32Array(3)) as unknown as [number, number, number];
  return [a, b, c];
}
