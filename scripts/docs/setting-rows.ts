/** What a JSON Schema says about settings, one row for each that a user can write. */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from '#schema/json-schema.ts';
import { code, toTable } from './markdown-table.ts';

export interface SettingRow {
  /** `listeners.NAME.timeouts.head`; `[]` stands for each element of a list, `NAME` for a name of the user's choice. */
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
}

/** Settings whose insides stand elsewhere. */
export type IsElsewhere = (path: string) => boolean;

/** Every setting below a schema, parents before their children, in the order of the schema. */
export function listSettings(schema: JsonSchema, parent = '', isElsewhere: IsElsewhere = () => false): SettingRow[] {
  const rows = new Map<string, SettingRow>();
  const visit = (node: JsonSchema, path: string): void => {
    const forms = formsOf(node);
    const maps = forms.filter((form) => isSchema(form['properties']));
    for (const form of forms) {
      for (const [name, child, isRequired] of propertiesOf(form)) {
        const childPath = path === '' ? name : `${path}.${name}`;
        // A key that only some forms have is not required: whoever leaves it out writes another form.
        const isInAll = maps.every(({ properties }) => isSchema(properties) && name in properties);
        if (!rows.has(childPath)) rows.set(childPath, toRow(child, childPath, isRequired && isInAll));
        if (!isElsewhere(childPath)) visit(child, childPath);
      }
      const named = form['additionalProperties'];
      if (isSchema(named)) visit(named, `${path}.NAME`);
      const items = form['items'];
      if (isSchema(items)) visit(items, `${path}[]`);
    }
  };
  visit(schema, parent);
  return [...rows.values()];
}

/** The rows as a table. */
export function toSettingTable(rows: readonly SettingRow[]): string {
  return toTable(
    ['Setting', 'Type', 'Default', 'Meaning'],
    rows.map((row) => [code(row.path), row.type, row.default, row.meaning]),
  );
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The ways in which a setting may be written. Of one thing or a list of them, the one thing. */
function formsOf(node: JsonSchema): readonly JsonSchema[] {
  const alternatives = listOf(node['anyOf']).filter(isSchema);
  if (alternatives.length === 0) return [node];
  const single = findSingleForm(alternatives);
  return single === undefined ? alternatives.flatMap(formsOf) : formsOf(single);
}

/** The form that stands alone, where the only other one is a list of it. */
function findSingleForm(alternatives: readonly JsonSchema[]): JsonSchema | undefined {
  const [list, single, ...more] = alternatives;
  if (list === undefined || single === undefined || more.length > 0) return undefined;
  return isDeepStrictEqual(list['items'], single) ? single : undefined;
}

function propertiesOf(form: JsonSchema): (readonly [name: string, child: JsonSchema, isRequired: boolean])[] {
  const { properties } = form;
  if (!isSchema(properties)) return [];
  const required = listOf(form['required']);
  return Object.entries(properties).flatMap(([name, child]) =>
    isSchema(child) ? [[name, child, required.includes(name)] as const] : [],
  );
}

function toRow(node: JsonSchema, path: string, isRequired: boolean): SettingRow {
  return {
    path,
    type: describeType(node),
    default: isRequired ? 'required' : describeDefault(node['default']),
    meaning: String(node['description'] ?? ''),
  };
}

/** A map that may be left out has the defaults of what is in it. */
function describeDefault(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '{}' ? '' : code(text);
}

function describeType(node: JsonSchema): string {
  const alternatives = listOf(node['anyOf']).filter(isSchema);
  const single = findSingleForm(alternatives);
  if (single !== undefined) return `${describeType(single)}; or a list of such`;
  if (alternatives.length > 0) return [...new Set(alternatives.map(describeType))].join('; or ');
  if (node['const'] !== undefined) return code(String(node['const']));
  const words = listOf(node['enum']);
  if (words.length > 0) return words.map((word) => code(String(word))).join(', ');
  // A number or a switch may also be written as a reference; the page says so once.
  const type = listOf(node['type'])[0] ?? node['type'];
  switch (type) {
    case 'array':
      return describeList(node['items']);
    case 'object':
      return isSchema(node['additionalProperties']) ? `map from names to: ${describeType(node['additionalProperties'])}` : 'map';
    case 'integer':
    case 'number':
      return describeNumber(node);
    case 'boolean':
      return `${code('true')} or ${code('false')}`;
    case 'string':
      return describeText(node);
    default:
      return 'anything';
  }
}

function describeList(items: unknown): string {
  return isSchema(items) ? `list of: ${describeType(items)}` : 'list';
}

function describeNumber({ minimum, maximum }: JsonSchema): string {
  return minimum === undefined || maximum === undefined ? 'number' : `number from ${minimum} to ${maximum}`;
}

function describeText({ examples }: JsonSchema): string {
  const shown = listOf(examples).map((example) => code(String(example)));
  return shown.length === 0 ? 'text' : `text such as ${shown.join(', ')}`;
}
