/**
 * Where everything stands in the memory in which all threads keep answers. Answers themselves stand in segments, one behind the
 * other as they came; slots tell where. A slot is one of the window that follows from the hash of a key.
 */

export const WORD_BYTES = 4;
const HEADER_WORDS = 16;
/** Words of the header. */
const SEED = 0;
const ERA = 2;
const SEGMENTS = 3;
const SEGMENT_BYTES = 4;
const SLOTS = 5;
const NEAR_BYTES = 6;
export const ORDERS = 7;
export const EVICTIONS = 8;
const ANSWERS = 9;
const UNITS = 10;
const PIECES = 11;

/** A cache line for each segment. */
const SEGMENT_WORDS = 16;
/** Memory in which an answer begins at a multiple of this; places are counted in it. */
export const UNIT_BYTES = 16;

/** Words of an answer, before its bytes. The version is that of its segment. */
export const ENTRY_VERSION = 0;
/** With the bytes behind it up to the next unit. */
export const ENTRY_BYTES = 1;
export const ENTRY_LOW = 2;
export const ENTRY_HIGH = 3;
export const ENTRY_SLOT = 4;
/** Where the generation of its address is counted, and how it was when the answer was written. */
export const ENTRY_GENERATION_AT = 5;
export const ENTRY_GENERATION = 6;
/** When it is of no use any more: in seconds, rounded up. */
export const ENTRY_UNTIL = 7;
/** Of what is encoded, without the body. */
export const ENTRY_HEAD_BYTES = 8;
/** Without those. */
export const ENTRY_EXACT_BYTES = 9;
/** How many pieces its body is in, which stand elsewhere; 0: it stands behind the head. */
export const ENTRY_PIECES = 10;
/** What those are found by. */
export const ENTRY_PIECE_ID = 11;
export const ENTRY_HEADER_BYTES = 48;
/** In the place of a number of pieces: it is one. */
export const IS_PIECE = -1;

/** In the place of a place: its answer is about to stand somewhere else. */
export const MOVING = -1;

const SEGMENTS_MIN = 32;
/** Emptying one is about a millisecond of work, and an answer that is longer is not kept. */
const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
/** Each thread writes in two at a time. */
const SEGMENTS_PER_THREAD = 2;
/** For what is in none of them. */
const SEGMENTS_BESIDE = 16;
/** So that half of the slots are free where an answer takes a kibibyte with all that is kept of it. */
const BYTES_PER_SLOT = 512;
const SLOTS_MIN = 1_024;
/** Tag, place, uses, changes, generations, ghosts. */
const SLOT_TABLES = 6;
/** What threads have in front, all together. */
const NEAR_SHARE = 1 / 4;
const NEAR_BYTES_MAX = 64 * 1024 * 1024;

export interface AnswerMemorySize {
  /** With everything that is kept of answers, here and by threads in front of this. */
  readonly bytes: number;
  readonly threads: number;
}

/** Memory for answers: what there is where it is as large, with all that is in it. */
export function provideAnswerMemory({ bytes, threads }: AnswerMemorySize, present?: SharedArrayBuffer): SharedArrayBuffer {
  const nearBytes = Math.min(NEAR_BYTES_MAX, Math.floor((bytes * NEAR_SHARE) / Math.max(1, threads)));
  const sharedBytes = Math.floor(bytes - nearBytes * Math.max(1, threads));
  const slots = Math.max(SLOTS_MIN, 2 ** Math.floor(Math.log2(bytes / BYTES_PER_SLOT)));
  const segments = Math.max(
    SEGMENTS_MIN,
    SEGMENTS_PER_THREAD * threads + SEGMENTS_BESIDE,
    Math.ceil(sharedBytes / SEGMENT_BYTES_MAX),
  );
  const tableWords = HEADER_WORDS + segments * SEGMENT_WORDS + slots * SLOT_TABLES;
  const room = Math.max(0, sharedBytes - tableWords * WORD_BYTES);
  const segmentBytes = Math.floor(room / segments / UNIT_BYTES) * UNIT_BYTES;
  const byteLength = tableWords * WORD_BYTES + segments * segmentBytes;
  if (present?.byteLength === byteLength) return present;
  // Pages that nobody has written to take no memory.
  const memory = new SharedArrayBuffer(byteLength);
  const words = new Int32Array(memory);
  // Not into shared memory directly, which this function refuses.
  words.set(crypto.getRandomValues(new Int32Array(2)), SEED);
  words[SEGMENTS] = segments;
  words[SEGMENT_BYTES] = segmentBytes;
  words[SLOTS] = slots;
  words[NEAR_BYTES] = nearBytes;
  return memory;
}

