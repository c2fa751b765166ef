/**
 * How much each of many keys has used or holds, in memory that all threads share. A count is changed with atomics alone; who
 * gives an entry to another key holds the lock of the table meanwhile, which happens once for a key and not for each request.
 * The control thread takes the lock away from a thread that has died, and what that thread held.
 *
 * An entry is free when it holds nothing; one with a time, when that has passed. It is not given to another key before.
 */
import { limits } from '#base/limits.ts';

const WORD_BYTES = 4;
/** Words of every entry. */
export const EntryWord = { count: 0, low: 1, high: 2, until: 3 } as const;
/** In the place of a count: the entry is being given to another key. */
const CLAIMED = -1;

const BUCKET_ENTRIES = 8;
/** More than one for each key, so that nearly all of the keys find a place until all are there. */
const ENTRIES_PER_KEY = 1.5;
/** For counts that keys share for which there is no room. */
const SHARED_BUCKETS = 64;
/** One cache line at the beginning. */
const HEADER_WORDS = 16;
const SEED = 0;
const LOCK = 2;
const OVERFLOWS = 3;
const BUCKETS = 4;
const UNLOCKED = 0;

/** How often a thread looks whether the lock is free before it waits for it, and how long it waits then. */
const LOOKS_MAX = 200;
const WAIT_MS = 1;
const WAITS_MAX = 50;

/** In the place of an entry. */
export const NO_ROOM = -1;
export const TOO_MANY = -2;
const NOT_FOUND = -3;
/** Another thread was faster. */
const AGAIN = -4;

/** Of a key, together with what tells its limit from others. */
interface CountHash {
  low: number;
  high: number;
}

/** What is asked about. One object serves for all requests of a limit. */
export interface CountedKey extends CountHash {
  /** The second from which on its entry may be given to others; 0: when it holds nothing. */
  until: number;
  /** Up to how many are counted. */
  max: number;
}

interface Region {
  readonly firstWord: number;
  readonly bucketCount: number;
}

export interface CountTableLayout {
  readonly entryWords: number;
  /** Whether it is known which thread holds how much, so that it comes back when the thread dies. */
  readonly keepsHeld: boolean;
  /** Whether entries are noted that have changed. */
  readonly notesChanges: boolean;
}

/** Threads that can be told apart: as many as a configuration may want, and some on their way out. What further ones hold is not known. */
const THREAD_NUMBERS_MAX = 640;

/**
 * Memory for so many keys, or what is there already where it is as large. `seed` is what hashes are made with; it is drawn
 * where none is given.
 */
export function provideCountMemory(
  keysMax: number,
  layout: CountTableLayout,
  { present, seed }: { readonly present?: SharedArrayBuffer | undefined; readonly seed?: readonly number[] | undefined } = {},
): SharedArrayBuffer {
  const buckets = SHARED_BUCKETS + Math.ceil((keysMax * ENTRIES_PER_KEY) / BUCKET_ENTRIES);
  const byteLength = findParts(buckets, layout).byteLength;
  if (present?.byteLength === byteLength) return present;
  // Pages that nobody has written to take no memory.
  const memory = new SharedArrayBuffer(byteLength);
  // Not into shared memory directly, which this function refuses.
  new Int32Array(memory).set(seed ?? crypto.getRandomValues(new Int32Array(2)), SEED);
  new Int32Array(memory)[BUCKETS] = buckets;
  return memory;
}

/** Where the parts of the memory begin. */
function findParts(buckets: number, { entryWords, keepsHeld, notesChanges }: CountTableLayout) {
  const entries = buckets * BUCKET_ENTRIES;
  const changesAt = (HEADER_WORDS + entries * entryWords) * WORD_BYTES;
  const heldAt = changesAt + (notesChanges ? buckets * WORD_BYTES : 0);
  const byteLength = heldAt + (keepsHeld ? entries * THREAD_NUMBERS_MAX * Int16Array.BYTES_PER_ELEMENT : 0);
  return { entries, changesAt, heldAt, byteLength };
}

