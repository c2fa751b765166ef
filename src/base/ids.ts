import { randomFillSync } from 'node:crypto';

const ID_BYTES = 16;
const ID_DIGITS = 2 * ID_BYTES;
const BATCH_IDS = 256;

/**
 * Makes 128-bit ids as 32 hexadecimal digits, written out for 256 ids at a time. They are unique, not secret: a generator that
 * the system's randomness has seeded makes them (xoshiro128++), because drawing each from the system costs ten times as much.
 */
export function createIdSource(): () => string {
  const words = new Uint32Array((ID_BYTES / 4) * BATCH_IDS);
  const bytes = Buffer.from(words.buffer);
  const state = randomFillSync(new Uint32Array(4));
  let digits = '';
  let offset = 0;
  return () => {
    if (offset === digits.length) {
      fill(words, state);
      digits = bytes.hexSlice();
      offset = 0;
    }
    offset += ID_DIGITS;
    return digits.substring(offset - ID_DIGITS, offset);
  };
}

/** Blackman and Vigna: its state is 128 bits long and comes round after all of them. */
function fill(words: Uint32Array, state: Uint32Array): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let i = 0; i < words.length; i++) {
    const sum = (a + d) | 0;
    words[i] = ((sum << 7) | (sum >>> 25)) + a;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
  }
  state.set([a, b, c, d]);
}
