/**
 * What all threads know of the endpoints: shared memory with one record for each, written with atomics and read without
 * waiting. The control thread gives out the records and writes what active checks and operators say; data threads write
 * what they see of the traffic. A change of what can be picked is known to all threads at their next pick.
 */
import { assert } from '#base/assert.ts';
import { limits } from '#base/limits.ts';
import { beginGeneration } from './protection/shared-count.ts';

/** One cache line each, so that threads which write about two endpoints do not slow each other down. */
const RECORD_WORDS = 16;
const WORD_BYTES = 4;

/** Words of a record. */
export const EndpointWord = {
  /** Bits of `EndpointFlag`. */
  flags: 0,
  /** Until when it is, or was last, ejected, in ticks of the board; 0: it is not. */
  ejectedUntilTick: 1,
  /** Failed attempts since the last one that went well. */
  failuresInARow: 2,
  /** How often it was ejected lately. */
  ejectionCount: 3,
  /** Counts of the present window of time: see `outliers/window-count.ts`. */
  windowAttempts: 4,
  windowFailures: 5,
  windowLatencyMs: 6,
  /** How long an answer took in the last whole window, in sixteenths of a millisecond; 0: not known. */
  meanLatency: 7,
} as const;

/** Why an endpoint gets no new exchanges. */
export const EndpointFlag = {
  /** Active checks say so. */
  unhealthy: 1,
  /** It is about to leave: what runs there may end. */
  draining: 2,
} as const;
export type EndpointFlag = (typeof EndpointFlag)[keyof typeof EndpointFlag];

/** The first record belongs to the board itself. */
const VERSION = 0;
const GENERATION = 1;
/** The number of the thread that decides on an ejection, and one more; 0: no thread does. */
const DECIDING = 2;
const FIRST_SLOT = 1;

/** Times in the board are whole numbers: they last for 248 days, and a comparison of two goes by their difference. */
const TICK_MS = 10;
/** The longest ejection. */
export const EJECTION_MS_MAX = 60 * 60 * 1_000;
/** An ejection that is over for so long is forgotten; when the times of the board come round to it, it seems to lie ahead. */
const FORGOTTEN_TICKS = (24 * 60 * 60 * 1_000) / TICK_MS;

export class EndpointBoard {
  /** Where it stands how often a thread has died that may have held something: see `SharedCount`. */
  static readonly generationAt = GENERATION;
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;
  /** How many services and endpoints have room on it, all together. */
  readonly capacity: number;
  readonly #threadNumber: number;

  /** Of the memory of another thread's board, or with memory of its own. No two threads that live and decide have one number. */
  constructor(memory: SharedArrayBuffer = makeMemory(limits.endpointsMax), threadNumber = 0) {
    this.#threadNumber = threadNumber;
    this.memory = memory;
    this.words = new Int32Array(memory);
    this.capacity = this.words.length / RECORD_WORDS - FIRST_SLOT;
  }

  static withCapacity(capacity: number): EndpointBoard {
    return new EndpointBoard(makeMemory(capacity));
  }

  /** Another number than before: some endpoint can be picked, or cannot be picked any more. */
  get version(): number {
    return this.words[VERSION]!;
  }

  /** Where a word of an endpoint's record stands in `words`. */
  wordAt(slot: number, word: number): number {
    return slot * RECORD_WORDS + word;
  }

  hasFlag(slot: number, flag: EndpointFlag): boolean {
    return (this.words[this.wordAt(slot, EndpointWord.flags)]! & flag) !== 0;
  }

  /** True when that was new. */
  setFlag(slot: number, flag: EndpointFlag, isSet: boolean): boolean {
    const at = this.wordAt(slot, EndpointWord.flags);
    const before = isSet ? Atomics.or(this.words, at, flag) : Atomics.and(this.words, at, ~flag);
    const isNew = ((before & flag) !== 0) !== isSet;
    if (isNew) this.touch();
    return isNew;
  }

