/** Writes compiled routes into an image; see `route-image.ts` for what lies where. */
import { assert } from '#base/assert.ts';
import type { Candidate } from './candidate.ts';
import type { HostRoutes } from './host-routes.ts';
import type { PathNode } from './path-node.ts';
import { toPathReadingText } from './path-reading.ts';
import type { CompiledRoutes } from './route-compiler.ts';
import {
  beginHash,
  candidateAt,
  finishHash,
  hashWord,
  hostAt,
  imageAt,
  nodeParts,
  POSITION_MAX,
  TEXT_WORDS,
  toKeys,
  toKeyWords,
  toNodeHead,
  toPartOffset,
  toPosition,
  toSlot,
} from './route-image.ts';

/** Nodes written between two yields: well under a millisecond of work. */
const SLICE_NODES = 200;
/** Room to begin with; it is doubled as often as needed. */
const FIRST_WORDS = 1024;
const ASCII_MAX = 0x7f;

/** Writes in slices, like `compileRoutes`. */
export function* writeRouteImage(compiled: CompiledRoutes): Generator<undefined, SharedArrayBuffer, void> {
  // V8 seeds this from the system, and nobody outside sees what it draws. `node:crypto` would double the time to load this.
  const writer = new ImageWriter(Math.floor(Math.random() * 2 ** 32) | 0);
  yield* writer.write(compiled);
  return writer.toShared();
}

