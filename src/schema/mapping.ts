/**
 * The language that answers and requests are composed in: a JSON value with references in its texts, and operators as maps with one
 * key such as `$pick`. Reads what a user has written, and says at which place it is wrong.
 */
import { z } from 'zod';
import { explainUnknownKey } from './explain.ts';
import { isMap, isText } from './forms.ts';
import type { EachNode, JoinNode, MappingCondition, MappingNode, MappingRoots } from './mapping-node.ts';
import type { ItemNames, MappingPath } from './mapping-reference.ts';
import { readMappingText } from './mapping-text.ts';
import { describeValue, listWords } from './quote.ts';
import { suggestWord } from './suggest.ts';

export interface MappingProblem {
  readonly path: MappingPath;
  readonly message: string;
  /** The key is wrong, and not what stands there. */
  readonly isAboutKey: boolean;
}

export interface MappingRules {
  readonly help: string;
  /** What references may begin with. */
  readonly roots: MappingRoots;
}

/** Mappings deeper than this are mistakes. */
const DEPTH_MAX = 64;
const ITEM_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const ITEM_NAME_DEFAULT = 'item';
const SEPARATOR_DEFAULT = '.';
/** What stands where something is wrong, so that reading goes on. */
const NOTHING: MappingNode = { kind: 'literal', json: 'null' };

interface Place {
  readonly path: MappingPath;
  readonly items: ItemNames;
}

type Settings = Readonly<Record<string, unknown>>;
type ReadOperator = (reader: MappingReader, value: unknown, place: Place) => MappingNode;
type ReadCondition = (reader: MappingReader, condition: Settings, place: Place) => MappingCondition;

const operators: Readonly<Record<string, ReadOperator>> = {
  $pick: (reader, value, place) => readNames(reader, value, place, 'pick'),
  $omit: (reader, value, place) => readNames(reader, value, place, 'omit'),
  $rename: readRename,
  $merge: (reader, value, place) => ({ kind: 'merge', of: reader.readNodes(value, place) }),
  $concat: (reader, value, place) => ({ kind: 'concat', of: reader.readNodes(value, place) }),
  $default: (reader, value, place) => ({ kind: 'default', of: reader.readNodes(value, place) }),
  $flatten: readFlatten,
  $group: readGroup,
  $join: readJoin,
  $mergeBy: readMergeBy,
  $each: readEach,
  $if: readIf,
  $text: (reader, value, place) => ({ kind: 'toText', from: reader.readNode(value, place) }),
  $number: (reader, value, place) => ({ kind: 'toNumber', from: reader.readNode(value, place) }),
  $count: (reader, value, place) => ({ kind: 'count', from: reader.readNode(value, place) }),
  $literal: (reader, value, place) => ({ kind: 'literal', json: reader.writeJson(value, place.path) }),
};

const conditions: Readonly<Record<string, ReadCondition>> = {
  exists: (reader, { exists }, place) => ({ kind: 'exists', value: reader.readNode(exists, inside(place, 'exists')) }),
  value: readComparison,
  not: (reader, { not }, place) => ({ kind: 'not', condition: reader.readCondition(not, inside(place, 'not')) }),
  all: (reader, { all }, place) => ({ kind: 'all', conditions: reader.readConditions(all, inside(place, 'all')) }),
  any: (reader, { any }, place) => ({ kind: 'any', conditions: reader.readConditions(any, inside(place, 'any')) }),
};

/** A mapping. Its references are looked at: unknown ones are mistakes at their place. */
export function mapping({ help, roots }: MappingRules): z.ZodType<MappingNode, unknown> {
  return z
    .unknown()
    .transform((value, context) => {
      if (value === undefined) {
        // Without a message, so that it is made where the key that is missing is known.
        context.issues.push({ code: 'invalid_type', expected: 'nonoptional', input: value });
        return z.NEVER;
      }
      const { node, problems } = readMapping(value, roots);
      for (const { path, message, isAboutKey } of problems) {
        const params = { code: isAboutKey ? 'unknown-key' : 'invalid-value', pointAt: isAboutKey ? 'key' : 'value' };
        context.issues.push({ code: 'custom', path: [...path], message, input: value, params });
      }
      return problems.length === 0 ? node : z.NEVER;
    })
    .describe(help);
}

