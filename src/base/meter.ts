/**
 * What one thread counts: series of numbers in shared memory, written by this thread alone and read by others at any time. Adding is
 * an assignment to a typed array, without atomics and without making anything; a series is looked for once and then known by where
 * its numbers stand. The memory outlives the thread: whoever follows it goes on where it has stopped.
 *
 * A reader may see a number of a moment ago, never half of one: eight bytes at a multiple of eight are written at once by every
 * processor that Node runs on.
 */
import { assert } from './assert.ts';
import { runAtOnce } from './slices.ts';

/** A kind of series, each with as many numbers. */
export interface SeriesFamily {
  readonly name: string;
  /** Names of labels, which tell its series apart. */
  readonly labels: readonly string[];
  readonly cellCount: number;
  /** Numbers from here on are of the moment, and nothing when the thread is gone; those before only grow. */
  readonly gaugesFrom: number;
  /** Of a thread, and of all together; what is counted of further ones is counted in one series whose labels are `OTHER_LABEL`. */
  readonly seriesMax: number;
}

/** What the labels of all that has no series of its own say. */
export const OTHER_LABEL = '_other';

/** Numbers of one series, at most. So many at the beginning are nobody's: what has no room at all is added there, and not told. */
const SERIES_CELLS_MAX = 128;
const ENTRIES_MAX = 40_000;
const CELLS_MAX = 512 * 1024;
const TEXT_BYTES_MAX = 8 * 1024 * 1024;
/** Text is given out in pieces of this, so that it can be used again. */
const TEXT_STEP_BYTES = 64;

/** Words before the entries. */
const ENTRY_COUNT = 0;
const OVERFLOW_COUNT = 1;
const CELLS_USED = 2;
const TEXT_USED = 3;
/** Another number than before: there is another series, or one less. */
const VERSION = 4;
const HEAD_WORDS = 6;
/** Words of an entry. */
const GENERATION = 0;
const CELL_AT = 1;
const TEXT_AT = 2;
const TEXT_BYTES = 3;
const TEXT_ROOM = 4;
const ENTRY_WORDS = 6;
/** Of an entry that nobody uses. */
const FREE = 0;
/** Series whose labels are read at once. */
const READ_PER_STEP = 100;

const CELLS_BYTE = (HEAD_WORDS + ENTRIES_MAX * ENTRY_WORDS) * Int32Array.BYTES_PER_ELEMENT;
const TEXT_BYTE = CELLS_BYTE + CELLS_MAX * Float64Array.BYTES_PER_ELEMENT;

/** Pages that nobody has written to take no memory. */
export function makeMeterMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(TEXT_BYTE + TEXT_BYTES_MAX);
}

interface KnownSeries {
  readonly entry: number;
  readonly cellAt: number;
  userCount: number;
}

/** One that a series of the same family may have. */
interface FreeEntry {
  readonly entry: number;
  readonly generation: number;
}

/** The one that writes. */
export class ThreadMeter {
  readonly memory: SharedArrayBuffer;
  /** Whoever has a series adds to it here. */
  readonly cells: Float64Array;
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  readonly #known = new Map<string, KnownSeries>();
  /** By the name of the family, those of others included. */
  readonly #counts = new Map<string, number>();
  readonly #free = new Map<string, FreeEntry[]>();

