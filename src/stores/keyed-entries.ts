/**
 * A table in memory that all threads share, in which entries are found by the hash of a key. What an entry counts is the matter
 * of who uses the table. Whoever gives an entry to another key holds the lock meanwhile, which happens once for a key and not for
 * each request. The control thread takes the lock away from a thread that has died.
 */

const WORD_BYTES = 4;
/** Words of every entry. What the others mean is the matter of who uses the table. */
const LOW = 1;
const HIGH = 2;

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
const BUCKET_WORDS = 5;
const UNLOCKED = 0;

/** How often a thread looks whether the lock is free before it waits for it, and how long it waits then. */
const LOOKS_MAX = 200;
const WAIT_MS = 1;
const WAITS_MAX = 100;

/** In the place of an entry. */
export const NOT_FOUND = -1;

/** Of a key, together with what tells its limit from others. */
export interface KeyHash {
  low: number;
  high: number;
}

/** Where keys of one kind may stand. */
export interface Region {
  readonly firstWord: number;
  readonly bucketCount: number;
}

export interface EntryMemory {
  readonly keysMax: number;
  readonly entryWords: number;
  /** Bytes behind the entries for each bucket. */
  readonly bucketBytes?: number;
  /** What hashes are made with; drawn where none is given. */
  readonly seed?: readonly number[] | undefined;
}

export function provideEntryMemory({ keysMax, entryWords, bucketBytes = 0, seed }: EntryMemory): SharedArrayBuffer {
  const buckets = SHARED_BUCKETS + Math.ceil((keysMax * ENTRIES_PER_KEY) / BUCKET_ENTRIES);
  const bucketWords = BUCKET_ENTRIES * entryWords;
  // Pages that nobody has written to take no memory.
  const memory = new SharedArrayBuffer((HEADER_WORDS + buckets * bucketWords) * WORD_BYTES + buckets * bucketBytes);
  const words = new Int32Array(memory);
  // Not into shared memory directly, which this function refuses.
  words.set(seed ?? crypto.getRandomValues(new Int32Array(2)), SEED);
  words[BUCKETS] = buckets;
  words[BUCKET_WORDS] = bucketWords;
  return memory;
}

export class KeyedEntries {
  readonly words: Int32Array;
  readonly entryWords: number;
  readonly entryCount: number;
  readonly bucketCount: number;
  readonly keys: Region;
  /** For those without room in the other one. */
  readonly shared: Region;
  readonly #bucketWords: number;
  /** Nobody else has it. */
  readonly #lockOwner: number;
  readonly #isFree: (at: number, nowS: number) => boolean;

  /** `threadNumber`: of the thread that counts, as the control thread has given it. */
  constructor(memory: SharedArrayBuffer, threadNumber: number, isFree: (at: number, nowS: number) => boolean) {
    this.words = new Int32Array(memory, 0, Math.floor(memory.byteLength / WORD_BYTES));
    this.bucketCount = this.words[BUCKETS]!;
    this.#bucketWords = this.words[BUCKET_WORDS]!;
    this.entryWords = this.#bucketWords / BUCKET_ENTRIES;
    this.entryCount = this.bucketCount * BUCKET_ENTRIES;
    this.shared = { firstWord: HEADER_WORDS, bucketCount: SHARED_BUCKETS };
    const keysFirst = HEADER_WORDS + SHARED_BUCKETS * this.#bucketWords;
    this.keys = { firstWord: keysFirst, bucketCount: this.bucketCount - SHARED_BUCKETS };
    this.#lockOwner = threadNumber + 1;
    this.#isFree = isFree;
  }

  /** What hashes of keys are made with. */
  get seed(): readonly [number, number] {
    return [this.words[SEED]!, this.words[SEED + 1]!];
  }

  /** How often there was no room. */
  get overflowCount(): number {
    return Atomics.load(this.words, OVERFLOWS);
  }

  addOverflow(): void {
    Atomics.add(this.words, OVERFLOWS, 1);
  }

  /** Behind the last entry. */
  get endByte(): number {
    return (HEADER_WORDS + this.bucketCount * this.#bucketWords) * WORD_BYTES;
  }

  /** By its position; `undefined` behind the last. */
  entryAt(index: number): number | undefined {
    return index < this.entryCount ? HEADER_WORDS + index * this.entryWords : undefined;
  }

  bucketOf(at: number): number {
    return Math.floor((at - HEADER_WORDS) / this.#bucketWords);
  }

  find(region: Region, key: KeyHash): number {
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + this.#bucketWords;
      for (let at = end - this.#bucketWords; at < end; at += this.entryWords) if (this.isOf(at, key)) return at;
    }
    return NOT_FOUND;
  }

  /** In the bucket with more room, so that both fill evenly. */
  findFree(region: Region, key: KeyHash, nowS: number): number {
    let found = NOT_FOUND;
    let most = 0;
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + this.#bucketWords;
      let free = NOT_FOUND;
      let count = 0;
      for (let at = end - this.#bucketWords; at < end; at += this.entryWords) {
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

  isOf(at: number, { low, high }: KeyHash): boolean {
    return Atomics.load(this.words, at + LOW) === low && Atomics.load(this.words, at + HIGH) === high;
  }

  setKey(at: number, { low, high }: KeyHash): void {
    Atomics.store(this.words, at + LOW, low);
    Atomics.store(this.words, at + HIGH, high);
  }

  keyOf(at: number): KeyHash {
    return { low: Atomics.load(this.words, at + LOW), high: Atomics.load(this.words, at + HIGH) };
  }

  /** False: a thread that has died holds it, and the control thread has not noticed yet. */
  lock(): boolean {
    const { words } = this;
    let waits = 0;
    for (let looks = 0; waits < WAITS_MAX; looks++) {
      const present = Atomics.compareExchange(words, LOCK, UNLOCKED, this.#lockOwner);
      if (present === UNLOCKED) return true;
      // That thread may have lost the processor, which it gets back the sooner. Where others are only faster, it counts for nothing.
      if (looks >= LOOKS_MAX && Atomics.wait(words, LOCK, present, WAIT_MS) === 'timed-out') waits += 1;
    }
    return false;
  }

  /** Of this thread's number: by itself, or by the control thread when it is dead. */
  unlock(): void {
    Atomics.compareExchange(this.words, LOCK, this.#lockOwner, UNLOCKED);
    Atomics.notify(this.words, LOCK);
  }

  get isLockedByThis(): boolean {
    return Atomics.load(this.words, LOCK) === this.#lockOwner;
  }

  /** Two places follow from a hash, one from each of its halves. */
  #bucketAt({ firstWord, bucketCount }: Region, { low, high }: KeyHash, half: number): number {
    const share = ((half === 0 ? low : high) >>> 0) / 2 ** 32;
    return firstWord + Math.floor(share * bucketCount) * this.#bucketWords;
  }
}
