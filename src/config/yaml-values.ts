/** The value of a YAML text, made of its parser's events, and all mistakes in it that are none of the syntax. */
import {
  type AliasEvent,
  COLLECTION_STYLE,
  EVENT_ID,
  type Event,
  getScalarValue,
  type MappingEvent,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml';
import { isMap } from '#schema/forms.ts';
import { type CoreScalar, readPlainScalar, readTaggedScalar } from './core-scalars.ts';
import type { IssuePath } from './issue.ts';
import { setOwn } from './own-property.ts';
import type { SyntaxProblem } from './syntax-problems.ts';
import { findStart, isMergeKey, nameOf, type Properties, tagOf } from './yaml-events.ts';

/** Uses of one anchor. An alias of an alias multiplies; beyond this a small file would become a huge value. */
const ALIAS_COUNT_MAX = 10_000;
/** Keys that `<<` copies into other maps, in the whole text. */
const MERGED_KEYS_MAX = 1_000_000;

/** What may stand before a key in a block. */
const LINE_BEFORE_KEY = /^\uFEFF?[ \t]*(?:[-?:][ \t]+)*$/;
/** The parser takes every number; the last character has U+10FFFF. */
const BEYOND_UNICODE = /(?<!\\)(?:\\\\)*\\U(?!000|0010)/;
const KEY_MESSAGE = 'a key must be text';

export interface DuplicateKey {
  readonly path: IssuePath;
  readonly offset: number;
  readonly firstOffset: number;
}

interface Anchor {
  readonly value: unknown;
  /** How often the value is there: in its own place, and for each alias. */
  count: number;
  /** The same for what is inside of it, at most. */
  countWithin: number;
}

type Values = Record<string, unknown>;

/** Reads the node that begins at `root` in the events, the only one of its document. */
export class YamlValueReader {
  readonly problems: SyntaxProblem[] = [];
  readonly duplicates: DuplicateKey[] = [];
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #anchors = new Map<string, Anchor>();
  readonly #path: (string | number)[] = [];
  #next: number;
  /** Within the node that was read last; see `Anchor`. */
  #countWithin = 1;
  /** With an anchor, and not read to their end. */
  readonly #open = new Set<unknown>();
  #mergedKeys = 0;
  #isTooLarge = false;

  constructor(text: string, events: readonly Event[], root: number) {
    this.#text = text;
    this.#events = events;
    this.#next = root;
  }

  read(): unknown {
    const at = this.#next++;
    const event = this.#events[at]!;
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#readScalar(event);
      case EVENT_ID.MAPPING:
        return this.#readMap(event);
      case EVENT_ID.SEQUENCE:
        return this.#readList(event);
      case EVENT_ID.ALIAS:
        return this.#readAlias(event);
      default:
        return undefined;
    }
  }

  #readScalar(event: ScalarEvent): CoreScalar {
    const text = this.#textOf(event);
    const tag = tagOf(this.#text, event);
    let value: CoreScalar | undefined = text;
    if (tag !== undefined) value = readTaggedScalar(tag, text);
    else if (event.style === SCALAR_STYLE.PLAIN) value = readPlainScalar(text);
    if (value === undefined) this.#refuseTag(event);
    this.#closeAnchor(this.#openAnchor(event, value), 1);
    return value ?? null;
  }

  #textOf(event: ScalarEvent): string {
    const { style, valueStart, valueEnd, fast } = event;
    if (style === SCALAR_STYLE.DOUBLE_QUOTED && !fast && BEYOND_UNICODE.test(this.#text.slice(valueStart, valueEnd)))
      this.problems.push({ offset: valueStart - 1, message: 'there is no character with the number that stands behind `\\U`' });
    return getScalarValue(this.#text, event);
  }

  #readList(event: SequenceEvent): unknown[] {
    const list: unknown[] = [];
    this.#checkTag(event, '!!seq');
    const anchor = this.#openAnchor(event, list);
    let countWithin = 1;
    while (!this.#takeEnd()) {
      this.#path.push(list.length);
      list.push(this.read());
      this.#path.pop();
      countWithin = Math.max(countWithin, this.#countWithin);
    }
    this.#closeAnchor(anchor, countWithin);
    return list;
  }

  #readMap(event: MappingEvent): Values {
    const map: Values = {};
    this.#checkTag(event, '!!map');
    const anchor = this.#openAnchor(event, map);
    /** Where each key stands first. */
    const firsts = new Map<string, number>();
    let countWithin = 1;
    while (!this.#takeEnd()) {
      const at = this.#next++;
      const keyEvent = this.#events[at]!;
      const key = this.#readKey(keyEvent, at);
      if (event.style === COLLECTION_STYLE.BLOCK) this.#checkLine(keyEvent);
      this.#path.push(key);
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, at);
      else this.duplicates.push({ path: [...this.#path], offset: this.#startOf(at), firstOffset: this.#startOf(first) });
      const valueAt = this.#next;
      const value = this.read();
      if (keyEvent.type === EVENT_ID.SCALAR && isMergeKey(keyEvent, key)) this.#merge(map, value, valueAt);
      else setOwn(map, key, value);
      this.#path.pop();
      countWithin = Math.max(countWithin, this.#countWithin);
    }
    this.#closeAnchor(anchor, countWithin);
    return map;
  }

  /** Whatever a plain key looks like, it is text. */
  #readKey(event: Event, at: number): string {
    if (event.type !== EVENT_ID.SCALAR) {
      this.problems.push({ offset: this.#startOf(at), message: KEY_MESSAGE });
      this.#next = at;
      this.read();
      return '';
    }
    const tag = tagOf(this.#text, event);
    if (tag !== undefined && tag !== '!!str') this.problems.push({ offset: event.tagStart, message: KEY_MESSAGE });
    else if (event.valueStart < 0) this.problems.push({ offset: this.#startOf(at + 1), message: 'the key is missing here' });
    const key = this.#textOf(event);
    this.#closeAnchor(this.#openAnchor(event, key), 1);
    return key;
  }

  /** The parser does not see to it that a key in a block follows nothing, after `- "text" ` or `key: &anchor `. */
  #checkLine(key: Event): void {
    if (key.type !== EVENT_ID.SCALAR) return;
    const { anchorStart, tagStart, valueStart } = key;
    const isQuoted = key.style === SCALAR_STYLE.SINGLE_QUOTED || key.style === SCALAR_STYLE.DOUBLE_QUOTED;
    let start = isQuoted ? valueStart - 1 : valueStart;
    if (anchorStart >= 0) start = Math.min(start, anchorStart - 1);
    if (tagStart >= 0) start = Math.min(start, tagStart);
    let before = start - 1;
    while (this.#text.charAt(before) === ' ') before--;
    if (before < 0 || this.#text.charAt(before) === '\n') return;
    const line = this.#text.slice(this.#text.lastIndexOf('\n', before) + 1, start);
    if (!LINE_BEFORE_KEY.test(line)) this.problems.push({ offset: start, message: 'a key must begin on a line of its own' });
  }

  #readAlias(event: AliasEvent): unknown {
    const name = nameOf(this.#text, event)!;
    const anchor = this.#anchors.get(name);
    const offset = event.anchorStart - 1;
    this.#countWithin = 1;
    if (anchor === undefined) {
      this.problems.push({ offset, message: `the alias \`*${name}\` has no anchor \`&${name}\` before it` });
      return undefined;
    }
    anchor.count += 1;
    this.#countWithin = anchor.count * anchor.countWithin;
    if (this.#countWithin > ALIAS_COUNT_MAX)
      this.#refuseSize(offset, `with this alias, a value is there more than ${ALIAS_COUNT_MAX} times`);
    return anchor.value;
  }

  /** What the map has already stays as it is; what comes after replaces what was merged. */
  #merge(map: Values, source: unknown, at: number): void {
    const offset = this.#startOf(at);
    for (const item of Array.isArray(source) ? source : [source]) {
      if (!isMap(item) || this.#open.has(item)) {
        // What is missing has been told.
        if (item !== undefined)
          this.problems.push({ offset, message: '`<<` takes a map that has ended, or a list of such maps' });
        continue;
      }
      for (const [key, value] of Object.entries(item)) {
        this.#mergedKeys += 1;
        if (this.#mergedKeys > MERGED_KEYS_MAX)
          return this.#refuseSize(offset, `\`<<\` copies more than ${MERGED_KEYS_MAX} keys in this text`);
        if (!Object.hasOwn(map, key)) setOwn(map, key, value);
      }
    }
  }

  /** Once: all that follows would be too large as well. */
  #refuseSize(offset: number, message: string): void {
    if (!this.#isTooLarge) this.problems.push({ offset, message });
    this.#isTooLarge = true;
  }

  #checkTag(event: Properties, own: string): void {
    const tag = tagOf(this.#text, event);
    if (tag !== undefined && tag !== '!' && tag !== own) this.#refuseTag(event);
  }

  #refuseTag(event: Properties): void {
    this.problems.push({ offset: event.tagStart, message: `unresolved tag: ${tagOf(this.#text, event)}` });
  }

  #openAnchor(event: Properties, value: unknown): Anchor | undefined {
    const name = nameOf(this.#text, event);
    if (name === undefined) return undefined;
    const anchor = { value, count: 1, countWithin: 1 };
    this.#anchors.set(name, anchor);
    this.#open.add(value);
    return anchor;
  }

  #closeAnchor(anchor: Anchor | undefined, countWithin: number): void {
    this.#countWithin = countWithin;
    if (anchor === undefined) return;
    this.#open.delete(anchor.value);
    anchor.countWithin = countWithin;
  }

  /** Whether the collection that is being read has ended. */
  #takeEnd(): boolean {
    if (this.#events[this.#next]!.type !== EVENT_ID.POP) return false;
    this.#next++;
    return true;
  }

  /** What has no place is pointed at where the node before it is. */
  #startOf(at: number): number {
    for (let index = at; index >= 0; index--) {
      const start = findStart(this.#text, this.#events, index);
      if (start !== undefined) return start;
    }
    return 0;
  }
}