  /** `memory`: that of a thread that is gone, to go on with. */
  constructor(memory = makeMeterMemory()) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, CELLS_BYTE / Int32Array.BYTES_PER_ELEMENT);
    this.cells = new Float64Array(memory, CELLS_BYTE, CELLS_MAX);
    this.#text = new Uint8Array(memory, TEXT_BYTE, TEXT_BYTES_MAX);
  }

  /** Goes on with what is there already. `families`: those that there may be. */
  resume(families: readonly SeriesFamily[]): this {
    for (const { family, labels, entry, at } of readSeries(this.memory, families)) {
      this.#known.set(toKey(family, labels), { entry, cellAt: at, userCount: 0 });
      if (labels[0] !== OTHER_LABEL) this.#counts.set(family.name, (this.#counts.get(family.name) ?? 0) + 1);
    }
    return this;
  }

  /**
   * Where the numbers of a series begin in `cells`. Asked again, it tells the same, and counts one more who uses it. Where there is
   * no room, it is the place of all others of the family.
   */
  take(family: SeriesFamily, labels: readonly string[]): number {
    assert(family.cellCount <= SERIES_CELLS_MAX, 'a series has no more numbers than there are for nobody');
    const key = toKey(family, labels);
    const known = this.#known.get(key);
    if (known !== undefined) {
      known.userCount += 1;
      return known.cellAt;
    }
    const count = this.#counts.get(family.name) ?? 0;
    const isOther = labels[0] === OTHER_LABEL;
    if (!isOther && count >= family.seriesMax) return this.#takeOther(family);
    const made = this.#reuse(family, key) ?? this.#make(family, key);
    if (made === undefined) return isOther ? 0 : this.#takeOther(family);
    if (!isOther) this.#counts.set(family.name, count + 1);
    this.#known.set(key, made);
    return made.cellAt;
  }

  /** The same for one that is there already; `undefined`: it is not. */
  takeKnown(family: SeriesFamily, labels: readonly string[]): number | undefined {
    return this.#known.has(toKey(family, labels)) ? this.take(family, labels) : undefined;
  }

  /** Nobody adds to it any more where all who have taken it have said so: another one of the family may have its place. */
  release(family: SeriesFamily, labels: readonly string[]): void {
    const key = toKey(family, labels);
    const known = this.#known.get(key);
    if (known === undefined || labels[0] === OTHER_LABEL) return;
    known.userCount -= 1;
    if (known.userCount > 0) return;
    this.#known.delete(key);
    this.#counts.set(family.name, this.#counts.get(family.name)! - 1);
    const word = HEAD_WORDS + known.entry * ENTRY_WORDS;
    const generation = this.#words[word + GENERATION]!;
    Atomics.store(this.#words, word + GENERATION, FREE);
    Atomics.add(this.#words, VERSION, 1);
    this.cells.fill(0, known.cellAt, known.cellAt + family.cellCount);
    const free = this.#free.get(family.name) ?? [];
    free.push({ entry: known.entry, generation });
    this.#free.set(family.name, free);
  }

  /** Of what a thread before this one has left, that which is not wanted and which nobody has taken since. */
  releaseLeft(family: SeriesFamily, isUnwanted: (labels: readonly string[]) => boolean): void {
    for (const [key, { userCount }] of this.#known) {
      if (userCount > 0) continue;
      const [name, ...labels] = JSON.parse(key) as string[];
      if (name === family.name && isUnwanted(labels)) this.release(family, labels);
    }
  }

  #takeOther(family: SeriesFamily): number {
    Atomics.add(this.#words, OVERFLOW_COUNT, 1);
    return this.take(
      family,
      family.labels.map(() => OTHER_LABEL),
    );
  }

  #reuse(family: SeriesFamily, key: string): KnownSeries | undefined {
    const free = this.#free.get(family.name)?.pop();
    if (free === undefined) return undefined;
    const word = HEAD_WORDS + free.entry * ENTRY_WORDS;
    if (!this.#writeText(word, key)) return undefined;
    Atomics.store(this.#words, word + GENERATION, free.generation + 1);
    Atomics.add(this.#words, VERSION, 1);
    return { entry: free.entry, cellAt: this.#words[word + CELL_AT]!, userCount: 1 };
  }

  #make(family: SeriesFamily, key: string): KnownSeries | undefined {
    const entry = this.#words[ENTRY_COUNT]!;
    const cellAt = Math.max(this.#words[CELLS_USED]!, SERIES_CELLS_MAX);
    if (entry >= ENTRIES_MAX || cellAt + family.cellCount > CELLS_MAX) return undefined;
    const word = HEAD_WORDS + entry * ENTRY_WORDS;
    if (!this.#writeText(word, key)) return undefined;
    this.#words[CELLS_USED] = cellAt + family.cellCount;
    this.#words[word + CELL_AT] = cellAt;
    this.#words[word + GENERATION] = 1;
    Atomics.store(this.#words, ENTRY_COUNT, entry + 1);
    Atomics.add(this.#words, VERSION, 1);
    return { entry, cellAt, userCount: 1 };
  }

  #writeText(word: number, text: string): boolean {
    const bytes = Buffer.from(text);
    if (this.#words[word + TEXT_ROOM]! < bytes.length) {
      const room = Math.ceil(bytes.length / TEXT_STEP_BYTES) * TEXT_STEP_BYTES;
      const textAt = this.#words[TEXT_USED]!;
      if (textAt + room > TEXT_BYTES_MAX) return false;
      this.#words[word + TEXT_AT] = textAt;
      this.#words[word + TEXT_ROOM] = room;
      this.#words[TEXT_USED] = textAt + room;
    }
    this.#text.set(bytes, this.#words[word + TEXT_AT]!);
    this.#words[word + TEXT_BYTES] = bytes.length;
    return true;
  }
}

/** A series as others find it. */
export interface FoundSeries {
  readonly family: SeriesFamily;
  readonly labels: readonly string[];
  readonly entry: number;
  /** Where its numbers begin among those of the thread. */
  readonly at: number;
  readonly generation: number;
}

/** Of a thread, whether it lives or not. */
export function readSeries(memory: SharedArrayBuffer, families: readonly SeriesFamily[]): FoundSeries[] {
  return runAtOnce(findSeries(memory, families, []));
}

/** The same in steps. Those that have been found before, by their entries, are not read again. */
export function* findSeries(
  memory: SharedArrayBuffer,
  families: readonly SeriesFamily[],
  known: readonly (FoundSeries | undefined)[],
): Generator<undefined, FoundSeries[], void> {
  const words = new Int32Array(memory, 0, CELLS_BYTE / Int32Array.BYTES_PER_ELEMENT);
  const text = new Uint8Array(memory, TEXT_BYTE, TEXT_BYTES_MAX);
  const found: FoundSeries[] = [];
  const count = Atomics.load(words, ENTRY_COUNT);
  let readCount = 0;
  for (let entry = 0; entry < count; entry++) {
    const word = HEAD_WORDS + entry * ENTRY_WORDS;
    const generation = Atomics.load(words, word + GENERATION);
    if (generation === FREE) continue;
    const before = known[entry];
    if (before?.generation === generation) {
      found.push(before);
      continue;
    }
    const textAt = words[word + TEXT_AT]!;
    const key = Buffer.from(text.slice(textAt, textAt + words[word + TEXT_BYTES]!)).toString();
    // It has become another one while it was read: the next reading finds that.
    if (Atomics.load(words, word + GENERATION) !== generation) continue;
    found.push({ ...toLabels(key, families), entry, at: words[word + CELL_AT]!, generation });
    readCount += 1;
    if (readCount % READ_PER_STEP === 0) yield;
  }
  return found;
}

function toLabels(key: string, families: readonly SeriesFamily[]): Pick<FoundSeries, 'family' | 'labels'> {
  const [name, ...labels] = JSON.parse(key) as string[];
  const family = families.find((candidate) => candidate.name === name);
  assert(family !== undefined, 'all families are known to whoever reads them');
  return { family, labels };
}

export function cellsOf(memory: SharedArrayBuffer): Float64Array {
  return new Float64Array(memory, CELLS_BYTE, CELLS_MAX);
}

/** Another number than before: there may be other series. */
export function readMeterVersion(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory, 0, HEAD_WORDS), VERSION);
}

/** How many series have had no room of their own. */
export function readOverflowCount(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory, 0, HEAD_WORDS), OVERFLOW_COUNT);
}

function toKey({ name }: SeriesFamily, labels: readonly string[]): string {
  return JSON.stringify([name, ...labels]);
}