export class KeyedCounts {
  readonly words: Int32Array;
  readonly #layout: CountTableLayout;
  readonly #threadNumber: number;
  readonly #entries: number;
  readonly #bucketWords: number;
  readonly #keys: Region;
  readonly #shared: Region;
  /** For each bucket whether one of its entries has changed. */
  readonly #changes: Int32Array;
  /** What each thread holds of each entry, thread by thread. */
  readonly #held: Int16Array;
  readonly #heldAt: number;
  /** Of the entry that was asked about last. */
  count = 0;

  /** `threadNumber`: of the thread that counts, as the control thread has given it. */
  constructor(memory: SharedArrayBuffer, layout: CountTableLayout, threadNumber: number) {
    this.words = new Int32Array(memory);
    this.#layout = layout;
    this.#threadNumber = threadNumber;
    const buckets = this.words[BUCKETS]!;
    const { entries, changesAt, heldAt } = findParts(buckets, layout);
    this.#entries = entries;
    this.#bucketWords = BUCKET_ENTRIES * layout.entryWords;
    this.#shared = { firstWord: HEADER_WORDS, bucketCount: SHARED_BUCKETS };
    const keysFirst = HEADER_WORDS + SHARED_BUCKETS * this.#bucketWords;
    this.#keys = { firstWord: keysFirst, bucketCount: buckets - SHARED_BUCKETS };
    this.#changes = new Int32Array(memory, changesAt, layout.notesChanges ? buckets : 0);
    const keepsHeld = layout.keepsHeld && threadNumber < THREAD_NUMBERS_MAX;
    this.#held = new Int16Array(memory, heldAt, keepsHeld ? entries * THREAD_NUMBERS_MAX : 0);
    this.#heldAt = threadNumber * entries;
  }

  /** What hashes of keys are made with. */
  get seed(): readonly [number, number] {
    return [this.words[SEED]!, this.words[SEED + 1]!];
  }

  /** How often it was counted by a count that keys share. */
  get overflowCount(): number {
    return Atomics.load(this.words, OVERFLOWS);
  }

  /**
   * Counts one more for the key, unless there are `max` already: `count` says how many there are then, or that there are too
   * many. Returns where the entry is, for `give`, or `TOO_MANY` or `NO_ROOM`. `onClaim` completes an entry that is new.
   */
  take(key: CountedKey, nowS: number, onClaim?: (at: number) => void): number {
    return this.#take(this.#keys, key, nowS, onClaim);
  }

  /** The same for all keys together for which there is no room; `key` is that of their limit. */
  takeShared(key: CountedKey, nowS: number, onClaim?: (at: number) => void): number {
    Atomics.add(this.words, OVERFLOWS, 1);
    return this.#take(this.#shared, key, nowS, onClaim);
  }