export function readMapping(
  value: unknown,
  roots: MappingRoots,
): { readonly node: MappingNode; readonly problems: readonly MappingProblem[] } {
  const reader = new MappingReader(roots);
  const node = reader.readNode(value, { path: [], items: [] });
  return { node, problems: reader.problems };
}

function inside(place: Place, ...steps: (string | number)[]): Place {
  return { path: [...place.path, ...steps], items: place.items };
}

class MappingReader {
  readonly problems: MappingProblem[] = [];
  readonly #roots: MappingRoots;

  constructor(roots: MappingRoots) {
    this.#roots = roots;
  }

  refuse(path: MappingPath, message: string, isAboutKey = false): MappingNode {
    this.problems.push({ path, message, isAboutKey });
    return NOTHING;
  }

  readNode(value: unknown, place: Place): MappingNode {
    if (place.path.length > DEPTH_MAX) return this.refuse(place.path, `a mapping is at most ${DEPTH_MAX} levels deep`);
    if (isText(value)) return this.#readText(value, place);
    if (Array.isArray(value)) return { kind: 'list', items: value.map((item, i) => this.readNode(item, inside(place, i))) };
    if (!isMap(value)) return { kind: 'literal', json: this.writeJson(value, place.path) };
    const names = Object.keys(value);
    const operator = names.find((name) => name.startsWith('$') && !name.startsWith('$$'));
    if (operator === undefined) return this.#readMap(value, place);
    return names.length === 1 ? this.#readOperator(operator, value[operator], place) : this.#refuseCompany(operator, place);
  }

  readNodes(value: unknown, place: Place): readonly MappingNode[] {
    if (Array.isArray(value) && value.length > 0) return value.map((item, i) => this.readNode(item, inside(place, i)));
    this.refuse(place.path, `expected a list with at least one entry, not ${describeValue(value)}`);
    return [];
  }

  readCondition(value: unknown, place: Place): MappingCondition {
    const kind = isMap(value) ? Object.keys(conditions).find((name) => Object.hasOwn(value, name)) : undefined;
    if (kind !== undefined && isMap(value)) {
      this.checkKeys(value, place, kind === 'value' ? ['value', 'equals', 'in'] : [kind]);
      return conditions[kind]!(this, value, place);
    }
    this.refuse(
      place.path,
      `expected a condition: a map with ${listWords(Object.keys(conditions))}, not ${describeValue(value)}`,
    );
    return { kind: 'all', conditions: [] };
  }

  readConditions(value: unknown, place: Place): readonly MappingCondition[] {
    if (Array.isArray(value) && value.length > 0) return value.map((item, i) => this.readCondition(item, inside(place, i)));
    this.refuse(place.path, `expected a list of conditions, not ${describeValue(value)}`);
    return [];
  }

  /** The settings of an operator, when they are a map with these keys. */
  readSettings(value: unknown, place: Place, keys: readonly string[]): Settings | undefined {
    if (!isMap(value)) {
      this.refuse(place.path, `expected a map with ${listWords(keys, 'and')}, not ${describeValue(value)}`);
      return undefined;
    }
    this.checkKeys(value, place, keys);
    return value;
  }

  checkKeys(value: Settings, place: Place, known: readonly string[]): void {
    for (const key of Object.keys(value))
      if (!known.includes(key)) this.refuse([...place.path, key], explainUnknownKey(key, known), true);
  }

  readSetting(settings: Settings, key: string, place: Place): MappingNode {
    if (settings[key] === undefined) return this.refuse(place.path, `\`${key}\` is missing`);
    return this.readNode(settings[key], inside(place, key));
  }

  readName(settings: Settings, key: string, place: Place): string {
    const name = settings[key];
    if (isText(name) && name !== '') return name;
    if (name === undefined) this.refuse(place.path, `\`${key}\` is missing`);
    else this.refuse([...place.path, key], `expected the name of a member, not ${describeValue(name)}`);
    return '';
  }

