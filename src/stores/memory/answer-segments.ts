/**
 * Room for answers in memory that threads share. Each thread writes into segments that are its own, so no thread waits for
 * another; one that is full is sealed. When no segment is free, whoever needs one empties the oldest.
 *
 * What is new stands in segments of newcomers, which are a tenth of all. What was used by the time its segment is emptied
 * goes on to a segment of residents, where being used once more saves it again; what was not used goes. So a flood of what
 * nobody asks for twice pushes out nothing but itself (S3-FIFO). What goes unused leaves a ghost: when it is asked for again
 * soon, it is a resident at once.
 *
 * A segment has a version, which is another one before any of its bytes is. Who reads an answer looks at the version, then
 * whether the slot still names the place, then copies, then looks at the version again.
 */
import {
  type AnswerLayout,
  ENTRY_BYTES,
  ENTRY_EXACT_BYTES,
  ENTRY_GENERATION,
  ENTRY_GENERATION_AT,
  ENTRY_HEAD_BYTES,
  ENTRY_HEADER_BYTES,
  ENTRY_HIGH,
  ENTRY_LOW,
  ENTRY_PIECE_ID,
  ENTRY_PIECES,
  ENTRY_SLOT,
  ENTRY_UNTIL,
  ENTRY_VERSION,
  EVICTIONS,
  MOVING,
  ORDERS,
  UNIT_BYTES,
  WORD_BYTES,
} from './answer-layout.ts';

/** Words of a segment. State and owner are one word, so that nobody sees one without the other. */
const STATE = 0;
const VERSION = 1;
/** Grows with each segment that is sealed. */
const ORDER = 2;
/** Bytes from the beginning. */
const USED = 3;
const KIND = 4;

/** Nobody's. */
const free = 0;
/** Its owner writes into it. */
const open = 1;
const sealed = 2;
/** Its owner empties it. */
const emptying = 3;
const STATE_BITS = 2;

export const newcomers = 0;
export const residents = 1;
export type SegmentKind = typeof newcomers | typeof residents;

const NEWCOMERS_SHARE = 1 / 10;
/**
 * How many segments are emptied for one answer without letting much go: about a millisecond each. Then answers have to have been
 * used more often each time to stay. Residents have been spared before, so of them that is asked at once.
 */
const NEWCOMERS_SPARED_MAX = 8;
/** More than anything is used: then none stays. */
const USES_MIN_MAX = 4;
const NONE = -1;

/** What is known of an answer beside its bytes. */
export interface EntryHeader {
  readonly slot: number;
  readonly low: number;
  readonly high: number;
  readonly generationAt: number;
  readonly generation: number;
  readonly untilS: number;
  /** Of what is encoded, without the body. */
  readonly headBytes: number;
  readonly pieces: number;
  readonly pieceId: number;
}

export class AnswerSegments {
  readonly #layout: AnswerLayout;
  readonly #words: Int32Array;
  /** As it stands beside a state: not 0, which is nobody. */
  readonly #owner: number;
  readonly #nowMs: () => number;
  /** The segment of each kind that this thread writes into. */
  readonly #open: [number, number] = [NONE, NONE];

  constructor(layout: AnswerLayout, threadNumber: number, nowMs: () => number) {
    this.#layout = layout;
    this.#words = layout.words;
    this.#owner = (threadNumber + 1) << STATE_BITS;
    this.#nowMs = nowMs;
  }

  get entryBytesMax(): number {
    return this.#layout.segmentBytes;
  }

