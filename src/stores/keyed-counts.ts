/**
 * How much each of many keys has used in a window of time, in memory that all threads share. A count is changed by
 * `compareExchange` alone. An entry is free when its window is over, and not before.
 */
import { limits } from '#base/limits.ts';
import { KeyedEntries, type KeyHash, NOT_FOUND, type Region } from './keyed-entries.ts';

/** Words of an entry, beside those of its key. */
const COUNT = 0;
const UNTIL = 3;
/** In the place of a count: the entry is being given to another key. */
const CLAIMED = -1;
export const COUNT_BUCKET_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** In the place of an entry. */
export const NO_ROOM = -1;
export const TOO_MANY = -2;
/** Another thread was faster. */
const AGAIN = -3;

/** What is asked about. One object serves for all requests of a limit. */
export interface CountedKey extends KeyHash {
  /** The second since 1970, as 32 bits, from which on its entry may be given to others. */
  until: number;
  /** Up to how many are counted. */
  max: number;
}

/** How long a thread waits for another one that is about to fill an entry, and how often. */
const WAIT_MS = 1;
const WAITS_MAX = 100;

type Claim = (at: number) => void;

export class KeyedCounts {
  readonly entries: KeyedEntries;
  /** For each bucket whether one of its entries has changed. */
  readonly #changes: Int32Array;
  /** Of the entry that was asked about last. */
  count = 0;

  constructor(memory: SharedArrayBuffer, threadNumber: number) {
    this.entries = new KeyedEntries(memory, threadNumber, (at, nowS) => this.#isFree(at, nowS));
    this.#changes = new Int32Array(memory, this.entries.endByte, this.entries.bucketCount);
  }

  /**
   * Counts one more for the key, unless there are `max` already: `count` says how many there are then, or that there are too
   * many. Returns where the entry is, for `give`, or `TOO_MANY` or `NO_ROOM`. `onClaim` completes an entry that is new.
   */
  take(key: CountedKey, nowS: number, onClaim?: Claim): number {
    return this.#take(this.entries.keys, key, nowS, onClaim);
  }

  /** The same for all keys together for which there is no room; `key` is that of their limit. */
  takeShared(key: CountedKey, nowS: number, onClaim?: Claim): number {
    this.entries.addOverflow();
    return this.#take(this.entries.shared, key, nowS, onClaim);
  }

  /** One less in an entry that was taken from. */
  give(at: number): void {
    Atomics.sub(this.entries.words, at + COUNT, 1);
    this.noteChange(at);
  }

  /** How many are counted for the key; 0 where it has no entry. */
  look(key: KeyHash): number {
    const at = this.entries.find(this.entries.keys, key);
    return at === NOT_FOUND ? 0 : Math.max(0, this.countAt(at));
  }

  /** Below 0: it is being given to another key. */
  countAt(at: number): number {
    return Atomics.load(this.entries.words, at + COUNT);
  }

  /** 0: it has never been given to a key. */
  untilAt(at: number): number {
    // Seconds since 1970 are a number without a sign: they last until 2106.
    return Atomics.load(this.entries.words, at + UNTIL) >>> 0;
  }

  /** Enters a count that was kept elsewhere, before anybody counts. False: there is no room. */
  enter(key: CountedKey, count: number, { isShared, onClaim }: { readonly isShared: boolean; readonly onClaim: Claim }): boolean {
    const at = this.#claim(isShared ? this.entries.shared : this.entries.keys, key, 0, onClaim);
    if (at < 0) return false;
    Atomics.store(this.entries.words, at + COUNT, count);
    return true;
  }

  /** Begins to count anew. False: the key has no entry. */
  reset(key: KeyHash): boolean {
    const { entries } = this;
    const inKeys = entries.find(entries.keys, key);
    const at = inKeys === NOT_FOUND ? entries.find(entries.shared, key) : inKeys;
    if (at === NOT_FOUND) return false;
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      const count = this.countAt(at);
      if (count < 0 || !entries.isOf(at, key)) return false;
      if (Atomics.compareExchange(entries.words, at + COUNT, count, 0) !== count) continue;
      this.noteChange(at);
      return true;
    }
    return false;
  }

