/** Finds where in a YAML text a path stands. Made at the first question: most texts have nothing that must be pointed at. */
import { COLLECTION_STYLE, EVENT_ID, type Event, getScalarValue, type ScalarEvent, type SequenceEvent } from 'js-yaml';
import type { IssuePath } from './issue.ts';
import { endOfProperties, findStart, isMergeKey, nameOf } from './yaml-events.ts';

const BYTE_ORDER_MARK = '\uFEFF';

interface Pair {
  readonly key: number;
  readonly value: number;
}

/** Nodes are the indices of the events that they begin with. */
export class YamlPlaces {
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #root: number;
  /** Of each node, the event after its last. */
  readonly #ends: Uint32Array;
  /** What aliases stand for. */
  readonly #targets = new Map<number, number>();
  readonly #pairsByMap = new Map<number, Map<string, Pair>>();
  readonly #itemsByList = new Map<number, readonly number[]>();

  constructor(text: string, events: readonly Event[], root: number) {
    this.#text = text;
    this.#events = events;
    this.#root = root;
    this.#ends = new Uint32Array(events.length);
    this.#readStructure();
  }

  /** The offset of the deepest part of the path that exists. */
  find(path: IssuePath, pointAt: 'key' | 'value'): number {
    let node = this.#resolve(this.#root);
    let offset = this.#startOf(node) ?? 0;
    for (const [depth, step] of path.entries()) {
      const type = this.#events[node]?.type;
      if (type === EVENT_ID.SEQUENCE) {
        const item = typeof step === 'number' ? this.#items(node)[step] : undefined;
        if (item === undefined) return offset;
        offset = findStart(this.#text, this.#events, item) ?? this.#findEmptyItem(node, Number(step));
        node = this.#resolve(item);
      } else {
        const pair = type === EVENT_ID.MAPPING ? this.#pairs(node).get(String(step)) : undefined;
        if (pair === undefined) return offset;
        const isKeyMeant = depth === path.length - 1 ? pointAt === 'key' : true;
        node = this.#resolve(pair.value);
        // A map begins with its first key: what is missing in it is better shown at the key that holds the map.
        const shown = isKeyMeant || this.#isBlockMap(node) || this.#startOf(node) === undefined ? pair.key : pair.value;
        offset = this.#startOf(shown) ?? offset;
      }
    }
    return offset;
  }

  #readStructure(): void {
    const open: number[] = [];
    const anchors = new Map<string, number>();
    for (let at = 0; at < this.#events.length; at++) {
      const event = this.#events[at]!;
      if (event.type === EVENT_ID.POP) {
        this.#ends[open.pop() ?? at] = at + 1;
        continue;
      }
      if (event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) this.#ends[at] = at + 1;
      else open.push(at);
      const name = event.type === EVENT_ID.DOCUMENT ? undefined : nameOf(this.#text, event);
      if (name === undefined) continue;
      const target = anchors.get(name);
      if (event.type !== EVENT_ID.ALIAS) anchors.set(name, at);
      else if (target !== undefined) this.#targets.set(at, target);
    }
  }

  #startOf(node: number): number | undefined {
    return findStart(this.#text, this.#events, node);
  }

  #resolve(node: number): number {
    return this.#targets.get(node) ?? node;
  }

  #isBlockMap(node: number): boolean {
    const event = this.#events[node];
    return event?.type === EVENT_ID.MAPPING && event.style === COLLECTION_STYLE.BLOCK;
  }

  #children(node: number): number[] {
    const children: number[] = [];
    for (let child = node + 1; child < this.#ends[node]! - 1; child = this.#ends[child]!) children.push(child);
    return children;
  }

  #items(list: number): readonly number[] {
    const items = this.#itemsByList.get(list) ?? this.#children(list);
    this.#itemsByList.set(list, items);
    return items;
  }

  #pairs(map: number): Map<string, Pair> {
    const known = this.#pairsByMap.get(map);
    if (known !== undefined) return known;
    const pairs = new Map<string, Pair>();
    this.#pairsByMap.set(map, pairs);
    const sources: number[] = [];
    const children = this.#children(map);
    for (let index = 0; index < children.length; index += 2) {
      const pair = { key: children[index]!, value: children[index + 1]! };
      const event = this.#events[pair.key];
      if (event?.type !== EVENT_ID.SCALAR) continue;
      const key = getScalarValue(this.#text, event);
      pairs.set(key, pair);
      if (isMergeKey(event, key)) sources.push(pair.value);
    }
    for (const source of sources) this.#merge(pairs, this.#resolve(source));
    return pairs;
  }

  #merge(pairs: Map<string, Pair>, source: number): void {
    const maps = this.#events[source]?.type === EVENT_ID.SEQUENCE ? this.#items(source) : [source];
    for (const item of maps) {
      const map = this.#resolve(item);
      if (this.#events[map]?.type !== EVENT_ID.MAPPING) continue;
      for (const [key, pair] of this.#pairs(map)) if (!pairs.has(key)) pairs.set(key, pair);
    }
  }

  /** After its dash, where nothing is written: all dashes of a list stand in one column. */
  #findEmptyItem(list: number, position: number): number {
    const event = this.#events[list] as SequenceEvent;
    const item = this.#events[this.#items(list)[position]!] as ScalarEvent;
    let end = endOfProperties(item);
    if (end < 0) {
      const line = this.#text.lastIndexOf('\n', event.start - 1) + 1;
      const mark = line === 0 && this.#text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
      const dash = new RegExp(`\\n {${event.start - line - mark}}-(?=[ \\t\\r\\n]|$)`, 'g');
      dash.lastIndex = event.start;
      for (let count = 0; count < position; count++) dash.exec(this.#text);
      end = position === 0 ? event.start + 1 : dash.lastIndex;
    }
    while (' \t'.includes(this.#text.charAt(end)) && end < this.#text.length) end++;
    return end;
  }
}
