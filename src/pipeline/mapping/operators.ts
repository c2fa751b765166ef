/** What the operators of mappings do with values. What is missing is missing in the result; a value of a wrong kind is a problem. */
import type { JsonName } from '#wire/json/json-name.ts';
import type { MappingRun } from './mapping-run.ts';
import { MadeList, MadeNumber, MadeObject, MadeText, type MappingValue, type ValueMember } from './mapping-value.ts';

type Found = MappingValue | undefined;

/** RFC 8259 §6. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Objects in objects that are flattened; deeper ones stay as they are. */
const FLATTEN_DEPTH_MAX = 16;

export function isThere(value: Found): value is MappingValue {
  return value !== undefined && value.kind !== 'null';
}

/** The members of an object; `undefined` for what is missing, `null` and of another kind, which is a problem. */
function membersOf(run: MappingRun, value: Found, at: string): readonly ValueMember[] | undefined {
  if (!isThere(value)) return undefined;
  const members = value.members();
  if (members === undefined) return run.fail('wrong-kind', at);
  return run.spendItems(members.length, at) ? members : undefined;
}

/** The same for a list. */
export function itemsOf(run: MappingRun, value: Found, at: string): readonly MappingValue[] | undefined {
  if (!isThere(value)) return undefined;
  const items = value.items();
  if (items === undefined) return run.fail('wrong-kind', at);
  return run.spendItems(items.length, at) ? items : undefined;
}

export function pick(run: MappingRun, from: Found, names: readonly JsonName[]): Found {
  const members = membersOf(run, from, '$pick');
  return members && new MadeObject(members.filter((member) => isAmong(member, names)));
}

function isAmong({ name }: ValueMember, names: readonly JsonName[]): boolean {
  for (let i = 0; i < names.length; i++) if (name.isName(names[i]!)) return true;
  return false;
}

/** What has none of the members stays as it was written. */
export function omit(run: MappingRun, from: Found, names: readonly JsonName[]): Found {
  const members = membersOf(run, from, '$omit');
  const kept = members?.filter((member) => !isAmong(member, names));
  return kept === undefined || kept.length === members?.length ? members && from : new MadeObject(kept);
}

export function rename(run: MappingRun, from: Found, names: ReadonlyMap<string, MappingValue>): Found {
  const members = membersOf(run, from, '$rename');
  if (members === undefined || !members.some(({ name }) => names.has(name.text))) return members && from;
  return new MadeObject(members.map(({ name, value }) => ({ name: names.get(name.text) ?? name, value })));
}

/** Of equal names the last counts, at the place of the first. */
export function merge(run: MappingRun, values: readonly Found[]): Found {
  const there = values.filter(isThere);
  if (there.length < 2) return there[0] && membersOf(run, there[0], '$merge') && there[0];
  const byName = new Map<string, ValueMember>();
  for (const value of there) {
    for (const member of membersOf(run, value, '$merge') ?? []) {
      const name = member.name.text;
      byName.set(name, { name: byName.get(name)?.name ?? member.name, value: member.value });
    }
  }
  return new MadeObject([...byName.values()]);
}

export function concat(run: MappingRun, values: readonly Found[]): Found {
  const lists = values.flatMap((value) => {
    const items = itemsOf(run, value, '$concat');
    return items === undefined ? [] : [items];
  });
  return lists.length === 0 ? undefined : new MadeList(lists.flat());
}

/** Lists in a list become part of it; of objects in an object the members do, with joined names. */
export function flatten(run: MappingRun, from: Found, separator: string): Found {
  if (from?.kind !== 'object') {
    const items = itemsOf(run, from, '$flatten');
    return (
      items && new MadeList(items.flatMap((item) => (item.kind === 'list' ? (itemsOf(run, item, '$flatten') ?? []) : [item])))
    );
  }
  const flat: ValueMember[] = [];
  collectFlat(run, from, { prefix: '', separator, depth: 0 }, flat);
  return new MadeObject(flat);
}

interface FlatPlace {
  readonly prefix: string;
  readonly separator: string;
  readonly depth: number;
}

function collectFlat(run: MappingRun, from: MappingValue, { prefix, separator, depth }: FlatPlace, flat: ValueMember[]): void {
  for (const { name, value } of membersOf(run, from, '$flatten') ?? []) {
    const path = `${prefix}${name.text}`;
    if (!run.spendText(path.length, '$flatten')) return;
    if (value.kind === 'object' && depth < FLATTEN_DEPTH_MAX)
      collectFlat(run, value, { prefix: path + separator, separator, depth: depth + 1 }, flat);
    else flat.push({ name: prefix === '' ? name : new MadeText(path), value });
  }
}

