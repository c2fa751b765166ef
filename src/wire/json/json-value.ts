/** Values of a JSON document that is there as bytes: each is a span of them, and nothing is made of it until somebody asks. */
import type { JsonName } from './json-name.ts';
import { INDEX_ENTRY_LENGTH, type JsonIndex } from './json-reader.ts';
import type { JsonWriter } from './json-writer.ts';

export type JsonKind = 'object' | 'list' | 'string' | 'number' | 'boolean' | 'null';

/** The document that a value belongs to. */
export interface IndexedJson {
  readonly bytes: Buffer;
  readonly index: JsonIndex;
}

export interface JsonMember {
  readonly name: JsonValue;
  readonly value: JsonValue;
}

/** Whoever looks for values again and again counts how many others were passed by on the way. */
export interface StepCount {
  steps: number;
}

export class JsonValue {
  readonly #document: IndexedJson;
  readonly #entry: number;

  constructor(document: IndexedJson, entry: number) {
    this.#document = document;
    this.#entry = entry;
  }

  get start(): number {
    return this.#document.index[this.#entry * INDEX_ENTRY_LENGTH]!;
  }

  get end(): number {
    return this.#document.index[this.#entry * INDEX_ENTRY_LENGTH + 1]!;
  }

  get kind(): JsonKind {
    switch (this.#document.bytes[this.start]) {
      case 0x7b:
        return 'object';
      case 0x5b:
        return 'list';
      case 0x22:
        return 'string';
      case 0x74:
      case 0x66:
        return 'boolean';
      case 0x6e:
        return 'null';
      default:
        return 'number';
    }
  }

  /** Exactly as it was written: a view. */
  get bytes(): Buffer {
    return this.#document.bytes.subarray(this.start, this.end);
  }

  /** What a string means; of everything else, how it was written. */
  get text(): string {
    const { bytes } = this.#document;
    const isString = bytes[this.start] === 0x22;
    const from = isString ? this.start + 1 : this.start;
    const text = bytes.toString('utf8', from, isString ? this.end - 1 : this.end);
    return isString && text.includes('\\') ? String(this.parse()) : text;
  }

  /** The value as JavaScript has it, for who cannot do without: numbers lose what they have beyond 2^53, and of equal names the last counts. */
  parse(): unknown {
    return JSON.parse(this.#document.bytes.toString('utf8', this.start, this.end));
  }

  writeTo(writer: JsonWriter): void {
    writer.writeSpan(this.#document.bytes, this.start, this.end);
  }

  /** Whether this is the name of a member, and that one. */
  isName({ text, bytes }: JsonName): boolean {
    const { index, bytes: document } = this.#document;
    const place = this.#entry * INDEX_ENTRY_LENGTH;
    const hasEscapes = index[place + 2] === 1;
    return hasEscapes ? this.text === text : hasBytes(document, index[place]! + 1, index[place + 1]! - 1, bytes);
  }

  /** Of an object; `undefined` where there is none. Of equal names the last counts, as everywhere in JavaScript. */
  find(name: JsonName, count?: StepCount): JsonValue | undefined {
    const { index, bytes: document } = this.#document;
    if (document[this.start] !== 0x7b) return undefined;
    const end = this.#behind;
    let found = -1;
    let steps = 0;
    for (let entry = this.#entry + 1; entry < end; entry = index[(entry + 1) * INDEX_ENTRY_LENGTH + 2]!) {
      steps += 1;
      if (new JsonValue(this.#document, entry).isName(name)) found = entry + 1;
    }
    if (count !== undefined) count.steps += steps;
    return found < 0 ? undefined : new JsonValue(this.#document, found);
  }

  /** A member by its name, or an item by its place. */
  step(name: JsonName, count?: StepCount): JsonValue | undefined {
    const { kind } = this;
    if (kind === 'object') return this.find(name, count);
    return kind === 'list' && name.place >= 0 ? this.item(name.place, count) : undefined;
  }

  /** Where a path of members and items leads. */
  at(path: readonly JsonName[]): JsonValue | undefined {
    let value: JsonValue | undefined = this;
    for (const name of path) value = value?.step(name);
    return value;
  }

  item(place: number, count?: StepCount): JsonValue | undefined {
    const { index, bytes } = this.#document;
    if (bytes[this.start] !== 0x5b) return undefined;
    const end = this.#behind;
    let entry = this.#entry + 1;
    let skipped = 0;
    for (; skipped < place && entry < end; skipped++) entry = index[entry * INDEX_ENTRY_LENGTH + 2]!;
    if (count !== undefined) count.steps += skipped;
    return entry < end ? new JsonValue(this.#document, entry) : undefined;
  }

  /** Of a list; of everything else `undefined`. */
  items(): JsonValue[] | undefined {
    const { index, bytes } = this.#document;
    if (bytes[this.start] !== 0x5b) return undefined;
    const end = this.#behind;
    const items: JsonValue[] = [];
    for (let entry = this.#entry + 1; entry < end; entry = index[entry * INDEX_ENTRY_LENGTH + 2]!)
      items.push(new JsonValue(this.#document, entry));
    return items;
  }

  /** Of an object, all of them in order, equal names too; of everything else `undefined`. */
  members(): JsonMember[] | undefined {
    const { index, bytes } = this.#document;
    if (bytes[this.start] !== 0x7b) return undefined;
    const end = this.#behind;
    const members: JsonMember[] = [];
    for (let entry = this.#entry + 1; entry < end; entry = index[(entry + 1) * INDEX_ENTRY_LENGTH + 2]!)
      members.push({ name: new JsonValue(this.#document, entry), value: new JsonValue(this.#document, entry + 1) });
    return members;
  }

  /** The entry behind everything inside. */
  get #behind(): number {
    return this.#document.index[this.#entry * INDEX_ENTRY_LENGTH + 2]!;
  }
}

function hasBytes(document: Uint8Array, from: number, to: number, bytes: Uint8Array): boolean {
  if (to - from !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (document[from + i] !== bytes[i]) return false;
  return true;
}