class ImageWriter {
  readonly #seed: number;
  readonly #readings = new Texts();
  readonly #conditions = new Texts();
  #words = new Int32Array(FIRST_WORDS);
  #length: number = imageAt.words;
  #nodeCount = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  *write({ exactHosts, wildcardHosts, anyHost }: CompiledRoutes): Generator<undefined, void, void> {
    this.#words[imageAt.seed] = this.#seed;
    this.#set(imageAt.exactHosts, yield* this.#writeKeys(exactHosts, (host) => this.#writeHost(host)));
    this.#set(imageAt.wildcardHosts, yield* this.#writeKeys(wildcardHosts, (host) => this.#writeHost(host)));
    const wildcardBytesMax = wildcardHosts.keys().reduce((max, host) => Math.max(max, host.length), 0);
    this.#set(imageAt.wildcardBytesMax, wildcardBytesMax);
    this.#set(imageAt.anyHost, yield* this.#writeHost(anyHost));
    this.#writeTexts(this.#readings, imageAt.readings, imageAt.readingCount);
    this.#writeTexts(this.#conditions, imageAt.conditions, imageAt.conditionsCount);
  }

  toShared(): SharedArrayBuffer {
    const shared = new SharedArrayBuffer(this.#length * Int32Array.BYTES_PER_ELEMENT);
    new Int32Array(shared).set(this.#words.subarray(0, this.#length));
    return shared;
  }

  /** What a key leads to is written directly behind the key. */
  *#writeKeys<Value>(
    values: ReadonlyMap<string, Value>,
    writeValue: (value: Value) => Generator<undefined, unknown, void>,
  ): Generator<undefined, number, void> {
    if (values.size === 0) return 0;
    if (values.size > 1) return yield* this.#writeTable(values, writeValue);
    const [text, value] = values.entries().next().value!;
    const key = this.#writeKey(text);
    yield* writeValue(value);
    return toKeys(key, 0);
  }

  /** At most half full, so that every probe ends soon. */
  *#writeTable<Value>(
    values: ReadonlyMap<string, Value>,
    writeValue: (value: Value) => Generator<undefined, unknown, void>,
  ): Generator<undefined, number, void> {
    const sizeBits = Math.ceil(Math.log2(values.size)) + 1;
    const mask = 2 ** sizeBits - 1;
    const table = this.#reserve(mask + 1);
    for (const [text, value] of values) {
      const key = this.#writeKey(text);
      const hash = this.#hashKey(key);
      let slot = hash & mask;
      while (toPosition(this.#words[table + slot]!) !== 0) slot = (slot + 1) & mask;
      this.#words[table + slot] = toSlot(key, hash);
      yield* writeValue(value);
    }
    return toKeys(table, sizeBits);
  }

  #hashKey(key: number): number {
    const bytes = this.#words[key]!;
    let hash = beginHash(this.#seed, bytes);
    for (let index = 0; index < toKeyWords(bytes); index += 1) hash = hashWord(hash, this.#words[key + 1 + index]!);
    return finishHash(hash);
  }

  #writeKey(text: string): number {
    const at = this.#reserve(1 + toKeyWords(text.length));
    this.#words[at] = text.length;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      assert(code <= ASCII_MAX, 'hosts and literal segments of routes are ASCII');
      this.#words[at + 1 + (index >>> 2)]! |= code << ((index & 3) * 8);
    }
    return at;
  }

  *#writeHost(host: HostRoutes): Generator<undefined, number, void> {
    const at = this.#reserve(hostAt.words);
    yield* this.#writeNode(host.patterns);
    this.#set(at + hostAt.regexes, this.#writeList(host.regexes));
    this.#set(at + hostAt.everyPath, this.#writeList(host.everyPath));
    return at;
  }

  *#writeNode({ rankMax, endings, prefixes, captureChild, literalChildren }: PathNode): Generator<undefined, number, void> {
    this.#nodeCount += 1;
    if (this.#nodeCount % SLICE_NODES === 0) yield;
    const parts =
      (endings === undefined ? 0 : nodeParts.endings) |
      (prefixes === undefined ? 0 : nodeParts.prefixes) |
      (captureChild === undefined ? 0 : nodeParts.capture) |
      (literalChildren === undefined ? 0 : nodeParts.literals);
    const head = toNodeHead(rankMax, parts);
    const at = this.#reserve(toPartOffset(head, nodeParts.literals) + (literalChildren === undefined ? 0 : 1));
    const setPart = (part: number, position: number) => this.#set(at + toPartOffset(head, part), position);
    this.#set(at, head);
    if (endings !== undefined) setPart(nodeParts.endings, this.#writeList(endings));
    if (prefixes !== undefined) setPart(nodeParts.prefixes, this.#writeList(prefixes));
    if (captureChild !== undefined) setPart(nodeParts.capture, yield* this.#writeNode(captureChild));
    if (literalChildren !== undefined)
      setPart(nodeParts.literals, yield* this.#writeKeys(literalChildren, (child) => this.#writeNode(child)));
    return at;
  }

  #writeList(candidates: readonly Candidate[]): number {
    if (candidates.length === 0) return 0;
    const list = this.#reserve(candidates.length * candidateAt.words);
    for (const [index, { routeIndex, conditionsText, path }] of candidates.entries()) {
      const at = list + index * candidateAt.words;
      this.#set(at + candidateAt.routeAndLast, routeIndex * 2 + (index === candidates.length - 1 ? 1 : 0));
      this.#set(at + candidateAt.conditions, this.#conditions.numberOf(conditionsText));
      this.#set(at + candidateAt.reading, this.#readings.numberOf(toPathReadingText(path)));
    }
    return list;
  }

  #writeTexts(texts: Texts, positionAt: number, countAt: number): void {
    const { all } = texts;
    const directory = this.#reserve(all.length * TEXT_WORDS);
    for (const [index, text] of all.entries()) {
      const bytes = Buffer.from(text);
      const at = this.#reserve(toKeyWords(bytes.length));
      const first = at * Int32Array.BYTES_PER_ELEMENT;
      new Uint8Array(this.#words.buffer).set(bytes, first);
      this.#words[directory + index * TEXT_WORDS] = first;
      this.#words[directory + index * TEXT_WORDS + 1] = bytes.length;
    }
    this.#words[positionAt] = directory;
    this.#words[countAt] = all.length;
  }

  /** A call and not an assignment, because words may have moved while the value was found. */
  #set(at: number, word: number): void {
    this.#words[at] = word;
  }

  /** Words that follow those written so far, all zero. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    assert(this.#length <= POSITION_MAX, 'a route table fits into an image');
    if (this.#length > this.#words.length) {
      const larger = new Int32Array(Math.max(this.#length, this.#words.length * 2));
      larger.set(this.#words);
      this.#words = larger;
    }
    return at;
  }
}

/** Texts of which equal ones are kept once. */
class Texts {
  readonly #numbers = new Map<string, number>();

  get all(): readonly string[] {
    return [...this.#numbers.keys()];
  }

  /** Counted from 1; the empty text is 0. */
  numberOf(text: string): number {
    if (text === '') return 0;
    const existing = this.#numbers.get(text);
    if (existing !== undefined) return existing;
    this.#numbers.set(text, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}
