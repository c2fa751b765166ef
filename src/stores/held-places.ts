/**
 * How many places each key holds, in memory that all threads share. Each thread has a word of its own in an entry, so that taking
 * and giving are one change of one word, and what a thread held that dies is known, wherever it was ended.
 *
 * A thread that would like a place says so in its word first, and looks at the words of all then. Whoever comes later sees
 * who came before, so never more than `max` hold a place. Where several ask at once for fewer places than they are, the one with
 * the lowest number goes first, and the others ask again: nobody is refused while there is a place.
 */
import { assert } from '#base/assert.ts';
import { limits } from '#base/limits.ts';
import { KeyedEntries, type KeyHash, NOT_FOUND, provideEntryMemory, type Region } from './keyed-entries.ts';

/** An entry begins with its key. */
const KEY_WORDS = 4;
const WORD_BYTES = 4;
/** In the word of a thread: it asks for a place. Below it is how many it holds. */
const ASKS = 0x4000;
const HELD_MASK = ASKS - 1;
/** For each thread that serves, one more that takes its place while it is on its way out; and some besides. */
const NUMBERS_PER_THREAD = 2;
const NUMBERS_MORE = 16;
/** How often others are looked at before this thread lets them go on. */
const LOOKS_MAX = 100;
const WAIT_MS = 1;

/** In the place of an entry. */
export const NO_ROOM = -1;
export const TOO_MANY = -2;
/** Another thread was faster. */
const AGAIN = -3;
const noKey: KeyHash = { low: 0, high: 0 };

/** Memory for so many threads, or what is there already where it is enough for them. */
export function provideHeldMemory(threads: number, keysMax: number, present?: SharedArrayBuffer): SharedArrayBuffer {
  const numbers = threads * NUMBERS_PER_THREAD + NUMBERS_MORE;
  const entryWords = KEY_WORDS + Math.ceil(numbers / 2);
  if (present !== undefined && new KeyedEntries(present, 0, () => false).entryWords >= entryWords) return present;
  return provideEntryMemory({ keysMax, entryWords });
}

export class HeldPlaces {
  readonly entries: KeyedEntries;
  readonly #held: Int16Array;
  /** Words of threads in an entry. */
  readonly #numbers: number;
  readonly #own: number;

  constructor(memory: SharedArrayBuffer, threadNumber: number) {
    this.entries = new KeyedEntries(memory, threadNumber, (at) => this.#isFree(at));
    this.#held = new Int16Array(memory);
    this.#numbers = (this.entries.entryWords - KEY_WORDS) * 2;
    this.#own = threadNumber;
    assert(threadNumber < this.#numbers, 'each thread has a word in each entry');
  }

  /** Takes a place for the key, unless there are `max` already. Returns where, for `give`, or `TOO_MANY` or `NO_ROOM`. */
  take(key: KeyHash, max: number): number {
    return this.#take(this.entries.keys, key, max);
  }

  /** The same for all keys together for which there is no room; `key` is that of their limit. */
  takeShared(key: KeyHash, max: number): number {
    this.entries.addOverflow();
    return this.#take(this.entries.shared, key, max);
  }

  give(at: number): void {
    Atomics.sub(this.#held, this.#firstOf(at) + this.#own, 1);
  }

  /** This thread lives no more. Called by the control thread. */
  forgetThread(): void {
    const { entries } = this;
    for (let i = 0; i < entries.entryCount; i++) {
      const own = this.#firstOf(entries.entryAt(i)!) + this.#own;
      if (Atomics.load(this.#held, own) !== 0) Atomics.store(this.#held, own, 0);
    }
    // An entry whose key it was about to write belongs to nobody, and is free.
    if (entries.isLockedByThis) entries.unlock();
  }

  #take(region: Region, key: KeyHash, max: number): number {
    const { entries } = this;
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      let at = entries.find(region, key);
      if (at === NOT_FOUND) at = this.#claim(region, key);
      if (at === AGAIN) continue;
      if (at < 0) return at;
      const own = this.#firstOf(at) + this.#own;
      Atomics.add(this.#held, own, ASKS);
      const outcome = this.#ask(at, key, max);
      if (outcome === at) {
        Atomics.sub(this.#held, own, ASKS - 1);
        return at;
      }
      Atomics.sub(this.#held, own, ASKS);
      if (outcome === TOO_MANY) return TOO_MANY;
      if (i % LOOKS_MAX === LOOKS_MAX - 1) this.#pause();
    }
    return TOO_MANY;
  }

  /** Whether there is a place, among all who ask. */
  #ask(at: number, key: KeyHash, max: number): number {
    const first = this.#firstOf(at);
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      // It was free, and has been given to another key.
      if (!this.entries.isOf(at, key)) return AGAIN;
      let holding = 0;
      let asking = 0;
      let asksBefore = false;
      for (let number = 0; number < this.#numbers; number++) {
        const word = Atomics.load(this.#held, first + number);
        holding += word & HELD_MASK;
        if ((word & ASKS) === 0) continue;
        asking += 1;
        if (number < this.#own) asksBefore = true;
      }
      if (holding >= max) return TOO_MANY;
      // This thread is one of those who ask.
      if (holding + asking <= max) return at;
      if (asksBefore) return AGAIN;
      if (i % LOOKS_MAX === LOOKS_MAX - 1) this.#pause();
    }
    return AGAIN;
  }

  /** Gives a free entry to a key that has none. */
  #claim(region: Region, key: KeyHash): number {
    const { entries } = this;
    // Rather refused than counted in the wrong place.
    if (!entries.lock()) return TOO_MANY;
    try {
      // Another thread may have been faster.
      if (entries.find(region, key) !== NOT_FOUND) return AGAIN;
      const at = entries.findFree(region, key, 0);
      if (at === NOT_FOUND) return NO_ROOM;
      const before = entries.keyOf(at);
      // Whoever asks for a place says so first and looks at the key then, and this goes the other way round: one sees the other.
      entries.setKey(at, noKey);
      if (!this.#isFree(at)) {
        entries.setKey(at, before);
        return AGAIN;
      }
      entries.setKey(at, key);
      return at;
    } finally {
      entries.unlock();
    }
  }

  /** Another thread has lost the processor, which it gets back the sooner. */
  #pause(): void {
    Atomics.wait(this.entries.words, 0, this.entries.words[0]!, WAIT_MS);
  }

  #isFree(at: number): boolean {
    const first = this.#firstOf(at);
    for (let number = 0; number < this.#numbers; number++) if (Atomics.load(this.#held, first + number) !== 0) return false;
    return true;
  }

  #firstOf(at: number): number {
    return (at + KEY_WORDS) * (WORD_BYTES / Int16Array.BYTES_PER_ELEMENT);
  }
}
