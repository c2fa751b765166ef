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
  /** Until when it is ejected, in ticks of the board; 0: it is not. */
  ejectedUntilTick: 1,
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
const FIRST_SLOT = 1;

/** Times in the board are whole numbers: they last for 248 days, and a comparison of two goes by their difference. */
const TICK_MS = 10;

export class EndpointBoard {
  /** Where it stands how often a thread has died that may have held something: see `SharedCount`. */
  static readonly generationAt = GENERATION;
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;

  /** Of the memory of another thread's board, or with memory of its own. */
  constructor(memory?: SharedArrayBuffer) {
    // Pages that nobody has written to take no memory.
    this.memory = memory ?? new SharedArrayBuffer((limits.endpointsMax + FIRST_SLOT) * RECORD_WORDS * WORD_BYTES);
    this.words = new Int32Array(this.memory);
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
    const until = this.words[this.wordAt(slot, EndpointWord.ejectedUntilTick)]!;
    return until === 0 ? 0 : Math.max(0, ((until - toTick(nowMs)) | 0) * TICK_MS);
  }

  eject(slot: number, untilMs: number): void {
    // 0 stands for no ejection.
    Atomics.store(this.words, this.wordAt(slot, EndpointWord.ejectedUntilTick), toTick(untilMs) || 1);
    this.touch();
  }

  /** Ends an ejection before its time. */
  readmit(slot: number): void {
    if (Atomics.exchange(this.words, this.wordAt(slot, EndpointWord.ejectedUntilTick), 0) !== 0) this.touch();
  }

  /** Forgets everything about a record, for the next endpoint that gets it. */
  clear(slot: number): void {
    for (let word = 0; word < RECORD_WORDS; word++) Atomics.store(this.words, this.wordAt(slot, word), 0);
  }

  /** A thread has died: what it held is free. */
  forgetDeadThread(): void {
    beginGeneration(this.words, GENERATION);
  }

  /** Makes all threads look again at what can be picked. */
  touch(): void {
    Atomics.add(this.words, VERSION, 1);
  }
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

  /** `undefined`: there are as many endpoints as there may be. */
  take(): number | undefined {
    if (this.#nextUnused <= limits.endpointsMax) return this.#nextUnused++;
    const slot = this.#free.shift();
    if (slot !== undefined) this.#board.clear(slot);
    return slot;
  }

  giveBack(slot: number): void {
    assert(slot >= FIRST_SLOT && slot < this.#nextUnused, 'a record is given back by whoever took it');
    this.#free.push(slot);
  }
}
