/**
 * A store in the memory of the process. What is in it is lost with the process, and never before its time: when it is full,
 * nothing new is taken, as a Redis that evicts nothing does. Whoever floods it could otherwise push out everybody else.
 */
import type { Clock } from '#base/clock.ts';
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';

/** What an entry takes besides its key and its value. It also bounds how many there are. */
const ENTRY_BYTES = 512;
/** What is new gets this part of the room. The rest is for what is there already and grows, so that no session ends by being full. */
const ROOM_FOR_NEW = 7 / 8;
/** With each value that is kept, so many entries are looked at: all of them, in turn, and those whose time is over are freed. */
const SWEPT_PER_SET = 8;
/** The same where there is no room: about a millisecond of work. */
const SWEPT_WHEN_FULL = 10_000;
const FULL_TOLD_EVERY_MS = 10_000;

interface Entry {
  /** In memory of its own: the heap of the thread stays small. */
  readonly value: Uint8Array;
  readonly untilMs: number;
}

export interface MemoryStoreMeans {
  readonly clock: Clock;
  readonly logger: Logger;
}

export class MemoryStore implements KeyValueStore {
  /** How much all entries may take together. With less than there is, nothing is thrown away. */
  bytesMax: number;
  readonly #means: MemoryStoreMeans;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #sweep = this.#entries.entries();
  #fullToldMs = Number.NEGATIVE_INFINITY;

  constructor(bytesMax: number, means: MemoryStoreMeans) {
    this.bytesMax = bytesMax;
    this.#means = means;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async get(key: string): Promise<Buffer | undefined> {
    const value = this.find(key);
    return value && Buffer.from(value);
  }

  /** Not a copy. */
  find(key: string): Uint8Array | undefined {
    return this.#findPresent(key)?.value;
  }

  async set(key: string, value: Uint8Array | string, ttlMs: number): Promise<void> {
    const written = toOwnMemory(value);
    if (written.length > limits.storeValueBytesMax) throw new StoreFailed('the value is too long for the store');
    this.#sweepSome(SWEPT_PER_SET);
    const before = this.#findPresent(key);
    const entry = { value: written, untilMs: this.#means.clock.monotonicMs() + ttlMs };
    if (!this.#hasRoom(key, entry, before)) {
      this.#sweepSome(SWEPT_WHEN_FULL);
      if (!this.#hasRoom(key, entry, before)) this.#refuse();
    }
    this.#remove(key);
    this.#entries.set(key, entry);
    this.#bytes += sizeOf(key, entry);
  }

  async add(key: string, value: Uint8Array | string, ttlMs: number): Promise<boolean> {
    if (this.#findPresent(key) !== undefined) return false;
    // Nobody comes in between: what follows does not wait.
    await this.set(key, value, ttlMs);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.#remove(key);
  }

  #findPresent(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#means.clock.monotonicMs() < entry.untilMs) return entry;
    this.#remove(key);
    return undefined;
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, entry);
  }

  #hasRoom(key: string, entry: Entry, before: Entry | undefined): boolean {
    if (before === undefined) return this.#bytes + sizeOf(key, entry) <= this.bytesMax * ROOM_FOR_NEW;
    const growth = sizeOf(key, entry) - sizeOf(key, before);
    return growth <= 0 || this.#bytes + growth <= this.bytesMax;
  }

  /** Goes on where it ended the last time; the iterator of a map bears that entries come and go. */
  #sweepSome(count: number): void {
    const nowMs = this.#means.clock.monotonicMs();
    for (let i = 0; i < count; i++) {
      const { value: next, done } = this.#sweep.next();
      if (done) {
        this.#sweep = this.#entries.entries();
        return;
      }
      const [key, entry] = next;
      if (nowMs >= entry.untilMs) this.#remove(key);
    }
  }

  #refuse(): never {
    const { clock, logger } = this.#means;
    if (clock.monotonicMs() - this.#fullToldMs >= FULL_TOLD_EVERY_MS) {
      this.#fullToldMs = clock.monotonicMs();
      const advice = 'give it more with `stores: { memory: { size: ... } }`, or use Redis';
      logger.log('error', 'store in memory is full', { bytes: this.#bytes, bytesMax: this.bytesMax, advice });
    }
    throw new StoreFailed('the store is full');
  }
}

/** A copy: small buffers are views of memory that others use too. */
function toOwnMemory(value: Uint8Array | string): Uint8Array {
  return new Uint8Array(typeof value === 'string' ? Buffer.from(value) : value);
}

function sizeOf(key: string, { value }: Entry): number {
  return ENTRY_BYTES + key.length + value.length;
}