  /** A thread that lives no more wrote into segments, or emptied one. Called before another thread has its number. */
  forgetOwner(): void {
    const words = this.#words;
    for (let segment = 0; segment < this.#layout.segmentCount; segment++) {
      const at = this.#layout.segmentAt(segment);
      const state = Atomics.load(words, at + STATE);
      if (state === (open | this.#owner)) this.#seal(segment);
      if (state !== (emptying | this.#owner)) continue;
      // What was moved elsewhere is found there; what was not is lost.
      this.#dropAll(segment);
      Atomics.add(words, at + VERSION, 1);
      Atomics.store(words, at + USED, 0);
      Atomics.store(words, at + STATE, free);
    }
  }

  /** Room for an answer of so many bytes, header included. -1: there is none. */
  allocate(bytes: number, kind: SegmentKind): number {
    const length = roundUp(bytes);
    if (length > this.#layout.segmentBytes) return NONE;
    let segment = this.#open[kind];
    if (segment === NONE || this.#roomOf(segment) < length) {
      if (segment !== NONE) this.#seal(segment);
      this.#open[kind] = NONE;
      segment = this.#acquire(kind, length);
      if (segment === NONE) return NONE;
    }
    return this.#layout.dataAt(segment) + this.#usedOf(segment);
  }

  /** The answer at a place that was allocated is there: its room is taken. Nobody finds it before its slot names the place. */
  settle(byteAt: number, bytes: number, header: EntryHeader): void {
    const words = this.#words;
    const segment = this.#layout.toSegment(byteAt);
    const at = this.#layout.segmentAt(segment);
    const entry = byteAt / WORD_BYTES;
    words[entry + ENTRY_VERSION] = words[at + VERSION]!;
    words[entry + ENTRY_BYTES] = roundUp(bytes);
    words[entry + ENTRY_SLOT] = header.slot;
    words[entry + ENTRY_LOW] = header.low;
    words[entry + ENTRY_HIGH] = header.high;
    words[entry + ENTRY_GENERATION_AT] = header.generationAt;
    words[entry + ENTRY_GENERATION] = header.generation;
    words[entry + ENTRY_UNTIL] = header.untilS;
    words[entry + ENTRY_HEAD_BYTES] = header.headBytes;
    words[entry + ENTRY_EXACT_BYTES] = bytes;
    words[entry + ENTRY_PIECES] = header.pieces;
    words[entry + ENTRY_PIECE_ID] = header.pieceId;
    Atomics.store(words, at + USED, this.#usedOf(segment) + roundUp(bytes));
  }

  versionAt(byteAt: number): number {
    const segment = this.#layout.toSegment(byteAt);
    return Atomics.load(this.#words, this.#layout.segmentAt(segment) + VERSION);
  }

  /** How long the answer at a place is that has been looked at under this version; 0: there is none. */
  lengthAt(byteAt: number, version: number): number {
    const entry = byteAt / WORD_BYTES;
    if (this.#words[entry + ENTRY_VERSION] !== version) return 0;
    const bytes = this.#words[entry + ENTRY_EXACT_BYTES]!;
    const segmentEnd = this.#layout.dataAt(this.#layout.toSegment(byteAt) + 1);
    return bytes < ENTRY_HEADER_BYTES || byteAt + bytes > segmentEnd ? 0 : bytes;
  }

  /** Nobody needs it any more: its generation is over, or its time. */
  isOver(byteAt: number): boolean {
    const words = this.#words;
    const entry = byteAt / WORD_BYTES;
    if (words[entry + ENTRY_UNTIL]! * 1_000 <= this.#nowMs()) return true;
    const at = words[entry + ENTRY_GENERATION_AT]! & (this.#layout.slotCount - 1);
    return Atomics.load(this.#layout.generations, at) !== words[entry + ENTRY_GENERATION];
  }

  #acquire(kind: SegmentKind, length: number): number {
    const emptied: [number, number] = [0, 0];
    for (let i = 0; i < NEWCOMERS_SPARED_MAX + 2 * USES_MIN_MAX; i++) {
      const found = this.#claimFree() ?? this.#empty(emptied);
      if (found === NONE) return NONE;
      // It is where residents stand now, who were too many for the segment that was open.
      if (found === this.#open[residents]) {
        if (kind === residents && this.#roomOf(found) >= length) return found;
        continue;
      }
      this.#begin(found, kind);
      return found;
    }
    return NONE;
  }

  #claimFree(): number | undefined {
    for (let segment = 0; segment < this.#layout.segmentCount; segment++) {
      if (this.#claim(segment, free, open)) return segment;
    }
    return undefined;
  }

  #begin(segment: number, kind: SegmentKind): void {
    const at = this.#layout.segmentAt(segment);
    // Versions begin with 1: memory that nobody has written to holds no answers.
    Atomics.add(this.#words, at + VERSION, 1);
    Atomics.store(this.#words, at + USED, 0);
    Atomics.store(this.#words, at + KIND, kind);
    Atomics.store(this.#words, at + STATE, open | this.#owner);
    this.#open[kind] = segment;
  }

  /** Only one thread succeeds. */
  #claim(segment: number, from: number, to: number): boolean {
    const at = this.#layout.segmentAt(segment);
    if (Atomics.load(this.#words, at + STATE) !== from) return false;
    return Atomics.compareExchange(this.#words, at + STATE, from, to | this.#owner) === from;
  }

  #seal(segment: number): void {
    const at = this.#layout.segmentAt(segment);
    Atomics.store(this.#words, at + ORDER, Atomics.add(this.#words, ORDERS, 1));
    Atomics.store(this.#words, at + STATE, sealed);
  }

  /** Which segment is free now, or is the open one of residents; `NONE`: all are being written to. */
  #empty(emptied: [number, number]): number {
    for (let attempt = 0; attempt < this.#layout.segmentCount; attempt++) {
      const victim = this.#findVictim();
      if (victim === NONE) return NONE;
      if (!this.#claim(victim, sealed, emptying)) continue;
      const kind = this.#kindOf(victim);
      const usesMin = kind === residents ? emptied[kind] : Math.max(0, emptied[kind] - NEWCOMERS_SPARED_MAX);
      emptied[kind] += 1;
      this.#moveOut(victim, usesMin);
      return victim;
    }
    return NONE;
  }

  /** The oldest of newcomers where they are more than their share; else, of residents. */
  #findVictim(): number {
    const words = this.#words;
    const oldest: [number, number] = [NONE, NONE];
    let newcomerCount = 0;
    for (let segment = 0; segment < this.#layout.segmentCount; segment++) {
      const at = this.#layout.segmentAt(segment);
      const kind = this.#kindOf(segment);
      if (kind === newcomers) newcomerCount += 1;
      if (Atomics.load(words, at + STATE) !== sealed) continue;
      const order = Atomics.load(words, at + ORDER);
      const other = oldest[kind];
      // Orders come round.
      if (other === NONE || ((order - words[this.#layout.segmentAt(other) + ORDER]!) | 0) < 0) oldest[kind] = segment;
    }
    const newcomersMax = Math.max(1, Math.floor(this.#layout.segmentCount * NEWCOMERS_SHARE));
    if (oldest[newcomers] !== NONE && (newcomerCount > newcomersMax || oldest[residents] === NONE)) return oldest[newcomers];
    return oldest[residents] === NONE ? oldest[newcomers] : oldest[residents];
  }

  /** Those that stay go to the open segment of residents; when that is full, the rest stays here, which is the open one then. */
  #moveOut(victim: number, usesMin: number): void {
    const staying = this.#sift(victim, usesMin);
    const rest = this.#moveToOpen(staying);
    const at = this.#layout.segmentAt(victim);
    if (rest.length === 0) return;
    // From here on nobody may read here: places are moved to first, then the version is another one, then bytes are.
    const moving = rest.filter((byteAt) => this.#exchangePlace(byteAt, this.#layout.toPlace(byteAt), MOVING));
    const version = Atomics.add(this.#words, at + VERSION, 1) + 1;
    const begin = this.#layout.dataAt(victim);
    let used = 0;
    for (const byteAt of moving) {
      const to = begin + used;
      const entry = byteAt / WORD_BYTES;
      const bytes = this.#words[entry + ENTRY_BYTES]!;
      this.#layout.bytes.copyWithin(to, byteAt, byteAt + bytes);
      this.#words[to / WORD_BYTES + ENTRY_VERSION] = version;
      if (this.#exchangePlace(to, MOVING, this.#layout.toPlace(to))) used += bytes;
    }
    if (this.#open[residents] !== NONE) this.#seal(this.#open[residents]);
    Atomics.store(this.#words, at + USED, used);
    Atomics.store(this.#words, at + KIND, residents);
    Atomics.store(this.#words, at + STATE, open | this.#owner);
    this.#open[residents] = victim;
  }

  /** Lets those go that were not used enough. Where the others stand. */
  #sift(victim: number, usesMin: number): number[] {
    const wasNewcomers = this.#kindOf(victim) === newcomers;
    const { places, uses, tags, ghosts, slotCount } = this.#layout;
    const staying: number[] = [];
    let evicted = 0;
    for (const byteAt of this.#listEntries(victim)) {
      const entry = byteAt / WORD_BYTES;
      const slot = this.#words[entry + ENTRY_SLOT]!;
      const place = this.#layout.toPlace(byteAt);
      if (Atomics.load(places, slot) !== place) continue;
      const used = Atomics.load(uses, slot);
      const isOver = this.isOver(byteAt);
      if (used > usesMin && !isOver) {
        Atomics.store(uses, slot, wasNewcomers ? 0 : used - 1);
        staying.push(byteAt);
      } else if (this.#layout.exchangePlace(slot, place, 0) && !isOver) {
        evicted += 1;
        if (wasNewcomers) Atomics.store(ghosts, this.#words[entry + ENTRY_HIGH]! & (slotCount - 1), tags[slot]!);
      }
    }
    Atomics.add(this.#words, EVICTIONS, evicted);
    return staying;
  }

  /** What is left when there is no more room. */
  #moveToOpen(staying: readonly number[]): readonly number[] {
    const segment = this.#open[residents];
    if (segment === NONE) return staying;
    const words = this.#words;
    const at = this.#layout.segmentAt(segment);
    for (const [i, byteAt] of staying.entries()) {
      const bytes = words[byteAt / WORD_BYTES + ENTRY_BYTES]!;
      if (this.#roomOf(segment) < bytes) return staying.slice(i);
      const to = this.#layout.dataAt(segment) + this.#usedOf(segment);
      this.#layout.bytes.copyWithin(to, byteAt, byteAt + bytes);
      words[to / WORD_BYTES + ENTRY_VERSION] = words[at + VERSION]!;
      // Its room is taken before anybody is told of it: who dies in between leaves what can be walked.
      Atomics.store(words, at + USED, this.#usedOf(segment) + bytes);
      this.#exchangePlace(to, this.#layout.toPlace(byteAt), this.#layout.toPlace(to));
    }
    return [];
  }

  /** Of the slot of the answer that stands there. */
  #exchangePlace(byteAt: number, from: number, to: number): boolean {
    const slot = this.#words[byteAt / WORD_BYTES + ENTRY_SLOT]!;
    return this.#layout.exchangePlace(slot, from, to);
  }

  /** Also of what is moving, which may be another thread's: that is lost too, which happens when a thread dies and not else. */
  #dropAll(segment: number): void {
    const { places } = this.#layout;
    const first = this.#layout.toPlace(this.#layout.dataAt(segment));
    const end = this.#layout.toPlace(this.#layout.dataAt(segment + 1));
    for (let slot = 0; slot < places.length; slot++) {
      const place = Atomics.load(places, slot);
      if (place === MOVING || (place >= first && place < end)) this.#layout.exchangePlace(slot, place, 0);
    }
  }

  /** Where answers stand in a segment that nobody else writes to. */
  #listEntries(segment: number): number[] {
    const found: number[] = [];
    const begin = this.#layout.dataAt(segment);
    const end = begin + this.#usedOf(segment);
    for (let byteAt = begin; byteAt < end; ) {
      const bytes = this.#words[byteAt / WORD_BYTES + ENTRY_BYTES]!;
      if (bytes < ENTRY_HEADER_BYTES || byteAt + bytes > end) break;
      found.push(byteAt);
      byteAt += bytes;
    }
    return found;
  }

  #kindOf(segment: number): SegmentKind {
    return Atomics.load(this.#words, this.#layout.segmentAt(segment) + KIND) === residents ? residents : newcomers;
  }

  #usedOf(segment: number): number {
    return Atomics.load(this.#words, this.#layout.segmentAt(segment) + USED);
  }

  #roomOf(segment: number): number {
    return this.#layout.segmentBytes - this.#usedOf(segment);
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES;
}