  /** One less in an entry that was taken from. */
  give(at: number): void {
    const { words } = this;
    const heldAt = this.#heldAtOf(at);
    // A thread is ended where it calls something or a loop begins anew, and nothing of that is between: both are done, or neither.
    Atomics.sub(words, at + EntryWord.count, 1);
    if (heldAt >= 0) Atomics.sub(this.#held, heldAt, 1);
    this.noteChange(at);
  }

  /** How many are counted for the key; 0 where it has no entry. */
  look(key: CountedKey): number {
    const at = this.#find(this.#keys, key);
    return at === NOT_FOUND ? 0 : Math.max(0, Atomics.load(this.words, at + EntryWord.count));
  }

  /** Enters a count that was kept elsewhere, before anybody counts. False: there is no room. */
  enter(key: CountedKey, count: number, { isShared, onClaim }: { isShared: boolean; onClaim(at: number): void }): boolean {
    const at = this.#claim(isShared ? this.#shared : this.#keys, key, 0, onClaim);
    if (at < 0) return false;
    Atomics.store(this.words, at + EntryWord.count, count);
    return true;
  }

  /** Begins to count anew. False: the key has no entry. */
  reset(key: CountHash): boolean {
    const inKeys = this.#find(this.#keys, key);
    const at = inKeys === NOT_FOUND ? this.#find(this.#shared, key) : inKeys;
    if (at === NOT_FOUND) return false;
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      const count = Atomics.load(this.words, at + EntryWord.count);
      if (count < 0 || !this.#isOf(at, key)) return false;
      if (Atomics.compareExchange(this.words, at + EntryWord.count, count, 0) !== count) continue;
      this.noteChange(at);
      return true;
    }
    return false;
  }

  noteChange(at: number): void {
    if (this.#changes.length === 0) return;
    const bucket = this.#bucketOf(at);
    if (Atomics.load(this.#changes, bucket) === 0) Atomics.store(this.#changes, bucket, 1);
  }

  /** Calls `visit` with every entry of buckets that have changed since the last time, until it has had enough of them. */
  visitChanged(visit: (at: number) => void, bucketsMax: number): boolean {
    let visited = 0;
    for (let bucket = 0; bucket < this.#changes.length; bucket++) {
      if (Atomics.load(this.#changes, bucket) === 0) continue;
      if (visited === bucketsMax) return false;
      visited += 1;
      // Before its counts are read: what is counted from now on is noted anew.
      Atomics.store(this.#changes, bucket, 0);
      const first = HEADER_WORDS + bucket * this.#bucketWords;
      for (let at = first; at < first + this.#bucketWords; at += this.#layout.entryWords) visit(at);
    }
    return true;
  }

  /** Entries from a position on, by which they can be walked in pieces; `undefined` behind the last. */
  entryAt(index: number): number | undefined {
    return index < this.#entries ? HEADER_WORDS + index * this.#layout.entryWords : undefined;
  }

  /** Takes back what a thread that lives no more has held, and the lock. Called by the control thread. */
  forgetThread(threadNumber: number): void {
    const { words } = this;
    const first = threadNumber * this.#entries;
    for (let i = 0; this.#held.length > 0 && i < this.#entries; i++) {
      const held = Atomics.exchange(this.#held, first + i, 0);
      if (held !== 0) Atomics.sub(words, this.entryAt(i)! + EntryWord.count, held);
    }
    const owner = threadNumber + 1;
    if (Atomics.load(words, LOCK) !== owner) return;
    for (let i = 0; i < this.#entries; i++) {
      const at = this.entryAt(i)!;
      if (Atomics.load(words, at + EntryWord.count) === CLAIMED) this.#free(at);
    }
    this.#unlock(owner);
  }

  #take(region: Region, key: CountedKey, nowS: number, onClaim: ((at: number) => void) | undefined): number {
    const { words } = this;
    for (let i = 0; i < limits.countAttemptsMax; i++) {
      const at = this.#find(region, key);
      if (at === NOT_FOUND) {
        const claimed = this.#claim(region, key, nowS, onClaim);
        if (claimed === AGAIN) continue;
        this.count = 1;
        return claimed;
      }
      const count = Atomics.load(words, at + EntryWord.count);
      if (count < 0 || !this.#isOf(at, key)) continue;
      this.count = count;
      if (count >= key.max) return TOO_MANY;
      const heldAt = this.#heldAtOf(at);
      // As in `give`, nothing is between the two.
      if (Atomics.compareExchange(words, at + EntryWord.count, count, count + 1) !== count) continue;
      if (heldAt >= 0) Atomics.add(this.#held, heldAt, 1);
      if (this.#isOf(at, key)) {
        this.count = count + 1;
        this.noteChange(at);
        return at;
      }
      // It was free, and another thread has given it to another key in between.
      this.give(at);
    }
    return NO_ROOM;
  }

  /** Gives a free entry to a key that has none, and counts its first. */
  #claim(region: Region, key: CountedKey, nowS: number, onClaim: ((at: number) => void) | undefined): number {
    const { words } = this;
    const owner = this.#threadNumber + 1;
    if (!this.#lock(owner)) return NO_ROOM;
    try {
      // Another thread may have been faster.
      if (this.#find(region, key) !== NOT_FOUND) return AGAIN;
      const at = this.#findFree(region, key, nowS);
      if (at === NOT_FOUND) return NO_ROOM;
      const count = Atomics.load(words, at + EntryWord.count);
      // In this order: an entry that is taken from meanwhile has another count.
      if (count < 0 || !this.#isFree(at, nowS)) return AGAIN;
      if (Atomics.compareExchange(words, at + EntryWord.count, count, CLAIMED) !== count) return AGAIN;
      Atomics.store(words, at + EntryWord.low, key.low);
      Atomics.store(words, at + EntryWord.high, key.high);
      Atomics.store(words, at + EntryWord.until, key.until);
      onClaim?.(at);
      const heldAt = this.#heldAtOf(at);
      Atomics.store(words, at + EntryWord.count, 1);
      if (heldAt >= 0) Atomics.add(this.#held, heldAt, 1);
      this.noteChange(at);
      return at;
    } finally {
      this.#unlock(owner);
    }
  }

  /** False: a thread that has died holds it, and the control thread has not noticed yet. */
  #lock(owner: number): boolean {
    const { words } = this;
    for (let i = 0; i < LOOKS_MAX + WAITS_MAX; i++) {
      const present = Atomics.compareExchange(words, LOCK, UNLOCKED, owner);
      if (present === UNLOCKED) return true;
      // That thread may have lost the processor, which it gets back the sooner.
      if (i >= LOOKS_MAX) Atomics.wait(words, LOCK, present, WAIT_MS);
    }
    return false;
  }

  #unlock(owner: number): void {
    Atomics.compareExchange(this.words, LOCK, owner, UNLOCKED);
    Atomics.notify(this.words, LOCK);
  }

  #free(at: number): void {
    const { words } = this;
    Atomics.store(words, at + EntryWord.low, 0);
    Atomics.store(words, at + EntryWord.high, 0);
    Atomics.store(words, at + EntryWord.until, 0);
    Atomics.store(words, at + EntryWord.count, 0);
  }

  #find(region: Region, key: CountHash): number {
    const { entryWords } = this.#layout;
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + this.#bucketWords;
      for (let at = end - this.#bucketWords; at < end; at += entryWords) if (this.#isOf(at, key)) return at;
    }
    return NOT_FOUND;
  }

  /** In the bucket with more room, so that both fill evenly. */
  #findFree(region: Region, key: CountedKey, nowS: number): number {
    let found = NOT_FOUND;
    let most = 0;
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + this.#bucketWords;
      let free = NOT_FOUND;
      let count = 0;
      for (let at = end - this.#bucketWords; at < end; at += this.#layout.entryWords) {
        if (!this.#isFree(at, nowS)) continue;
        free = at;
        count += 1;
      }
      if (count <= most) continue;
      most = count;
      found = free;
    }
    return found;
  }

  /** Two places follow from a hash, one from each of its halves. */
  #bucketAt({ firstWord, bucketCount }: Region, { low, high }: CountHash, half: number): number {
    const share = ((half === 0 ? low : high) >>> 0) / 2 ** 32;
    return firstWord + Math.floor(share * bucketCount) * this.#bucketWords;
  }

  #isOf(at: number, { low, high }: CountHash): boolean {
    return Atomics.load(this.words, at + EntryWord.low) === low && Atomics.load(this.words, at + EntryWord.high) === high;
  }

  #isFree(at: number, nowS: number): boolean {
    const count = Atomics.load(this.words, at + EntryWord.count);
    if (count < 0) return false;
    // Seconds since 1970 are a number without a sign: they last until 2106.
    const until = Atomics.load(this.words, at + EntryWord.until) >>> 0;
    return until === 0 ? count === 0 : until <= nowS;
  }

  #bucketOf(at: number): number {
    return Math.floor((at - HEADER_WORDS) / this.#bucketWords);
  }

  #heldAtOf(at: number): number {
    return this.#held.length === 0 ? -1 : this.#heldAt + (at - HEADER_WORDS) / this.#layout.entryWords;
  }
}
