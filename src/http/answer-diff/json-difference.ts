/**
 * Where two JSON documents differ, as pointers. Names have no order, of equal names the last counts, and items are compared by
 * their place unless a rule says that they are known by a member of theirs.
 */
import type { JsonMember, JsonValue } from '#wire/json/json-value.ts';
import { type Difference, type Differences, toShown } from './difference.ts';
import { coversPlace, formatPointer, isPlace, type PointerPattern } from './pointer-pattern.ts';

/** A list whose items may come in any order. */
export interface UnorderedList {
  readonly at: PointerPattern;
  /** The member that tells items apart; `undefined`: all of what they are. */
  readonly by: string | undefined;
}

export interface JsonRules {
  readonly ignored: readonly PointerPattern[];
  readonly unordered: readonly UnorderedList[];
  /** `1.0` is another number than `1`. */
  readonly hasExactNumbers: boolean;
}

interface Walk {
  readonly rules: JsonRules;
  readonly differences: Differences;
  /** Steps from the root to where the walk is. */
  readonly place: string[];
}

/** Documents are no deeper than `limits.jsonDepthMax`, or they would not have been read. */
export function findJsonDifferences(before: JsonValue, after: JsonValue, rules: JsonRules, differences: Differences): void {
  compare(before, after, { rules, differences, place: [] });
}

function compare(before: JsonValue, after: JsonValue, walk: Walk): void {
  const { differences, rules, place } = walk;
  if (differences.isFull || isIgnored(walk)) return;
  const { kind } = before;
  if (kind !== after.kind) return add(walk, 'changed', before, after);
  if (kind === 'object') return compareMembers(before, after, walk);
  if (kind === 'list') {
    const unordered = rules.unordered.find(({ at }) => isPlace(at, place));
    return unordered === undefined ? compareItems(before, after, walk) : compareUnordered(before, after, unordered, walk);
  }
  if (!isSameScalar(before, after, rules)) add(walk, 'changed', before, after);
}

function compareMembers(before: JsonValue, after: JsonValue, walk: Walk): void {
  const ofBefore = byName(before.members() ?? []);
  const ofAfter = byName(after.members() ?? []);
  for (const [name, value] of ofBefore) {
    const other = ofAfter.get(name);
    visit(walk, name, () => (other === undefined ? add(walk, 'removed', value, undefined) : compare(value, other, walk)));
  }
  for (const [name, value] of ofAfter) if (!ofBefore.has(name)) visit(walk, name, () => add(walk, 'added', undefined, value));
}

function compareItems(before: JsonValue, after: JsonValue, walk: Walk): void {
  const ofBefore = before.items() ?? [];
  const ofAfter = after.items() ?? [];
  const length = Math.max(ofBefore.length, ofAfter.length);
  for (let i = 0; i < length && !walk.differences.isFull; i++) {
    const one = ofBefore[i];
    const other = ofAfter[i];
    visit(walk, String(i), () => compareOptional(one, other, walk));
  }
}

/** Places are those of the first list, and of the second for what only that has. Of equal keys each item meets one of the other side. */
function compareUnordered(before: JsonValue, after: JsonValue, { by }: UnorderedList, walk: Walk): void {
  const waiting = new Map<string, { readonly item: JsonValue; readonly index: number }[]>();
  for (const [index, item] of (after.items() ?? []).entries()) {
    const key = toKey(item, by);
    const others = waiting.get(key);
    if (others === undefined) waiting.set(key, [{ item, index }]);
    else others.push({ item, index });
  }
  for (const [index, item] of (before.items() ?? []).entries()) {
    const other = waiting.get(toKey(item, by))?.shift();
    visit(walk, String(index), () => compareOptional(item, other?.item, walk));
  }
  for (const others of waiting.values())
    for (const { item, index } of others) visit(walk, String(index), () => compareOptional(undefined, item, walk));
}

function compareOptional(before: JsonValue | undefined, after: JsonValue | undefined, walk: Walk): void {
  if (before !== undefined && after !== undefined) compare(before, after, walk);
  else if (before !== undefined || after !== undefined) add(walk, before === undefined ? 'added' : 'removed', before, after);
}

function visit(walk: Walk, step: string, run: () => void): void {
  walk.place.push(step);
  run();
  walk.place.pop();
}

function add(walk: Walk, kind: Difference['kind'], before: JsonValue | undefined, after: JsonValue | undefined): void {
  if (isIgnored(walk)) return;
  const at = formatPointer(walk.place);
  walk.differences.add({ part: 'body', at, kind, before: before && toText(before), after: after && toText(after) });
}

function isIgnored({ rules, place }: Walk): boolean {
  return rules.ignored.some((pattern) => coversPlace(pattern, place));
}

function isSameScalar(before: JsonValue, after: JsonValue, { hasExactNumbers }: JsonRules): boolean {
  if (before.bytes.equals(after.bytes)) return true;
  if (before.kind === 'string') return before.text === after.text;
  // Beyond what a number of JavaScript can tell apart, only the digits count.
  if (before.kind !== 'number' || hasExactNumbers || isLong(before.text) || isLong(after.text)) return false;
  return Number(before.text) === Number(after.text);
}

/** More digits than a double holds for certain. */
const DIGITS_CERTAIN = 15;

function isLong(text: string): boolean {
  return text.replace(/[eE].*$/, '').replaceAll(/[-.]/g, '').length > DIGITS_CERTAIN;
}

function byName(members: readonly JsonMember[]): Map<string, JsonValue> {
  return new Map(members.map(({ name, value }) => [name.text, value]));
}

/** Equal keys are equal items, whatever the order of their members. */
function toKey(item: JsonValue, by: string | undefined): string {
  const member = by === undefined ? undefined : byName(item.members() ?? []).get(by);
  return toCanonical(member ?? item);
}

function toCanonical(value: JsonValue): string {
  if (value.kind === 'list') return `[${(value.items() ?? []).map(toCanonical).join()}]`;
  if (value.kind !== 'object') return value.kind === 'string' ? JSON.stringify(value.text) : value.text;
  const members = [...byName(value.members() ?? [])].map(([name, member]) => `${JSON.stringify(name)}:${toCanonical(member)}`);
  return `{${members.sort().join()}}`;
}

const SHOWN_BYTES_MAX = 512;

/** As it was written. */
function toText({ bytes }: JsonValue): string {
  return toShown(bytes.toString('utf8', 0, SHOWN_BYTES_MAX));
}