  noteChange(at: number): void {
    const bucket = this.entries.bucketOf(at);
    if (Atomics.load(this.#changes, bucket) === 0) Atomics.store(this.#changes, bucket, 1);
  }

  /** Calls `visit` with every entry of buckets that have changed since the last time. False: there are more than `bucketsMax`. */
  visitChanged(visit: (at: number) => void, bucketsMax: number): boolean {
    const { entries } = this;
    const bucketEntries = entries.entryCount / entries.bucketCount;
    let visited = 0;
    for (let bucket = 0; bucket < this.#changes.length; bucket++) {
      if (Atomics.load(this.#changes, bucket) === 0) continue;
      if (visited === bucketsMax) return false;
      visited += 1;
      // Before its counts are read: what is counted from now on is noted anew.
      Atomics.store(this.#changes, bucket, 0);
      for (let i = 0; i < bucketEntries; i++) visit(entries.entryAt(bucket * bucketEntries + i)!);
    }
    return true;
  }

  /** This thread lives no more, and may have been giving an entry to a key. Called by the control thread. */
  forgetThread(): void {
    const { entries } = this;
    if (!entries.isLockedByThis) return;
    for (let i = 0; i < entries.entryCount; i++) {
      const at = entries.entryAt(i)!;
      if (this.countAt(at) !== CLAIMED) continue;
      entries.setKey(at, { low: 0, high: 0 });
      Atomics.store(entries.words, at + UNTIL, 0);
      Atomics.store(entries.words, at + COUNT, 0);
    }
    entries.unlock();
  }

  #take(region: Region, key: CountedKey, nowS: number, onClaim: Claim | undefined): number {
    const { entries } = this;
    let waits = 0;
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      const at = entries.find(region, key);
      if (at === NOT_FOUND) {
        const claimed = this.#claim(region, key, nowS, onClaim);
        if (claimed === AGAIN) continue;
        this.count = claimed === TOO_MANY ? key.max : 1;
        return claimed;
      }
      const count = this.countAt(at);
      if (count < 0) {
        // The thread that gives it to the key may have lost the processor, which it gets back the sooner.
        if (waits === WAITS_MAX) break;
        if (Atomics.wait(entries.words, at + COUNT, count, WAIT_MS) === 'timed-out') waits += 1;
        continue;
      }
      if (!entries.isOf(at, key)) continue;
      this.count = count;
      if (count >= key.max) return TOO_MANY;
      if (Atomics.compareExchange(entries.words, at + COUNT, count, count + 1) !== count) continue;
      if (entries.isOf(at, key)) {
        this.count = count + 1;
        this.noteChange(at);
        return at;
      }
      // Its window is over, and another thread has given it to another key in between.
      this.give(at);
    }
    // Rather refused than counted in the wrong place.
    this.count = key.max;
    return TOO_MANY;
  }

  /** Gives a free entry to a key that has none, and counts its first. */
  #claim(region: Region, key: CountedKey, nowS: number, onClaim: Claim | undefined): number {
    const { entries } = this;
    const { words } = entries;
    // Rather refused than counted in the wrong place.
    if (!entries.lock()) return TOO_MANY;
    try {
      // Another thread may have been faster.
      if (entries.find(region, key) !== NOT_FOUND) return AGAIN;
      const at = entries.findFree(region, key, nowS);
      if (at === NOT_FOUND) return NO_ROOM;
      const count = this.countAt(at);
      // An entry that is taken from meanwhile has another count.
      if (Atomics.compareExchange(words, at + COUNT, count, CLAIMED) !== count) return AGAIN;
      entries.setKey(at, key);
      Atomics.store(words, at + UNTIL, key.until);
      onClaim?.(at);
      Atomics.store(words, at + COUNT, 1);
      Atomics.notify(words, at + COUNT);
      this.noteChange(at);
      return at;
    } finally {
      entries.unlock();
    }
  }

  #isFree(at: number, nowS: number): boolean {
    return this.countAt(at) >= 0 && this.untilAt(at) <= nowS;
  }
}
