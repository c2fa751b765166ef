/**
 * A number that all threads count up and down together. A thread that dies takes what it held with it: whoever notices
 * begins a new generation, in which each thread that lives counts what it holds once more.
 */

/** Of the word: the number itself, and above it the generation that it belongs to. */
const COUNT_BITS = 24;
const COUNT_MASK = (1 << COUNT_BITS) - 1;
const GENERATION_MASK = 0xff;

export class SharedCount {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #generationAt: number;
  #generation: number;
  #held = 0;

  /** `at` is the word of the number, `generationAt` the one that `beginGeneration` moves. */
  constructor(words: Int32Array, at: number, generationAt: number) {
    this.#words = words;
    this.#at = at;
    this.#generationAt = generationAt;
    this.#generation = words[generationAt]! & GENERATION_MASK;
  }

  /** Of this thread. */
  get held(): number {
    return this.#held;
  }

  /** Of all threads. */
  get total(): number {
    return this.#add(0, Number.POSITIVE_INFINITY);
  }

  /** One more, unless there are `max` already. */
  take(max: number): boolean {
    if (this.#add(1, max) >= max) return false;
    this.#held += 1;
    return true;
  }

  /** One less of those that this thread holds. */
  give(): void {
    this.#add(-1, Number.POSITIVE_INFINITY);
    this.#held -= 1;
  }

  /** The number before. It stays as it is when it is `max` or more. */
  #add(change: number, max: number): number {
    const words = this.#words;
    for (;;) {
      // In this order: the generation is then never older than the word's.
      const word = Atomics.load(words, this.#at);
      const generation = Atomics.load(words, this.#generationAt) & GENERATION_MASK;
      const isCounted = this.#generation === generation;
      const isOfGeneration = word >>> COUNT_BITS === generation;
      const count = (isOfGeneration ? word & COUNT_MASK : 0) + (isCounted ? 0 : this.#held);
      const next = count < max ? count + change : count;
      if (isCounted && isOfGeneration && next === count) return count;
      if (Atomics.compareExchange(words, this.#at, word, (generation << COUNT_BITS) | next) !== word) continue;
      this.#generation = generation;
      return count;
    }
  }
}

/** Forgets what threads hold that live no more. */
export function beginGeneration(words: Int32Array, generationAt: number): void {
  Atomics.add(words, generationAt, 1);
}
