/** A value that a schema allows, made up: always the same for the same schema, and never large. Examples go before all else. */
import { type JsonSchema, type SharedSchema, toSchemaName, WRITE_ONLY_MARK } from '#pipeline/contract/contract.ts';

/** Schemas may refer to themselves: deeper, only what has to be there is. */
const DEPTH_MAX = 6;
/** Deeper, nothing is. */
const DEPTH_END = 12;
const VALUES_MAX = 2_000;
const ITEMS_MAX = 10;
const TEXT_LENGTH_MAX = 1_000;

const TEXT = 'text';
/** One of each format that OpenAPI and JSON Schema name. */
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2024-01-01T12:00:00Z',
  date: '2024-01-01',
  time: '12:00:00Z',
  duration: 'P1D',
  email: 'someone@example.com',
  'idn-email': 'someone@example.com',
  hostname: 'www.example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://www.example.com/',
  'uri-reference': '/example',
  iri: 'https://www.example.com/',
  uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  byte: 'dGV4dA==',
  'json-pointer': '/example',
  regex: '^text$',
};

type Schema = Readonly<Record<string, unknown>>;

/** `readShared`: the shared schema with a number. */
export function createSample(schema: JsonSchema, readShared: (number: number) => SharedSchema): unknown {
  return new Sampler(readShared).sample(schema, 0);
}

class Sampler {
  readonly #readShared: (number: number) => SharedSchema;
  #left = VALUES_MAX;

  constructor(readShared: (number: number) => SharedSchema) {
    this.#readShared = readShared;
  }

  /** `undefined`: nothing can be made up. */
  sample(schema: unknown, depth: number): unknown {
    this.#left -= 1;
    if (depth > DEPTH_END || this.#left < 0 || typeof schema !== 'object' || schema === null) return undefined;
    const known = schema as Schema;
    const given = findGiven(known);
    if (given !== undefined) return given;
    const parts = this.#sampleParts(known, depth);
    const own = this.#sampleOwn(known, depth);
    return merge([...parts, own]);
  }

  /** What a reference and alternatives add to it. */
  #sampleParts(schema: Schema, depth: number): unknown[] {
    const { $ref, allOf, oneOf, anyOf } = schema;
    const parts: unknown[] = [];
    // Examples of what is referred to count as one's own.
    if (typeof $ref === 'string') parts.push(this.sample(this.#readShared(toNumber($ref)).schema, depth + 1));
    if (Array.isArray(allOf)) parts.push(...allOf.map((part: unknown) => this.sample(part, depth + 1)));
    for (const list of [oneOf, anyOf]) if (Array.isArray(list)) parts.push(this.sample(chooseAlternative(list), depth + 1));
    return parts;
  }

  #sampleOwn(schema: Schema, depth: number): unknown {
    switch (toType(schema)) {
      case 'object':
        return this.#sampleObject(schema, depth);
      case 'array':
        return this.#sampleArray(schema, depth);
      case 'string':
        return sampleText(schema);
      case 'integer':
        return sampleNumber(schema, 1);
      case 'number':
        return sampleNumber(schema, 0);
      case 'boolean':
        return true;
      case 'null':
        return null;
      default:
        return undefined;
    }
  }

  #sampleObject(schema: Schema, depth: number): Record<string, unknown> {
    const { properties, required, [WRITE_ONLY_MARK]: writeOnly } = schema;
    const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
    const entries = Object.entries((properties ?? {}) as object)
      .filter(([name]) => depth < DEPTH_MAX || isRequired(name))
      .filter(([name]) => !(Array.isArray(writeOnly) && writeOnly.includes(name)))
      .map(([name, property]): [string, unknown] => [name, this.sample(property, depth + 1)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  #sampleArray(schema: Schema, depth: number): unknown[] {
    const { items, prefixItems, minItems, maxItems } = schema;
    const first = Array.isArray(prefixItems) ? prefixItems.map((item: unknown) => this.sample(item, depth + 1)) : [];
    const wanted = typeof minItems === 'number' ? minItems : depth < DEPTH_MAX && items !== undefined ? 1 : 0;
    const most = typeof maxItems === 'number' ? Math.min(maxItems, ITEMS_MAX) : ITEMS_MAX;
    while (first.length < Math.min(wanted, most)) {
      const item = this.sample(items, depth + 1);
      if (item === undefined) break;
      first.push(item);
    }
    return first;
  }
}

/** A value that the schema gives itself. */
function findGiven(schema: Schema): unknown {
  const { example, examples, default: standard, const: only, enum: values } = schema;
  if (example !== undefined) return example;
  if (Array.isArray(examples) && examples.length > 0) return examples[0] as unknown;
  if (only !== undefined) return only;
  if (standard !== undefined) return standard;
  return Array.isArray(values) ? (values[0] as unknown) : undefined;
}

/** Null is a poor example. */
function chooseAlternative(list: readonly unknown[]): unknown {
  return list.find((item) => typeof item === 'object' && item !== null && (item as Schema)['type'] !== 'null') ?? list[0];
}

function toType(schema: Schema): unknown {
  const { type, properties, items } = schema;
  if (Array.isArray(type)) return (type as unknown[]).find((one) => one !== 'null') ?? type[0];
  if (type !== undefined) return type;
  return properties !== undefined ? 'object' : items !== undefined ? 'array' : undefined;
}

function sampleText({ format, minLength, maxLength }: Schema): string {
  const text = (typeof format === 'string' ? FORMATS[format] : undefined) ?? TEXT;
  const least = typeof minLength === 'number' ? Math.min(minLength, TEXT_LENGTH_MAX) : 0;
  const padded = text.padEnd(least, TEXT);
  return typeof maxLength === 'number' ? padded.slice(0, maxLength) : padded;
}

/** The nearest to 1 that is allowed. `step`: what is added to a limit that is itself not allowed. */
function sampleNumber(schema: Schema, step: number): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const gap = step === 0 ? 0.5 : step;
  let value = 1;
  if (typeof minimum === 'number') value = Math.max(value, minimum);
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) value = exclusiveMinimum + gap;
  if (typeof maximum === 'number') value = Math.min(value, maximum);
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) value = exclusiveMaximum - gap;
  return typeof multipleOf === 'number' && multipleOf > 0 ? Math.ceil(value / multipleOf) * multipleOf : value;
}

/** Objects together; of anything else, the last one that there is. */
function merge(parts: readonly unknown[]): unknown {
  const present = parts.filter((part) => part !== undefined);
  const isObject = (part: unknown): part is object => typeof part === 'object' && part !== null && !Array.isArray(part);
  return present.length > 1 && present.every(isObject) ? Object.assign({}, ...present) : present.at(-1);
}

function toNumber(reference: string): number {
  return Number(reference.slice(toSchemaName(0).length - 1));
}