  /** How long an endpoint is still ejected; 0: it is not. */
  ejectedForMs(slot: number, nowMs: number): number {
    const at = this.wordAt(slot, EndpointWord.ejectedUntilTick);
    const until = this.words[at]!;
    if (until === 0) return 0;
    const leftTicks = (until - toTick(nowMs)) | 0;
    if (Math.abs(leftTicks) <= FORGOTTEN_TICKS) return Math.max(0, leftTicks * TICK_MS);
    Atomics.compareExchange(this.words, at, until, 0);
    return 0;
  }

  /** How long ago the last ejection ended; negative while it lasts, `undefined` when none is remembered. */
  sinceEjectionMs(slot: number, nowMs: number): number | undefined {
    const until = this.words[this.wordAt(slot, EndpointWord.ejectedUntilTick)]!;
    return until === 0 ? undefined : ((toTick(nowMs) - until) | 0) * TICK_MS;
  }

  /** For at most `EJECTION_MS_MAX` from now. */
  eject(slot: number, untilMs: number): void {
    // 0 stands for no ejection.
    Atomics.store(this.words, this.wordAt(slot, EndpointWord.ejectedUntilTick), toTick(untilMs) || 1);
    this.touch();
  }

  /** Ends an ejection before its time, and the probation after it. */
  readmit(slot: number): void {
    Atomics.store(this.words, this.wordAt(slot, EndpointWord.failuresInARow), 0);
    if (Atomics.exchange(this.words, this.wordAt(slot, EndpointWord.ejectedUntilTick), 0) !== 0) this.touch();
  }

  /**
   * Lets one thread at a time decide on ejections, so that several do not go below a floor together. False: another one does,
   * which is not waited for. It may stand still meanwhile for as long as it likes; only its death takes the decision from
   * it. Whoever got true calls `endDecision`.
   */
  beginDecision(): boolean {
    return Atomics.compareExchange(this.words, this.wordAt(0, DECIDING), 0, this.#threadNumber + 1) === 0;
  }

  endDecision(): void {
    Atomics.store(this.words, this.wordAt(0, DECIDING), 0);
  }

  /** Forgets everything about a record, for the next endpoint that gets it. */
  clear(slot: number): void {
    for (let word = 0; word < RECORD_WORDS; word++) Atomics.store(this.words, this.wordAt(slot, word), 0);
  }

  /** A thread has died: what it held is free. */
  forgetDeadThread(threadNumber: number): void {
    Atomics.compareExchange(this.words, this.wordAt(0, DECIDING), threadNumber + 1, 0);
    beginGeneration(this.words, GENERATION);
  }

  /** Makes all threads look again at what can be picked. */
  touch(): void {
    Atomics.add(this.words, VERSION, 1);
  }
}

function makeMemory(capacity: number): SharedArrayBuffer {
  // Pages that nobody has written to take no memory.
  return new SharedArrayBuffer((capacity + FIRST_SLOT) * RECORD_WORDS * WORD_BYTES);
}

function toTick(ms: number): number {
  return Math.ceil(ms / TICK_MS) | 0;
}

/** The records that are given out. Only the control thread has one. */
export class EndpointSlots {
  readonly #board: EndpointBoard;
  /** Used longest ago first: a thread may still write about an endpoint that has left. */
  readonly #free: number[] = [];
  #nextUnused = FIRST_SLOT;

  constructor(board: EndpointBoard) {
    this.#board = board;
  }

  /** How many more can be given out. */
  get freeCount(): number {
    return this.#board.capacity + FIRST_SLOT - this.#nextUnused + this.#free.length;
  }

  /** `undefined`: there are as many endpoints as there may be. */
  take(): number | undefined {
    if (this.#nextUnused < this.#board.capacity + FIRST_SLOT) return this.#nextUnused++;
    const slot = this.#free.shift();
    if (slot !== undefined) this.#board.clear(slot);
    return slot;
  }

  giveBack(slot: number): void {
    assert(slot >= FIRST_SLOT && slot < this.#nextUnused, 'a record is given back by whoever took it');
    this.#free.push(slot);
  }
}