  writeJson(value: unknown, path: MappingPath): string {
    const hasForm = typeof value !== 'number' || Number.isFinite(value);
    // What has no form in JSON, such as a date.
    const json = hasForm ? JSON.stringify(value) : undefined;
    if (json !== undefined) return json;
    this.refuse(path, `${describeValue(value)} has no form in JSON`);
    return 'null';
  }

  #readText(text: string, place: Place): MappingNode {
    const reading = readMappingText(text, { roots: this.#roots, items: place.items, at: place.path });
    if ('problem' in reading) return this.refuse(place.path, reading.problem);
    const { parts } = reading.value;
    const [only] = parts;
    if (parts.length === 1 && only !== undefined && !isText(only)) return { kind: 'reference', reference: only };
    return parts.every(isText)
      ? { kind: 'literal', json: JSON.stringify(parts.join('')) }
      : { kind: 'text', text: reading.value };
  }

  #readMap(value: Settings, place: Place): MappingNode {
    const members = Object.entries(value).map(([name, item]) => ({
      name: name.startsWith('$$') ? name.slice(1) : name,
      node: this.readNode(item, inside(place, name)),
    }));
    return { kind: 'map', members };
  }

  #readOperator(name: string, value: unknown, place: Place): MappingNode {
    const read = Object.hasOwn(operators, name) ? operators[name] : undefined;
    return read === undefined ? this.#refuseOperator(name, place) : read(this, value, inside(place, name));
  }

  #refuseOperator(name: string, place: Place): MappingNode {
    const known = Object.keys(operators);
    const suggestion = suggestWord(name, known);
    const ending = suggestion === undefined ? `known are ${listWords(known, 'and')}` : `did you mean \`${suggestion}\`?`;
    return this.refuse(
      [...place.path, name],
      `unknown operator \`${name}\`; ${ending} Write \`$${name}\` for the name itself`,
      true,
    );
  }

  #refuseCompany(name: string, place: Place): MappingNode {
    const message = `an operator stands alone in its map; write \`$${name}\` where \`${name}\` is the name of a member`;
    return this.refuse([...place.path, name], message, true);
  }
}

function readNames(reader: MappingReader, value: unknown, place: Place, kind: 'pick' | 'omit'): MappingNode {
  const settings = reader.readSettings(value, place, ['from', 'names']);
  if (settings === undefined) return NOTHING;
  const { names } = settings;
  if (!Array.isArray(names) || names.length === 0 || !names.every(isText))
    return reader.refuse(
      [...place.path, ...('names' in settings ? ['names'] : [])],
      `expected \`names\`: a list of names of members, not ${describeValue(names)}`,
    );
  return { kind, from: reader.readSetting(settings, 'from', place), names };
}

function readRename(reader: MappingReader, value: unknown, place: Place): MappingNode {
  const settings = reader.readSettings(value, place, ['from', 'names']);
  if (settings === undefined) return NOTHING;
  const { names } = settings;
  if (!isMap(names) || !Object.values(names).every(isText))
    return reader.refuse(place.path, `expected \`names\`: a map from old names to new ones, not ${describeValue(names)}`);
  return { kind: 'rename', from: reader.readSetting(settings, 'from', place), names: names as Readonly<Record<string, string>> };
}

/** Short: what is flattened; long: with the text between names. */
function readFlatten(reader: MappingReader, value: unknown, place: Place): MappingNode {
  if (!isMap(value) || !('from' in value))
    return { kind: 'flatten', from: reader.readNode(value, place), separator: SEPARATOR_DEFAULT };
  reader.checkKeys(value, place, ['from', 'separator']);
  const { separator = SEPARATOR_DEFAULT } = value;
  if (!isText(separator)) return reader.refuse([...place.path, 'separator'], `expected text, not ${describeValue(separator)}`);
  return { kind: 'flatten', from: reader.readSetting(value, 'from', place), separator };
}

