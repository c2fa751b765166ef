/** Which kinds of values a schema speaks of, for texts such as parameters that do not say themselves what they are. */
import type { JsonType, TextShape } from '#pipeline/contract/contract.ts';
import { isMap, isText } from '#schema/forms.ts';
import type { Place } from './document-files.ts';
import type { References } from './references.ts';

/** A text is an object with lists at most: what is nested deeper is rarely written as one. */
const DEPTH_MAX = 2;
/** References and alternatives that are looked into for one value. */
const VISITS_MAX = 200;

/** Kinds that texts are tried as, in this order; a text as it is comes last. */
const TYPES: readonly JsonType[] = ['integer', 'number', 'boolean', 'null', 'array', 'object', 'string'];

interface Parts {
  readonly types: Set<JsonType>;
  readonly properties: Map<string, { value: unknown; place: Place }>;
  items: { value: unknown; place: Place } | undefined;
  rest: { value: unknown; place: Place } | undefined;
  isNullable: boolean;
}

export function toTextShape(schema: unknown, place: Place, references: References, depth = 0): TextShape {
  const parts: Parts = { types: new Set(), properties: new Map(), items: undefined, rest: undefined, isNullable: false };
  collect(schema, place, references, parts);
  const types = TYPES.filter((type) => parts.types.has(type) || (type === 'null' && parts.isNullable));
  // An empty text is a text; only where there can be none, it stands for nothing.
  const shown = types.includes('string') ? types.filter((type) => type !== 'null') : types;
  if (depth === DEPTH_MAX) return { types: shown };
  const shapeOf = ({ value, place: at }: { value: unknown; place: Place }) => toTextShape(value, at, references, depth + 1);
  const properties = [...parts.properties].map(([name, part]): [string, TextShape] => [name, shapeOf(part)]);
  return {
    types: shown,
    ...(parts.items !== undefined && { items: shapeOf(parts.items) }),
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
    ...(parts.rest !== undefined && { rest: shapeOf(parts.rest) }),
    ...(parts.rest === undefined && properties.length === 0 && types.includes('object') && { rest: { types: [] } }),
  };
}

function collect(schema: unknown, place: Place, references: References, parts: Parts): void {
  const waiting = [{ value: schema, place }];
  for (let visits = 0; visits < VISITS_MAX; visits++) {
    const next = waiting.shift();
    if (next === undefined) return;
    const located = references.follow(next.value, next.place);
    if (located === undefined || !isMap(located.value)) continue;
    const { value: found } = located;
    const inner = (...steps: (string | number)[]): Place => ({
      file: located.place.file,
      steps: [...located.place.steps, ...steps],
    });
    collectTypes(found, parts);
    for (const [name, property] of Object.entries(isMap(found['properties']) ? found['properties'] : {}))
      if (!parts.properties.has(name)) parts.properties.set(name, { value: property, place: inner('properties', name) });
    if (isMap(found['items'])) parts.items ??= { value: found['items'], place: inner('items') };
    const rest = found['additionalProperties'];
    if (isMap(rest) || rest === true) parts.rest ??= { value: rest === true ? {} : rest, place: inner('additionalProperties') };
    for (const key of ['allOf', 'anyOf', 'oneOf']) {
      const list = found[key];
      if (Array.isArray(list)) waiting.push(...list.map((value: unknown, i) => ({ value, place: inner(key, i) })));
    }
  }
}

function collectTypes(schema: Readonly<Record<string, unknown>>, parts: Parts): void {
  const { type, nullable } = schema;
  const named = Array.isArray(type) ? type : [type];
  for (const known of TYPES) if (named.includes(known)) parts.types.add(known);
  if (nullable === true) parts.isNullable = true;
  if (type !== undefined) return;
  // Where no type is given, the values that are allowed have some.
  const values: readonly unknown[] = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : [];
  for (const value of values) parts.types.add(typeOf(value));
  if (isMap(schema['properties'])) parts.types.add('object');
  if (isMap(schema['items'])) parts.types.add('array');
  if (isText(schema['pattern']) || isText(schema['format'])) parts.types.add('string');
}

function typeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object'
    ? 'object'
    : typeof value === 'number'
      ? 'number'
      : typeof value === 'boolean'
        ? 'boolean'
        : 'string';
}
