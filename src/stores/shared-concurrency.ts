/** Limits of concurrency whose places all threads of the process share. */
import { type ConcurrencyLimit, type ConcurrencyLimits, NO_PLACE } from '#base/concurrency-limits.ts';
import { KeyedHash } from '#base/keyed-hash.ts';
import { limits } from '#base/limits.ts';
import { HeldPlaces, NO_ROOM, provideHeldMemory, TOO_MANY } from './held-places.ts';
import type { KeyHash } from './keyed-entries.ts';

export interface ConcurrencyMemory {
  /** How many serve. */
  readonly threads: number;
  readonly keysMax?: number;
  readonly present?: SharedArrayBuffer | undefined;
}

/** What is there already, where it is enough for so many threads. */
export function provideConcurrencyMemory({
  threads,
  keysMax = limits.concurrencyKeysMax,
  present,
}: ConcurrencyMemory): SharedArrayBuffer {
  return provideHeldMemory(threads, keysMax, present);
}

/** The places that a thread held which lives no more come back. Called by the control thread. */
export function takeBackPlaces(memory: SharedArrayBuffer, threadNumber: number): void {
  new HeldPlaces(memory, threadNumber).forgetThread();
}

export class SharedConcurrency implements ConcurrencyLimits {
  readonly memory: SharedArrayBuffer;
  readonly #places: HeldPlaces;
  readonly #hash: KeyedHash;

  constructor(memory: SharedArrayBuffer, threadNumber: number) {
    this.memory = memory;
    this.#places = new HeldPlaces(memory, threadNumber);
    this.#hash = new KeyedHash(...this.#places.entries.seed);
  }

  open(name: string, max: number): ConcurrencyLimit {
    this.#hash.hash(name);
    const own = { low: this.#hash.low, high: this.#hash.high };
    return new SharedConcurrencyLimit({ places: this.#places, hash: this.#hash, own, max });
  }
}

interface LimitMeans {
  readonly places: HeldPlaces;
  readonly hash: KeyedHash;
  /** The limit itself: the same key is another one for another limit. */
  readonly own: KeyHash;
  readonly max: number;
}

class SharedConcurrencyLimit implements ConcurrencyLimit {
  readonly #means: LimitMeans;
  readonly #key: KeyHash = { low: 0, high: 0 };

  constructor(means: LimitMeans) {
    this.#means = means;
  }

  take(key: string): number {
    const { places, hash, own, max } = this.#means;
    hash.hash(key);
    this.#key.low = hash.low ^ own.low;
    this.#key.high = hash.high ^ own.high;
    let place = places.take(this.#key, max);
    // Those for which there is no room have together as much as one client.
    if (place === NO_ROOM) place = places.takeShared(own, max);
    return place === NO_ROOM || place === TOO_MANY ? NO_PLACE : place;
  }

  give(place: number): void {
    this.#means.places.give(place);
  }
}
