/**
 * What all threads know of who has taken how much: a table in shared memory, changed with atomics and without locks. An entry
 * is 16 bytes. Its place is one of sixteen that follow from the hash of its key. It may be given to another key only when
 * everything that was taken is back, so that asking with many keys frees nobody from his limit.
 *
 * The word `arrival` decides: whoever changes it from what was read has changed the entry. The hash of an entry changes only
 * while its `arrival` says `CLAIMED`, and `until` is raised before `arrival` is, so an entry is never free too early.
 */
import { limits } from '#base/limits.ts';
import { type Gcra, TICK_MASK } from './gcra.ts';

const WORD_BYTES = 4;
const ENTRY_WORDS = 4;
/** Words of an entry. */
const ARRIVAL = 0;
/** The second from which on the entry holds nothing. */
const UNTIL = 1;
const LOW = 2;
const HIGH = 3;
/** In the place of a time: a thread is giving the entry to another key. Nobody else uses it meanwhile. */
const CLAIMED = -1;
/** That thread has died of it, or so it seems. Nobody uses the entry ever again. */
const LOST = -2;

const BUCKET_ENTRIES = 8;
const BUCKET_WORDS = BUCKET_ENTRIES * ENTRY_WORDS;
/** More than one for each key, so that nearly all of the keys find a place until all are there. */
const ENTRIES_PER_KEY = 1.5;
/** For the allowances that keys share for which there is no room. */
const SHARED_BUCKETS = 64;
/** One cache line at the beginning. */
const HEADER_WORDS = 16;
const SEED = 0;
const OVERFLOWS = 2;
const REFUSALS = 3;
const STORE_FAILURES = 4;

const NOT_FOUND = -1;
const NO_ROOM = 0;
/** Another thread was faster; as no outcome can be. */
const AGAIN = 2 ** 31;
/** How often an entry is looked at again that another thread is about to fill, before this thread waits for it, and how long then. */
const LOOKS_MAX = 200;
const WAIT_MS = 1;
const WAITS_MAX = 20;

/** Where keys of one kind may stand. */
interface Region {
  readonly firstWord: number;
  readonly bucketCount: number;
}

/** The hash of a key together with the rule that it is asked about: by two rules, a key has two entries. */
export interface AllowanceKey {
  low: number;
  high: number;
}

interface ClaimedKey {
  readonly key: AllowanceKey;
  readonly ahead: number;
  readonly nowMs: number;
}

/** Memory for so many keys: what there is already where it is as large, with all that is counted there. */
export function provideAllowanceMemory(keysMax: number, present?: SharedArrayBuffer): SharedArrayBuffer {
  const buckets = SHARED_BUCKETS + Math.ceil((keysMax * ENTRIES_PER_KEY) / BUCKET_ENTRIES);
  const byteLength = (HEADER_WORDS + buckets * BUCKET_WORDS) * WORD_BYTES;
  if (present?.byteLength === byteLength) return present;
  // Pages that nobody has written to take no memory.
  const memory = new SharedArrayBuffer(byteLength);
  // Not into shared memory directly, which this function refuses.
  new Int32Array(memory).set(crypto.getRandomValues(new Int32Array(2)), SEED);
  return memory;
}

