/**
 * HalfSipHash-2-4 with 64 bits, for tables that an attacker may fill: whoever has not the key cannot choose texts that meet
 * in one place. A text is hashed as its UTF-16 units, little-endian. Made of 32-bit operations, so nothing is allocated.
 */

const ROUNDS_PER_WORD = 2;
const ROUNDS_AT_END = 4;
const SECOND_HALF = 0xee;

export class KeyedHash {
  readonly #key0: number;
  readonly #key1: number;
  /** The two halves of the last hash. */
  low = 0;
  high = 0;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  constructor(key0: number, key1: number) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** Leaves the hash in `low` and `high`, as signed numbers of 32 bits. */
  hash(text: string): void {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1 ^ SECOND_HALF;
    this.#v2 = 0x6c796765 ^ this.#key0;
    this.#v3 = 0x74656462 ^ this.#key1;
    const pairsEnd = text.length & ~1;
    for (let i = 0; i < pairsEnd; i += 2) this.#add(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    const last = pairsEnd < text.length ? text.charCodeAt(pairsEnd) : 0;
    this.#add(last | (text.length << 25));
    this.#v2 ^= SECOND_HALF;
    this.#mix(ROUNDS_AT_END);
    this.low = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    this.#mix(ROUNDS_AT_END);
    this.high = this.#v1 ^ this.#v3;
  }

  #add(word: number): void {
    this.#v3 ^= word;
    this.#mix(ROUNDS_PER_WORD);
    this.#v0 ^= word;
  }

  #mix(rounds: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < rounds; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
