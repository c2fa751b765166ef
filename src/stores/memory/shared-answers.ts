/**
 * Answers in memory that all threads of the process share, so that what one thread was given all can give. The memory of a thread
 * stands in front, with what it reads often. Nobody waits for another thread: what is about to change is not found.
 */
import { type AnswerFacts, type AnswerPurge, type AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { KeyedHash } from '#base/keyed-hash.ts';
import { limits } from '#base/limits.ts';
import { runAtOnce } from '#base/slices.ts';
import { type AnswerRecord, decodeAnswer, decodeAnswerHead, encodeAnswerHead } from '../answer-encoding.ts';
import {
  AnswerLayout,
  ENTRY_HEAD_BYTES,
  ENTRY_HEADER_BYTES,
  ENTRY_HIGH,
  ENTRY_LOW,
  ENTRY_PIECE_ID,
  ENTRY_PIECES,
  IS_PIECE,
  MOVING,
  WORD_BYTES,
} from './answer-layout.ts';
import { AnswerSegments, newcomers, residents, type SegmentKind } from './answer-segments.ts';
import { NearAnswers, type NearShelf, nearBytesOf } from './near-answers.ts';

/** Slots in which an answer may stand. Half of all are free where answers are of a usual length. */
const WINDOW = 128;
const USES_MAX = 3;
/** Looks at a slot whose answer another thread is moving, by who must not miss it: far longer than that takes. */
const MOVING_LOOKS_MAX = 1_000_000;
/** A sixth of the memory, where there are as few segments as there can be. */
const PIECES_MAX = 8;
/** No address begins so. */
const PIECE_BEGIN = '\n';
/** The rest is for the head. */
const PIECE_SHARE = 9 / 10;
const SLOTS_PER_STEP = 1_000;
/** Seconds that a word holds. */
const UNTIL_S_MAX = 2 ** 31 - 1;

export interface AnswerCounts {
  readonly answers: number;
  readonly bytes: number;
  readonly evictions: number;
}

/** What follows from an address and a partition. */
interface Key {
  readonly uri: string;
  readonly partition: string;
  readonly low: number;
  readonly high: number;
  /** The first slot of its window; changes are counted there too. */
  readonly home: number;
  readonly generationAt: number;
}

interface Found {
  readonly slot: number;
  readonly place: number;
  readonly headBytes: number;
  readonly record: AnswerRecord;
}

interface ChosenSlot {
  readonly slot: number;
  /** Whose place it takes. */
  readonly replaced: readonly Found[];
}

/** Where the body stands. */
interface Divided {
  readonly pieces: number;
  readonly pieceId: number;
}

interface ChosenPlace extends Divided {
  readonly slot: number;
  readonly kind: SegmentKind;
}

const undivided: Divided = { pieces: 0, pieceId: 0 };
const noBody = Buffer.alloc(0);
/** Of a piece nothing is asked but its body. */
const plainFacts = { fields: [], part: undefined, selection: undefined, tags: [] } as const;

export class SharedAnswers implements AnswerStore {
  readonly memory: SharedArrayBuffer;
  readonly #layout: AnswerLayout;
  readonly #segments: AnswerSegments;
  readonly #near: NearAnswers;
  /** A body that is longer is divided. */
  readonly #pieceBytes: number;
  readonly #hash: KeyedHash;
  /** Whoever changes it sees what was read before as having been read before. */
  readonly #fence = new Int32Array(new SharedArrayBuffer(WORD_BYTES));

  constructor(memory: SharedArrayBuffer, { clock, threadNumber }: { readonly clock: Clock; readonly threadNumber: number }) {
    this.memory = memory;
    const layout = new AnswerLayout(memory);
    this.#layout = layout;
    this.#segments = new AnswerSegments(layout, threadNumber, () => clock.monotonicMs());
    this.#near = new NearAnswers(layout.nearBytes);
    this.#pieceBytes = Math.floor(layout.segmentBytes * PIECE_SHARE);
    this.#hash = new KeyedHash(...layout.seed);
  }

  /** A thread that lives no more may have been writing. Called by the control thread, before another thread has its number. */
  static forgetThread(memory: SharedArrayBuffer, threadNumber: number): void {
    new AnswerSegments(new AnswerLayout(memory), threadNumber, () => 0).forgetOwner();
  }

  eraOf(uri: string): number {
    // Both only grow.
    return this.#layout.era + Atomics.load(this.#layout.generations, this.#toGenerationAt(uri));
  }

  find(uri: string, partition: string): readonly StoredAnswer[] | undefined {
    const near = this.#near.find(uri, partition);
    if (near !== undefined && this.#holds(near)) {
      near.wasUsed = true;
      this.#tellUses(near);
      return near.answers;
    }
    const shelf = this.#read(this.#toKey(uri, partition));
    if (shelf === undefined) {
      if (near !== undefined) this.#near.remove(near);
      return undefined;
    }
    this.#near.put(shelf);
    return shelf.answers;
  }

  fetch(): undefined {
    return undefined;
  }

  put(uri: string, partition: string, { facts }: StoredAnswer): void {
    const key = this.#toKey(uri, partition);
    const chosen = this.#chooseSlot(key, facts);
    const isLong = facts.body.length > this.#pieceBytes;
    const divided = isLong ? this.#putPieces(facts) : undivided;
    if (divided !== undefined) {
      const record = { uri, partition, facts: isLong ? { ...facts, body: noBody } : facts };
      this.#write(key, record, {
        slot: chosen.slot,
        kind: isLong || this.#isKnown(key, chosen) ? residents : newcomers,
        ...divided,
      });
    }
    // Also where there is no room for it: what was there before is not what the service says any more.
    for (const other of chosen.replaced) this.#clear(other.slot, other.place);
    Atomics.add(this.#layout.changes, key.home, 1);
  }

  remove(uri: string, partition: string, { facts }: StoredAnswer): void {
    const key = this.#toKey(uri, partition);
    for (const found of this.#search(key)) {
      const { dateMs, bornMs } = found.record.facts;
      if (!isSameSelection(found.record.facts, facts) || dateMs !== facts.dateMs || bornMs !== facts.bornMs) continue;
      if (this.#clear(found.slot, found.place)) Atomics.add(this.#layout.changes, key.home, 1);
    }
  }

  invalidate(uri: string): void {
    Atomics.add(this.#layout.generations, this.#toGenerationAt(uri), 1);
  }

  purge(what: AnswerPurge): number {
    return runAtOnce(this.purgeInSteps(what));
  }

  /** Yields between steps: other work may be done meanwhile. */
  *purgeInSteps(what: AnswerPurge): Generator<undefined, number, void> {
    // What threads have in front is thrown away, and what they are about to keep is not kept.
    this.#layout.beginEra();
    let count = 0;
    for (let slot = 0; slot < this.#layout.slotCount; slot++) {
      if (this.#purgeSlot(slot, what)) count += 1;
      if (slot % SLOTS_PER_STEP === SLOTS_PER_STEP - 1) yield;
    }
    return count;
  }

  /** Of all threads. What is of no use any more counts until its room is needed. */
  count(): AnswerCounts {
    const { answerCount, answerBytes, evictionCount } = this.#layout;
    return { answers: answerCount, bytes: answerBytes, evictions: evictionCount };
  }

  #holds({ changesAt, changes, generationAt, generation, era }: NearShelf): boolean {
    return (
      Atomics.load(this.#layout.changes, changesAt) === changes &&
      Atomics.load(this.#layout.generations, generationAt) === generation &&
      this.#layout.era === era
    );
  }

  /** Who uses an answer says so on it; whoever empties segments learns of it here. */
  #tellUses({ answers, slots, tag }: NearShelf): void {
    for (let i = 0; i < answers.length; i++) {
      const answer = answers[i]!;
      if (!answer.wasUsed) continue;
      answer.wasUsed = false;
      const slot = slots[i]!;
      // It may have been moved, which makes no difference; it may also have gone.
      if (this.#layout.tags[slot] !== tag || Atomics.load(this.#layout.places, slot) === 0) continue;
      const uses = Atomics.load(this.#layout.uses, slot);
      if (uses < USES_MAX) Atomics.store(this.#layout.uses, slot, uses + 1);
    }
  }

  #read(key: Key): NearShelf | undefined {
    const { changes, generations } = this.#layout;
    // Before anything is read: a change meanwhile is seen the next time.
    const present = { changes: Atomics.load(changes, key.home), generation: Atomics.load(generations, key.generationAt) };
    const era = this.#layout.era;
    const found = this.#search(key).sort((one, other) => compare(one.record.facts, other.record.facts));
    if (found.length === 0) return undefined;
    let headBytes = 0;
    for (const each of found) headBytes += each.headBytes;
    const answers = found.map(({ record }) => new StoredAnswer(record.facts));
    const shelf: NearShelf = {
      uri: key.uri,
      partition: key.partition,
      answers,
      slots: found.map(({ slot }) => slot),
      tag: key.low,
      changesAt: key.home,
      generationAt: key.generationAt,
      ...present,
      era,
      bytes: nearBytesOf(answers, headBytes),
      wasUsed: false,
    };
    // It was asked for at least once.
    for (const answer of answers) answer.wasUsed = found.length === 1;
    this.#tellUses(shelf);
    return shelf;
  }

  #search(key: Key): Found[] {
    const { tags, slotCount } = this.#layout;
    const found: Found[] = [];
    for (let i = 0; i < WINDOW; i++) {
      const slot = (key.home + i) & (slotCount - 1);
      if (tags[slot] !== key.low) continue;
      const one = this.#readSlot(slot, key);
      if (one !== undefined) found.push(one);
    }
    return found;
  }

  /** `undefined`: nothing stands there, or something else, or it changes. */
  #readSlot(slot: number, key: Key): Found | undefined {
    const { places, words } = this.#layout;
    const place = Atomics.load(places, slot);
    if (place <= 0) return undefined;
    const byteAt = this.#layout.toByteAt(place);
    const version = this.#segments.versionAt(byteAt);
    if (Atomics.load(places, slot) !== place) return undefined;
    const length = this.#segments.lengthAt(byteAt, version);
    const entry = byteAt / WORD_BYTES;
    if (length === 0 || words[entry + ENTRY_LOW] !== key.low || words[entry + ENTRY_HIGH] !== key.high) return undefined;
    if (this.#segments.isOver(byteAt)) {
      this.#clear(slot, place);
      return undefined;
    }
    // Neither in memory that others use, nor where it keeps more than itself.
    const copy = Buffer.allocUnsafeSlow(length - ENTRY_HEADER_BYTES);
    this.#layout.bytes.copy(copy, 0, byteAt + ENTRY_HEADER_BYTES, byteAt + length);
    const headBytes = words[entry + ENTRY_HEAD_BYTES]!;
    const divided = { pieces: words[entry + ENTRY_PIECES]!, pieceId: words[entry + ENTRY_PIECE_ID]! };
    if (this.#hasChanged(byteAt, version)) return undefined;
    const record = decodeAnswer(copy);
    // A hash is not a key.
    if (record?.uri !== key.uri || record.partition !== key.partition) return undefined;
    if (divided.pieces <= 0) return { slot, place, headBytes, record };
    const body = this.#readPieces(divided);
    if (body === undefined) {
      this.#clear(slot, place);
      return undefined;
    }
    return { slot, place, headBytes, record: { ...record, facts: { ...record.facts, body } } };
  }

  #hasChanged(byteAt: number, version: number): boolean {
    // What was copied was read before this, on processors too that put reads in another order.
    Atomics.add(this.#fence, 0, 0);
    return this.#segments.versionAt(byteAt) !== version;
  }

  #chooseSlot(key: Key, facts: AnswerFacts): ChosenSlot {
    const variants = this.#search(key).sort((one, other) => compare(one.record.facts, other.record.facts));
    const same = variants.filter(({ record }) => isSameSelection(record.facts, facts));
    const [first] = same;
    if (first !== undefined) return { slot: first.slot, replaced: same };
    const oldest = variants[limits.answerVariantsMax - 1];
    if (oldest !== undefined) return { slot: oldest.slot, replaced: [oldest] };
    return { slot: this.#findRoom(key), replaced: [] };
  }

  /** A free slot of the window, or the one that is used least. */
  #findRoom({ home, high }: Key): number {
    const { places, uses, slotCount } = this.#layout;
    let least = home;
    let leastUses = USES_MAX + 1;
    // Not always from the beginning, so that it is not always the same that goes.
    const begin = high >>> 8;
    for (let i = 0; i < WINDOW; i++) {
      const slot = (home + ((begin + i) % WINDOW)) & (slotCount - 1);
      if (Atomics.load(places, slot) === 0) return slot;
      const used = Atomics.load(uses, slot);
      if (used >= leastUses) continue;
      least = slot;
      leastUses = used;
    }
    return least;
  }

  /** It was asked for before. */
  #isKnown({ home, low }: Key, { slot, replaced }: ChosenSlot): boolean {
    const { uses, ghosts } = this.#layout;
    return replaced.length > 0 ? Atomics.load(uses, slot) > 0 : Atomics.load(ghosts, home) === low;
  }

  #write(key: Key, record: AnswerRecord, { slot, kind, ...divided }: ChosenPlace): void {
    const { facts } = record;
    const head = encodeAnswerHead(record);
    const bytes = ENTRY_HEADER_BYTES + head.length + facts.body.length;
    const generation = Atomics.load(this.#layout.generations, key.generationAt);
    const byteAt = this.#segments.allocate(bytes, kind);
    if (byteAt < 0) return;
    this.#layout.bytes.set(head, byteAt + ENTRY_HEADER_BYTES);
    this.#layout.bytes.set(facts.body, byteAt + ENTRY_HEADER_BYTES + head.length);
    const untilS = Math.min(UNTIL_S_MAX, Math.ceil(facts.keptUntilMs / 1_000));
    this.#segments.settle(byteAt, bytes, { ...key, ...divided, slot, generation, untilS, headBytes: head.length });
    this.#publish(key, slot, byteAt);
  }

  /** The body of an answer that is too long for one segment. `undefined`: it is longer than it may be. */
  #putPieces(facts: AnswerFacts): Divided | undefined {
    const { body } = facts;
    const pieceBytes = this.#pieceBytes;
    const pieces = Math.ceil(body.length / pieceBytes);
    if (pieces > PIECES_MAX) return undefined;
    const pieceId = this.#layout.nextPieceId();
    for (let i = 0; i < pieces; i++) {
      const key = this.#toPieceKey(pieceId, i);
      const piece = body.subarray(i * pieceBytes, (i + 1) * pieceBytes);
      const record = { uri: key.uri, partition: key.partition, facts: { ...facts, ...plainFacts, body: piece } };
      // So much that is new would push out its own beginning, so it is not among newcomers.
      this.#write(key, record, { slot: this.#findRoom(key), kind: residents, pieces: IS_PIECE, pieceId });
    }
    return { pieces, pieceId };
  }

  /** `undefined`: a piece has gone. */
  #readPieces({ pieces, pieceId }: Divided): Buffer | undefined {
    const { uses } = this.#layout;
    const found = Array.from({ length: pieces }, (_, i) => this.#search(this.#toPieceKey(pieceId, i))[0]);
    let bytes = 0;
    for (const piece of found) {
      if (piece === undefined) return undefined;
      bytes += piece.record.facts.body.length;
    }
    const body = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const { record, slot } of found as readonly Found[]) {
      at += record.facts.body.copy(body, at);
      Atomics.store(uses, slot, USES_MAX);
    }
    return body;
  }

  #toPieceKey(pieceId: number, index: number): Key {
    return this.#toKey(`${PIECE_BEGIN}${pieceId}`, `${index}`);
  }

  #publish(key: Key, slot: number, byteAt: number): void {
    const { places, tags, uses } = this.#layout;
    const before = Atomics.load(places, slot);
    // Another thread moves what stands there, or was faster: then this answer is not kept.
    if (before === MOVING || !this.#layout.exchangePlace(slot, before, this.#layout.toPlace(byteAt))) return;
    Atomics.store(tags, slot, key.low);
    Atomics.store(uses, slot, 0);
  }

  #clear(slot: number, place: number): boolean {
    return this.#layout.exchangePlace(slot, place, 0);
  }

  #purgeSlot(slot: number, what: AnswerPurge): boolean {
    const { places, words, changes, slotCount } = this.#layout;
    for (let look = 0; look < MOVING_LOOKS_MAX; look++) {
      const place = Atomics.load(places, slot);
      if (place === 0) return false;
      if (place === MOVING) continue;
      const byteAt = this.#layout.toByteAt(place);
      const version = this.#segments.versionAt(byteAt);
      if (Atomics.load(places, slot) !== place) continue;
      const isOver = this.#segments.isOver(byteAt);
      const home = words[byteAt / WORD_BYTES + ENTRY_HIGH]! & (slotCount - 1);
      const record = this.#readHead(byteAt, version);
      if (this.#hasChanged(byteAt, version)) continue;
      if (record === undefined || !isMeant(what, record)) return false;
      if (!this.#clear(slot, place)) continue;
      Atomics.add(changes, home, 1);
      return !isOver && !record.uri.startsWith(PIECE_BEGIN);
    }
    return false;
  }

  #readHead(byteAt: number, version: number): AnswerRecord | undefined {
    const length = this.#segments.lengthAt(byteAt, version);
    const headBytes = this.#layout.words[byteAt / WORD_BYTES + ENTRY_HEAD_BYTES]!;
    if (length === 0 || headBytes < 0 || headBytes > length - ENTRY_HEADER_BYTES) return undefined;
    const begin = byteAt + ENTRY_HEADER_BYTES;
    return decodeAnswerHead(Buffer.from(this.#layout.bytes.subarray(begin, begin + headBytes)));
  }

  #toGenerationAt(uri: string): number {
    this.#hash.hash(uri);
    return this.#hash.low & (this.#layout.slotCount - 1);
  }

  #toKey(uri: string, partition: string): Key {
    const hash = this.#hash;
    const mask = this.#layout.slotCount - 1;
    hash.hash(uri);
    const { low: uriLow, high: uriHigh } = hash;
    const generationAt = uriLow & mask;
    if (partition === '') return { uri, partition, low: uriLow, high: uriHigh, home: uriHigh & mask, generationAt };
    hash.hash(partition);
    const low = (Math.imul(uriLow, 31) + hash.low) | 0;
    const high = (Math.imul(uriHigh, 31) + hash.high) | 0;
    return { uri, partition, low, high, home: high & mask, generationAt };
  }
}

/** The most recent first; of two of one date, the one that came last. */
function compare(one: AnswerFacts, other: AnswerFacts): number {
  return other.dateMs - one.dateMs || other.bornMs - one.bornMs;
}

function isSameSelection(one: AnswerFacts, other: AnswerFacts): boolean {
  if (one.selection === undefined || other.selection === undefined) return one.selection === other.selection;
  return one.selection.values === other.selection.values && String(one.selection.names) === String(other.selection.names);
}

function isMeant(what: AnswerPurge, { uri, facts }: AnswerRecord): boolean {
  switch (what.kind) {
    case 'uri':
      return uri === what.uri;
    case 'prefix':
      return uri.startsWith(what.prefix);
    case 'tag':
      return facts.tags.includes(what.tag);
    default:
      return what satisfies never;
  }
}