export class AnswerLayout {
  readonly words: Int32Array;
  readonly bytes: Buffer;
  readonly segmentCount: number;
  readonly segmentBytes: number;
  readonly slotCount: number;
  /** What a thread may keep in front. */
  readonly nearBytes: number;
  /** Hashes of keys with an answer. */
  readonly tags: Int32Array;
  /** Where answers stand, in units and beginning with 1. 0: the slot is free. */
  readonly places: Int32Array;
  /** How often answers were used since they were last looked at. */
  readonly uses: Int32Array;
  /** By the first slot of a window: grows with each change of an answer there. */
  readonly changes: Int32Array;
  /** By the hash of an address: grows when all that is kept for it has become wrong. */
  readonly generations: Int32Array;
  /** By the first slot of a window: the tag of an answer that went without being used. */
  readonly ghosts: Int32Array;
  readonly #dataAt: number;

  constructor(memory: SharedArrayBuffer) {
    const words = new Int32Array(memory);
    this.words = words;
    this.bytes = Buffer.from(memory);
    this.segmentCount = words[SEGMENTS]!;
    this.segmentBytes = words[SEGMENT_BYTES]!;
    this.slotCount = words[SLOTS]!;
    this.nearBytes = words[NEAR_BYTES]!;
    const tables = HEADER_WORDS + this.segmentCount * SEGMENT_WORDS;
    const table = (index: number) => new Int32Array(memory, (tables + index * this.slotCount) * WORD_BYTES, this.slotCount);
    this.tags = table(0);
    this.places = table(1);
    this.uses = table(2);
    this.changes = table(3);
    this.generations = table(4);
    this.ghosts = table(5);
    this.#dataAt = (tables + SLOT_TABLES * this.slotCount) * WORD_BYTES;
  }

  /** What hashes of keys are made with: drawn anew for each memory. */
  get seed(): readonly [number, number] {
    return [this.words[SEED]!, this.words[SEED + 1]!];
  }

  /** Another one after each purge. */
  get era(): number {
    return Atomics.load(this.words, ERA);
  }

  get evictionCount(): number {
    return Atomics.load(this.words, EVICTIONS) >>> 0;
  }

  /** Also those that are of no use any more, until their room is needed. */
  get answerCount(): number {
    return Atomics.load(this.words, ANSWERS);
  }

  /** Of those answers. */
  get answerBytes(): number {
    return Atomics.load(this.words, UNITS) * UNIT_BYTES;
  }

  /** Whether the slot did name `from`; it names `to` then. */
  exchangePlace(slot: number, from: number, to: number): boolean {
    // Where a place is named, an answer stands. What stood at `from` may be overwritten as soon as nobody names it.
    const units = this.#unitsAt(to) - this.#unitsAt(from);
    const answers = this.#answersAt(to) - this.#answersAt(from);
    if (Atomics.compareExchange(this.places, slot, from, to) !== from) return false;
    if (answers !== 0) Atomics.add(this.words, ANSWERS, answers);
    if (units !== 0) Atomics.add(this.words, UNITS, units);
    return true;
  }

  /** Another one each time, until numbers come round. */
  nextPieceId(): number {
    return Atomics.add(this.words, PIECES, 1);
  }

  beginEra(): void {
    Atomics.add(this.words, ERA, 1);
  }

  segmentAt(segment: number): number {
    return HEADER_WORDS + segment * SEGMENT_WORDS;
  }

  /** The first byte of a segment. */
  dataAt(segment: number): number {
    return this.#dataAt + segment * this.segmentBytes;
  }

  toPlace(byteAt: number): number {
    return (byteAt - this.#dataAt) / UNIT_BYTES + 1;
  }

  toByteAt(place: number): number {
    return this.#dataAt + (place - 1) * UNIT_BYTES;
  }

  toSegment(byteAt: number): number {
    return Math.floor((byteAt - this.#dataAt) / this.segmentBytes);
  }

  /** Pieces are none. */
  #answersAt(place: number): number {
    return place <= 0 || this.words[this.toByteAt(place) / WORD_BYTES + ENTRY_PIECES] === IS_PIECE ? 0 : 1;
  }

  #unitsAt(place: number): number {
    return place <= 0 ? 0 : this.words[this.toByteAt(place) / WORD_BYTES + ENTRY_BYTES]! / UNIT_BYTES;
  }
}