function readGroup(reader: MappingReader, value: unknown, place: Place): MappingNode {
  const settings = reader.readSettings(value, place, ['from', 'by']);
  if (settings === undefined) return NOTHING;
  return { kind: 'group', from: reader.readSetting(settings, 'from', place), by: reader.readName(settings, 'by', place) };
}

function readMergeBy(reader: MappingReader, value: unknown, place: Place): MappingNode {
  const settings = reader.readSettings(value, place, ['lists', 'by']);
  if (settings === undefined) return NOTHING;
  const lists = reader.readNodes(settings['lists'], inside(place, 'lists'));
  return { kind: 'mergeBy', lists, by: reader.readName(settings, 'by', place) };
}

function readJoin(reader: MappingReader, value: unknown, place: Place): MappingNode | JoinNode {
  const settings = reader.readSettings(value, place, ['from', 'with', 'by', 'as', 'many']);
  if (settings === undefined) return NOTHING;
  const { by, many = false } = settings;
  const names = isMap(by) ? by : { from: by, with: by };
  const byPlace = isMap(by) ? inside(place, 'by') : place;
  if (isMap(by)) reader.checkKeys(by, byPlace, ['from', 'with']);
  if (by === undefined) return reader.refuse(place.path, '`by` is missing');
  if (typeof many !== 'boolean')
    return reader.refuse([...place.path, 'many'], `expected \`true\` or \`false\`, not ${describeValue(many)}`);
  const as = settings['as'] === undefined ? undefined : reader.readName(settings, 'as', place);
  if (many && as === undefined)
    return reader.refuse([...place.path, 'many'], '`many` needs `as`: the member that the list is put under');
  return {
    kind: 'join',
    from: reader.readSetting(settings, 'from', place),
    with: reader.readSetting(settings, 'with', place),
    fromName: reader.readName(names, 'from', byPlace),
    withName: reader.readName(names, 'with', byPlace),
    as,
    isMany: many,
  };
}

function readEach(reader: MappingReader, value: unknown, place: Place): MappingNode | EachNode {
  const settings = reader.readSettings(value, place, ['in', 'do', 'as', 'when']);
  if (settings === undefined) return NOTHING;
  const { as = ITEM_NAME_DEFAULT, when } = settings;
  if (!isText(as) || !ITEM_NAME.test(as))
    return reader.refuse([...place.path, 'as'], `expected a name of letters and digits, not ${describeValue(as)}`);
  const withItem = { path: place.path, items: [...place.items, as] };
  return {
    kind: 'each',
    in: reader.readSetting(settings, 'in', place),
    as,
    when: when === undefined ? undefined : reader.readCondition(when, inside(withItem, 'when')),
    do: reader.readSetting(settings, 'do', withItem),
  };
}

function readIf(reader: MappingReader, value: unknown, place: Place): MappingNode {
  const settings = reader.readSettings(value, place, ['when', 'do', 'else']);
  if (settings === undefined) return NOTHING;
  if (settings['when'] === undefined) return reader.refuse(place.path, '`when` is missing');
  return {
    kind: 'if',
    when: reader.readCondition(settings['when'], inside(place, 'when')),
    whenTrue: reader.readSetting(settings, 'do', place),
    otherwise: settings['else'] === undefined ? undefined : reader.readSetting(settings, 'else', place),
  };
}

function readComparison(reader: MappingReader, condition: Settings, place: Place): MappingCondition {
  const { equals, in: among } = condition;
  const value = reader.readNode(condition['value'], inside(place, 'value'));
  const values = Array.isArray(among) ? among : [equals];
  if ((equals === undefined) === (among === undefined) || (among !== undefined && !Array.isArray(among)))
    reader.refuse(place.path, '`value` is compared with one of two: `equals: VALUE`, or `in: [VALUES]`');
  if (values.some((one) => typeof one === 'object' && one !== null))
    reader.refuse(place.path, 'values are compared with texts, numbers, `true`, `false` and `null`');
  return { kind: 'in', value, values: values.map((one) => reader.writeJson(one ?? null, place.path)) };
}