/** The text by which things belong together: 1 and "1" are the same. `undefined`: it belongs to nothing. */
function keyOf(run: MappingRun, item: MappingValue, name: JsonName): string | undefined {
  const key = item.find(name, run);
  if (!run.spendSteps(0, name.text)) return undefined;
  return key === undefined || key.kind === 'object' || key.kind === 'list' || key.kind === 'null' ? undefined : key.text;
}

export function group(run: MappingRun, from: Found, by: JsonName): Found {
  const items = itemsOf(run, from, '$group');
  if (items === undefined) return undefined;
  return new MadeObject(
    [...indexBy(run, items, by)].map(([key, grouped]) => ({ name: new MadeText(key), value: new MadeList(grouped) })),
  );
}

function indexBy(run: MappingRun, items: readonly MappingValue[], by: JsonName): Map<string, MappingValue[]> {
  const byKey = new Map<string, MappingValue[]>();
  for (const item of items) {
    const key = keyOf(run, item, by);
    if (key === undefined) continue;
    const others = byKey.get(key);
    if (others === undefined) byKey.set(key, [item]);
    else others.push(item);
  }
  return byKey;
}

export interface JoinRules {
  readonly fromName: JsonName;
  readonly withName: JsonName;
  readonly as: string | undefined;
  readonly isMany: boolean;
}

/** Every item of the first list, with what the other list has for it. */
export function join(run: MappingRun, from: Found, other: Found, { fromName, withName, as, isMany }: JoinRules): Found {
  const items = itemsOf(run, from, '$join');
  if (items === undefined) return undefined;
  const byKey = indexBy(run, itemsOf(run, other, '$join') ?? [], withName);
  const name = as === undefined ? undefined : new MadeText(as);
  const joined = items.map((item) => {
    const key = keyOf(run, item, fromName);
    const found = (key === undefined ? undefined : byKey.get(key)) ?? [];
    if (name === undefined) return merge(run, [item, found[0]]) ?? item;
    const value = isMany ? new MadeList(found) : found[0];
    return value === undefined ? item : (merge(run, [item, new MadeObject([{ name, value }])]) ?? item);
  });
  return new MadeList(joined);
}

/** One item for each key, with the members of all items that have it; items without the key stay by themselves. */
export function mergeBy(run: MappingRun, lists: readonly Found[], by: JsonName): Found {
  const all = itemsOf(run, concat(run, lists), '$mergeBy');
  if (all === undefined) return undefined;
  const places = new Map<string, number>();
  const merged: MappingValue[][] = [];
  for (const item of all) {
    const key = keyOf(run, item, by);
    const place = key === undefined ? undefined : places.get(key);
    if (place !== undefined) {
      merged[place]!.push(item);
      continue;
    }
    if (key !== undefined) places.set(key, merged.length);
    merged.push([item]);
  }
  return new MadeList(merged.map((items) => (items.length === 1 ? items[0]! : (merge(run, items) ?? items[0]!))));
}

export function toText(run: MappingRun, value: Found): Found {
  if (!isThere(value) || value.kind === 'string') return value;
  const { text } = value;
  return run.spendText(text.length, '$text') ? new MadeText(text) : undefined;
}

export function toNumber(run: MappingRun, value: Found): Found {
  if (!isThere(value) || value.kind === 'number') return value;
  const text = value.kind === 'string' ? value.text.trim() : '';
  if (!run.spendText(text.length, '$number')) return undefined;
  return NUMBER.test(text) ? new MadeNumber(text) : run.fail('wrong-kind', '$number');
}

export function count(run: MappingRun, value: Found): Found {
  if (!isThere(value)) return new MadeNumber('0');
  const counted = value.items() ?? value.members();
  if (counted === undefined) return run.fail('wrong-kind', '$count');
  return run.spendSteps(counted.length, '$count') ? new MadeNumber(String(counted.length)) : undefined;
}

/** Whether a value means the same as one of those that a configuration names. */
export function isOneOf(run: MappingRun, value: Found, wanted: readonly MappingValue[]): boolean {
  if (value === undefined) return wanted.some(({ kind }) => kind === 'null');
  const { kind } = value;
  if (!wanted.some((one) => one.kind === kind)) return false;
  const { text } = value;
  if (!run.spendSteps(text.length, 'a condition')) return false;
  return wanted.some(
    (one) => one.kind === kind && (text === one.text || (kind === 'number' && Number(text) === Number(one.text))),
  );
}