export class AllowanceTable {
  readonly #words: Int32Array;
  readonly #keys: Region;
  readonly #shared: Region;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    const keysFirst = HEADER_WORDS + SHARED_BUCKETS * BUCKET_WORDS;
    this.#shared = { firstWord: HEADER_WORDS, bucketCount: SHARED_BUCKETS };
    this.#keys = { firstWord: keysFirst, bucketCount: (this.#words.length - keysFirst) / BUCKET_WORDS };
  }

  /** What hashes of keys are made with: drawn anew for each table. */
  get seed(): readonly [number, number] {
    return [this.#words[SEED]!, this.#words[SEED + 1]!];
  }

  /** How many requests have been counted by an allowance that keys share. */
  get overflowCount(): number {
    return this.#count(OVERFLOWS);
  }

  /** How many requests have been refused. */
  get refusalCount(): number {
    return this.#count(REFUSALS);
  }

  /** How many requests a store should have decided about and did not. */
  get storeFailureCount(): number {
    return this.#count(STORE_FAILURES);
  }

  countRefused(): void {
    Atomics.add(this.#words, REFUSALS, 1);
  }

  countStoreFailure(): void {
    Atomics.add(this.#words, STORE_FAILURES, 1);
  }

  /** Takes one. Positive: how far ahead the key is now. Negative: how far ahead it is, so that it may not. 0: there is no room. */
  take(rule: Gcra, key: AllowanceKey, nowMs: number): number {
    return this.#take(this.#keys, rule, key, nowMs);
  }

  /** The same for all keys together for which there is no room; `key` is that of the rule. */
  takeShared(rule: Gcra, key: AllowanceKey, nowMs: number): number {
    Atomics.add(this.#words, OVERFLOWS, 1);
    return this.#take(this.#shared, rule, key, nowMs);
  }

  /** How far ahead the key is; changes nothing. */
  look(rule: Gcra, key: AllowanceKey, nowMs: number): number {
    const at = this.#find(this.#keys, key);
    return at === NOT_FOUND ? 0 : this.#aheadAt(at, rule, nowMs);
  }

  /** The key is at least so far ahead. Where there is no room for it, that is left out. */
  raise(rule: Gcra, key: AllowanceKey, { ahead, nowMs }: { readonly ahead: number; readonly nowMs: number }): void {
    const words = this.#words;
    for (let i = 0; i < limits.allowanceAttemptsMax; i++) {
      const at = this.#find(this.#keys, key);
      if (at === NOT_FOUND) {
        if (this.#claim(this.#keys, rule, { key, ahead, nowMs }) === AGAIN) continue;
        return;
      }
      const arrival = Atomics.load(words, at + ARRIVAL);
      if (arrival < 0) {
        this.#waitFor(at);
        continue;
      }
      if (!this.#isOf(at, key)) continue;
      const nowTick = rule.toTick(nowMs);
      if (!this.#isOver(at, nowMs) && rule.aheadOf(arrival, nowTick) >= ahead) return;
      this.#keepUntil(at, toUntil(rule, ahead, nowMs));
      if (Atomics.compareExchange(words, at + ARRIVAL, arrival, (nowTick + ahead) & TICK_MASK) === arrival) return;
    }
  }

  /** Gives one back that was taken for nothing. */
  giveBack(rule: Gcra, key: AllowanceKey, isShared: boolean): void {
    const words = this.#words;
    for (let i = 0; i < limits.allowanceAttemptsMax; i++) {
      const at = this.#find(isShared ? this.#shared : this.#keys, key);
      if (at === NOT_FOUND) return;
      const arrival = Atomics.load(words, at + ARRIVAL);
      if (arrival < 0 || !this.#isOf(at, key)) continue;
      if (Atomics.compareExchange(words, at + ARRIVAL, arrival, (arrival - rule.increment) & TICK_MASK) === arrival) return;
    }
  }

  #count(word: number): number {
    return Atomics.load(this.#words, word) >>> 0;
  }

  #take(region: Region, rule: Gcra, key: AllowanceKey, nowMs: number): number {
    const words = this.#words;
    for (let i = 0; i < limits.allowanceAttemptsMax; i++) {
      const at = this.#find(region, key);
      if (at === NOT_FOUND) {
        const claimed = this.#claim(region, rule, { key, ahead: rule.increment, nowMs });
        if (claimed === AGAIN) continue;
        return claimed;
      }
      const arrival = Atomics.load(words, at + ARRIVAL);
      if (arrival < 0) {
        this.#waitFor(at);
        continue;
      }
      if (!this.#isOf(at, key)) continue;
      const nowTick = rule.toTick(nowMs);
      const ahead = this.#isOver(at, nowMs) ? 0 : rule.aheadOf(arrival, nowTick);
      if (!rule.admits(ahead)) return -ahead;
      const aheadThen = ahead + rule.increment;
      this.#keepUntil(at, toUntil(rule, aheadThen, nowMs));
      if (Atomics.compareExchange(words, at + ARRIVAL, arrival, (nowTick + aheadThen) & TICK_MASK) === arrival) return aheadThen;
    }
    return NO_ROOM;
  }

  /** Gives a free entry to a key that has none, which is so far ahead then. */
  #claim(region: Region, rule: Gcra, { key, ahead, nowMs }: ClaimedKey): number {
    const words = this.#words;
    const at = this.#findFree(region, key, nowMs);
    if (at === NOT_FOUND) return NO_ROOM;
    const arrival = Atomics.load(words, at + ARRIVAL);
    // In this order: an entry that is taken meanwhile has another arrival.
    if (arrival < 0 || !this.#isOver(at, nowMs)) return AGAIN;
    if (Atomics.compareExchange(words, at + ARRIVAL, arrival, CLAIMED) !== arrival) return AGAIN;
    Atomics.store(words, at + LOW, key.low);
    Atomics.store(words, at + HIGH, key.high);
    // Another thread may be doing the same at another place. Both have written their hash before they look, so at least one
    // sees the other, and the key never has two entries.
    if (!this.#isAlone(region, key, at)) {
      Atomics.store(words, at + LOW, 0);
      Atomics.store(words, at + HIGH, 0);
      Atomics.compareExchange(words, at + ARRIVAL, CLAIMED, 0);
      return AGAIN;
    }
    Atomics.store(words, at + UNTIL, toUntil(rule, ahead, nowMs));
    const arrivalThen = (rule.toTick(nowMs) + ahead) & TICK_MASK;
    return Atomics.compareExchange(words, at + ARRIVAL, CLAIMED, arrivalThen) === CLAIMED ? ahead : AGAIN;
  }

  /** Whether the key stands nowhere but at `own`. Of those that are being given to the key, the lowest stays. */
  #isAlone(region: Region, key: AllowanceKey, own: number): boolean {
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + BUCKET_WORDS;
      for (let at = end - BUCKET_WORDS; at < end; at += ENTRY_WORDS) {
        if (at === own || !this.#isHeldBy(at, key)) continue;
        if (at < own || Atomics.load(this.#words, at + ARRIVAL) >= 0) return false;
        this.#waitFor(at);
        if (this.#isHeldBy(at, key)) return false;
      }
    }
    return true;
  }

  /** For a moment, until another thread has filled or left an entry. */
  #waitFor(at: number): void {
    const words = this.#words;
    for (let i = 0; i < LOOKS_MAX; i++) if (Atomics.load(words, at + ARRIVAL) >= 0) return;
    // That thread has lost the processor, which it gets back the sooner.
    for (let i = 0; i < WAITS_MAX; i++) if (Atomics.wait(words, at + ARRIVAL, CLAIMED, WAIT_MS) !== 'timed-out') return;
    // A thread that only was away for long finds that its claim is gone, and begins anew.
    Atomics.compareExchange(words, at + ARRIVAL, CLAIMED, LOST);
  }

  #find(region: Region, key: AllowanceKey): number {
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + BUCKET_WORDS;
      for (let at = end - BUCKET_WORDS; at < end; at += ENTRY_WORDS) if (this.#isHeldBy(at, key)) return at;
    }
    return NOT_FOUND;
  }

  /** In the bucket with more room, so that both fill evenly. */
  #findFree(region: Region, key: AllowanceKey, nowMs: number): number {
    let found = NOT_FOUND;
    let most = 0;
    for (let half = 0; half < 2; half++) {
      const end = this.#bucketAt(region, key, half) + BUCKET_WORDS;
      let free = NOT_FOUND;
      let count = 0;
      for (let at = end - BUCKET_WORDS; at < end; at += ENTRY_WORDS) {
        if (Atomics.load(this.#words, at + ARRIVAL) < 0 || !this.#isOver(at, nowMs)) continue;
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
  #bucketAt({ firstWord, bucketCount }: Region, { low, high }: AllowanceKey, half: number): number {
    const share = ((half === 0 ? low : high) >>> 0) / 2 ** 32;
    return firstWord + Math.floor(share * bucketCount) * BUCKET_WORDS;
  }

  #isOf(at: number, { low, high }: AllowanceKey): boolean {
    return Atomics.load(this.#words, at + LOW) === low && Atomics.load(this.#words, at + HIGH) === high;
  }

  #isHeldBy(at: number, key: AllowanceKey): boolean {
    return this.#isOf(at, key) && Atomics.load(this.#words, at + ARRIVAL) !== LOST;
  }

  #isOver(at: number, nowMs: number): boolean {
    return Atomics.load(this.#words, at + UNTIL) * 1_000 <= nowMs;
  }

  #aheadAt(at: number, rule: Gcra, nowMs: number): number {
    const arrival = Atomics.load(this.#words, at + ARRIVAL);
    return arrival < 0 || this.#isOver(at, nowMs) ? 0 : rule.aheadOf(arrival, rule.toTick(nowMs));
  }

  #keepUntil(at: number, until: number): void {
    const words = this.#words;
    let present = Atomics.load(words, at + UNTIL);
    while (present < until) {
      const before = Atomics.compareExchange(words, at + UNTIL, present, until);
      if (before === present) return;
      present = before;
    }
  }
}

function toUntil(rule: Gcra, ahead: number, nowMs: number): number {
  return Math.ceil((nowMs + ahead * rule.tickMs) / 1_000);
}
