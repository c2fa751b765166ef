/** Limits of concurrency whose places all threads of the process share. */
import { type ConcurrencyLimit, type ConcurrencyLimits, NO_PLACE } from '#base/concurrency-limits.ts';
import { KeyedHash } from '#base/keyed-hash.ts';
import { limits } from '#base/limits.ts';
import { type CountedKey, type CountTableLayout, KeyedCounts, NO_ROOM, provideCountMemory, TOO_MANY } from './keyed-counts.ts';

const layout: CountTableLayout = { entryWords: 4, keepsHeld: true, notesChanges: false };
/** Entries are free when they hold nothing, whatever the time. */
const ANY_TIME = 0;

export function provideConcurrencyMemory(
  present?: SharedArrayBuffer,
  keysMax: number = limits.concurrencyKeysMax,
): SharedArrayBuffer {
  return provideCountMemory(keysMax, layout, { present });
}

/** The places that a thread held which lives no more come back. Called by the control thread. */
export function takeBackPlaces(memory: SharedArrayBuffer, threadNumber: number): void {
  new KeyedCounts(memory, layout, threadNumber).forgetThread(threadNumber);
}

export class SharedConcurrency implements ConcurrencyLimits {
  readonly memory: SharedArrayBuffer;
  readonly #counts: KeyedCounts;
  readonly #hash: KeyedHash;

  constructor(memory: SharedArrayBuffer, threadNumber: number) {
    this.memory = memory;
    this.#counts = new KeyedCounts(memory, layout, threadNumber);
    this.#hash = new KeyedHash(...this.#counts.seed);
  }

  open(name: string, max: number): ConcurrencyLimit {
    this.#hash.hash(name);
    const own = { low: this.#hash.low, high: this.#hash.high, until: 0, max };
    return new SharedConcurrencyLimit(this.#counts, this.#hash, own);
  }
}

class SharedConcurrencyLimit implements ConcurrencyLimit {
  readonly #counts: KeyedCounts;
  readonly #hash: KeyedHash;
  /** The limit itself: the same key is another one for another limit. */
  readonly #own: Readonly<CountedKey>;
  readonly #key: CountedKey;

  constructor(counts: KeyedCounts, hash: KeyedHash, own: Readonly<CountedKey>) {
    this.#counts = counts;
    this.#hash = hash;
    this.#own = own;
    this.#key = { ...own };
  }

  take(key: string): number {
    this.#hash.hash(key);
    this.#key.low = this.#hash.low ^ this.#own.low;
    this.#key.high = this.#hash.high ^ this.#own.high;
    let place = this.#counts.take(this.#key, ANY_TIME);
    // Those for which there is no room have together as much as one client.
    if (place === NO_ROOM) place = this.#counts.takeShared(this.#own, ANY_TIME);
    return place === NO_ROOM || place === TOO_MANY ? NO_PLACE : place;
  }

  give(place: number): void {
    this.#counts.give(place);
  }
}
