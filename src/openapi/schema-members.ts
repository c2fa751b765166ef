/** Where a path of members and items leads in a schema. Whatever a schema does not rule out may be there. */
import { isMap, isText } from '#schema/forms.ts';
import { below } from './api-document.ts';
import type { Located, References } from './references.ts';

/** Schemas in one another that are looked into: they may contain themselves. */
const DEPTH_MAX = 16;
const INDEX = /^(?:0|[1-9]\d*)$/;

/** `schemas`: each that may describe what is there; none: anything may be. */
export type SchemaSearch =
  | { readonly schemas: readonly Located[] }
  | { readonly unknown: string; readonly known: readonly string[] };

export function findSchemaAt(from: Located, steps: readonly string[], references: References): SchemaSearch {
  let schemas: readonly Located[] = [from];
  for (const step of steps) {
    const all = schemas.flatMap((schema) => listAlternatives(schema, references, 0) ?? []);
    if (all.length === 0) return { schemas: [] };
    const next = all.map((schema) => findStep(schema, step, references));
    const found = next.filter((each) => typeof each === 'object');
    if (found.length === 0) {
      if (next.includes('anything')) return { schemas: [] };
      return { unknown: step, known: [...new Set(all.flatMap(({ value }) => namesOf(value)))] };
    }
    schemas = found;
  }
  return { schemas };
}

/** A member of a map, behind references. */
export function findMember({ value, place }: Located, name: string, references: References): Located | undefined {
  const member = isMap(value) ? value[name] : undefined;
  return member === undefined ? undefined : references.follow(member, below(place, name));
}

/** The schema, and those that it is put together of; `undefined`: it cannot be looked into. */
function listAlternatives(schema: Located, references: References, depth: number): Located[] | undefined {
  const located = references.follow(schema.value, schema.place);
  if (located === undefined || !isMap(located.value) || depth === DEPTH_MAX) return undefined;
  const { value, place } = located;
  const parts = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((key) => {
    const list = value[key];
    return Array.isArray(list) ? list.map((part: unknown, i): Located => ({ value: part, place: below(place, key, i) })) : [];
  });
  const inside = parts.map((part) => listAlternatives(part, references, depth + 1));
  // One that cannot be looked into could hold anything.
  if (inside.includes(undefined)) return undefined;
  const isPlain = isMap(value['properties']) || value['items'] !== undefined || isText(value['type']);
  return [...(isPlain || parts.length === 0 ? [located] : []), ...inside.flatMap((part) => part ?? [])];
}

/** `anything`: the schema does not say; `nothing`: it has none. */
function findStep({ value, place }: Located, step: string, references: References): Located | 'anything' | 'nothing' {
  if (!isMap(value)) return 'anything';
  const { properties, items, type, additionalProperties, patternProperties } = value;
  if (isMap(properties) && properties[step] !== undefined)
    return references.follow(properties[step], below(place, 'properties', step)) ?? 'anything';
  if (INDEX.test(step) && items !== undefined) return references.follow(items, below(place, 'items')) ?? 'anything';
  if (additionalProperties === true || isMap(additionalProperties) || patternProperties !== undefined) return 'anything';
  if (isMap(properties)) return 'nothing';
  const isScalarOrList = isText(type) && type !== 'object';
  return isScalarOrList && !(type === 'array' && INDEX.test(step)) ? 'nothing' : 'anything';
}

function namesOf(schema: unknown): string[] {
  return isMap(schema) && isMap(schema['properties']) ? Object.keys(schema['properties']) : [];
}
