/**
 * Schemas of a document as JSON Schema 2020-12 that stands by itself. Whatever is referred to becomes a shared schema, once. The
 * dialects before 2020-12 (OpenAPI 3.0, drafts 4 to 7) say some things in other words.
 */
import {
  CLOSED_MARK,
  type DeclaredProperties,
  type JsonSchema,
  READ_ONLY_MARK,
  type SchemaUse,
  toSchemaName,
  WRITE_ONLY_MARK,
} from '#pipeline/contract/contract.ts';
import { toLinearPattern } from '#pipeline/contract/linear-pattern.ts';
import { isMap, isText } from '#schema/forms.ts';
import type { Fault, Place } from './document-files.ts';
import { isReference, type References } from './references.ts';

export type Dialect = 'openapi-3.0' | 'legacy' | '2020-12';

export interface ConverterFaults {
  readonly faults: Fault[];
  /** Patterns that cannot be matched in linear time. */
  readonly patternFaults: Fault[];
}

interface SharedUse {
  schema: JsonSchema;
  uses: readonly number[];
  readonly value: unknown;
  readonly place: Place;
}

/** Values as they are. */
const PLAIN_KEYWORDS = [
  'type',
  'enum',
  'const',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxContains',
  'minContains',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
  'format',
  // For answers that are made up.
  'default',
  'example',
  'examples',
];
/** One schema each. Those in the first list speak of another value than the schema around them. */
const INNER_KEYWORDS = ['additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'contains', 'propertyNames'];
const SAME_VALUE_KEYWORDS = ['not', 'if', 'then', 'else'];
const SAME_VALUE_LISTS = ['allOf', 'anyOf', 'oneOf'];
/** What they would do cannot be known before a value is there. */
const UNSUPPORTED_KEYWORDS = ['$dynamicRef', '$recursiveRef'];
const OPENING_KEYWORDS = ['additionalProperties', 'unevaluatedProperties'];
const DEPTH_MAX = 100;
const DECLARATION_VISITS_MAX = 100;

interface Within {
  readonly uses: Set<number>;
  readonly depth: number;
  /** The schema stands for a whole value, and not for one more thing that is asked of it. */
  readonly isWhole: boolean;
}

export class SchemaConverter {
  readonly shared: SharedUse[] = [];
  /** Schemas that are no shared ones, with their places. */
  readonly roots: { readonly schema: JsonSchema; readonly place: Place }[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #waiting: number[] = [];
  readonly #references: References;
  readonly #dialectOf: (file: string) => Dialect;
  readonly #faults: ConverterFaults;

  constructor(references: References, dialectOf: (file: string) => Dialect, faults: ConverterFaults) {
    this.#references = references;
    this.#dialectOf = dialectOf;
    this.#faults = faults;
  }

  /** Its shared schemas are converted by then. */
  convert(value: unknown, place: Place): SchemaUse {
    const uses = new Set<number>();
    const schema = this.#convert(value, place, { uses, depth: 0, isWhole: true });
    this.roots.push({ schema, place });
    for (let number = this.#waiting.pop(); number !== undefined; number = this.#waiting.pop()) this.#convertShared(number);
    return { schema, uses: [...uses] };
  }

  #convertShared(number: number): void {
    const shared = this.shared[number]!;
    const uses = new Set<number>();
    // Whoever refers to it says whether it is closed.
    shared.schema = this.#convert(shared.value, shared.place, { uses, depth: 0, isWhole: false });
    shared.uses = [...uses];
  }

  #convert(value: unknown, place: Place, within: Within): JsonSchema {
    if (typeof value === 'boolean') return value;
    if (!isMap(value)) return this.#fail(place, 'a schema is a map');
    if (within.depth > DEPTH_MAX) return this.#fail(place, `schemas are nested more than ${DEPTH_MAX} levels deep`);
    const dialect = this.#dialectOf(place.file);
    // OpenAPI 3.0 §4.7.23, and JSON Schema before 2019-09: what stands beside a reference is ignored.
    const own = isReference(value) && dialect !== '2020-12' ? {} : this.#convertOwn(value, place, within);
    const schema: Record<string, unknown> = dialect === '2020-12' ? own : modernise(own, value, dialect);
    if (isReference(value)) {
      const number = this.#share(value.$ref, place);
      if (number === undefined) return true;
      within.uses.add(number);
      schema['$ref'] = toSchemaName(number);
    }
    const declared = within.isWhole ? this.#findDeclared(value, place) : undefined;
    if (declared !== undefined) schema[CLOSED_MARK] = declared;
    return schema;
  }

  #convertOwn(value: Readonly<Record<string, unknown>>, place: Place, within: Within): Record<string, unknown> {
    const schema: Record<string, unknown> = {};
    const at = (...steps: (string | number)[]): Place => ({ file: place.file, steps: [...place.steps, ...steps] });
    const inner = { uses: within.uses, depth: within.depth + 1, isWhole: true };
    const same = { ...inner, isWhole: false };
    for (const keyword of PLAIN_KEYWORDS) if (keyword in value) schema[keyword] = value[keyword];
    for (const keyword of UNSUPPORTED_KEYWORDS)
      if (keyword in value) this.#fail(at(keyword), `\`${keyword}\` is not understood; use \`$ref\``);
    for (const keyword of INNER_KEYWORDS)
      if (keyword in value) schema[keyword] = this.#convert(value[keyword], at(keyword), inner);
    for (const keyword of SAME_VALUE_KEYWORDS)
      if (keyword in value) schema[keyword] = this.#convert(value[keyword], at(keyword), same);
    for (const keyword of SAME_VALUE_LISTS)
      if (keyword in value) schema[keyword] = this.#convertList(value[keyword], at(keyword), same);
    if ('prefixItems' in value) schema['prefixItems'] = this.#convertList(value['prefixItems'], at('prefixItems'), inner);
    this.#convertItems(value, place, inner, schema);
    if ('properties' in value) {
      schema['properties'] = this.#convertMap(value['properties'], at('properties'), inner);
      Object.assign(schema, this.#markDirections(value['properties'], at('properties')));
    }
    if ('patternProperties' in value) {
      const converted = this.#convertMap(value['patternProperties'], at('patternProperties'), inner);
      const entries = Object.entries(converted);
      schema['patternProperties'] = Object.fromEntries(
        entries.map(([pattern, item]) => [this.#toPattern(pattern, at('patternProperties', pattern)), item]),
      );
    }
    if ('dependentSchemas' in value)
      schema['dependentSchemas'] = this.#convertMap(value['dependentSchemas'], at('dependentSchemas'), same);
    if ('dependencies' in value) this.#convertDependencies(value['dependencies'], at('dependencies'), same, schema);
    if (isText(value['pattern'])) schema['pattern'] = this.#toPattern(value['pattern'], at('pattern'));
    else if ('pattern' in value) this.#fail(at('pattern'), 'a pattern is a text');
    return schema;
  }

  /** Before 2020-12, `items` could be a list and `additionalItems` what follows it. */
  #convertItems(value: Readonly<Record<string, unknown>>, place: Place, within: Within, schema: Record<string, unknown>): void {
    const at = (step: string): Place => ({ file: place.file, steps: [...place.steps, step] });
    if (!Array.isArray(value['items'])) {
      if ('items' in value) schema['items'] = this.#convert(value['items'], at('items'), within);
      return;
    }
    schema['prefixItems'] = this.#convertList(value['items'], at('items'), within);
    if ('additionalItems' in value) schema['items'] = this.#convert(value['additionalItems'], at('additionalItems'), within);
  }

  #convertDependencies(value: unknown, place: Place, within: Within, schema: Record<string, unknown>): void {
    if (!isMap(value)) return void this.#fail(place, '`dependencies` is a map');
    const lists = Object.entries(value).filter(([, item]) => Array.isArray(item));
    const schemas = Object.entries(value).filter(([, item]) => !Array.isArray(item));
    if (lists.length > 0) schema['dependentRequired'] = Object.fromEntries(lists);
    if (schemas.length > 0) schema['dependentSchemas'] = this.#convertMap(Object.fromEntries(schemas), place, within);
  }

  #convertMap(value: unknown, place: Place, within: Within): Record<string, JsonSchema> {
    if (!isMap(value)) {
      this.#fail(place, 'expected a map of schemas');
      return {};
    }
    const entries = Object.entries(value).map(([name, item]): [string, JsonSchema] => [
      name,
      this.#convert(item, { file: place.file, steps: [...place.steps, name] }, within),
    ]);
    return Object.fromEntries(entries);
  }

  #convertList(value: unknown, place: Place, within: Within): JsonSchema[] {
    if (!Array.isArray(value) || value.length === 0) {
      this.#fail(place, 'expected a list of schemas');
      return [true];
    }
    return value.map((item: unknown, i) => this.#convert(item, { file: place.file, steps: [...place.steps, i] }, within));
  }

  /** Which properties only answers, or only requests, have. */
  #markDirections(properties: unknown, place: Place): Record<string, readonly string[]> {
    if (!isMap(properties)) return {};
    const names = (keyword: string) =>
      Object.entries(properties)
        .filter(([name, item]) => this.#says(keyword, item, { file: place.file, steps: [...place.steps, name] }))
        .map(([name]) => name);
    const [readOnly, writeOnly] = [names('readOnly'), names('writeOnly')];
    return {
      ...(readOnly.length > 0 && { [READ_ONLY_MARK]: readOnly }),
      ...(writeOnly.length > 0 && { [WRITE_ONLY_MARK]: writeOnly }),
    };
  }

  #says(keyword: string, schema: unknown, place: Place): boolean {
    if (isMap(schema) && schema[keyword] === true) return true;
    if (!isReference(schema)) return false;
    const located = this.#references.follow(schema, place);
    return located !== undefined && isMap(located.value) && located.value[keyword] === true;
  }

  /**
   * The properties that are declared, here or in what else is asked of the same value; `undefined` where none are, or where others
   * are expressly allowed.
   */
  #findDeclared(schema: unknown, place: Place): DeclaredProperties | undefined {
    const names = new Set<string>();
    const patterns = new Set<string>();
    const waiting = [{ value: schema, place }];
    for (let visits = 0; visits < DECLARATION_VISITS_MAX; visits++) {
      const next = waiting.pop();
      if (next === undefined) return names.size === 0 ? undefined : { names: [...names], patterns: [...patterns] };
      const located = this.#references.follow(next.value, next.place);
      if (located === undefined || !isMap(located.value)) continue;
      const { value } = located;
      if (OPENING_KEYWORDS.some((keyword) => keyword in value && value[keyword] !== false)) return undefined;
      for (const name of Object.keys(isMap(value['properties']) ? value['properties'] : {})) names.add(name);
      for (const pattern of Object.keys(isMap(value['patternProperties']) ? value['patternProperties'] : {}))
        patterns.add(toLinearOrSame(pattern));
      const { file, steps } = located.place;
      for (const keyword of [...SAME_VALUE_LISTS, 'then', 'else']) {
        const inner = value[keyword];
        const items = Array.isArray(inner) ? (inner as unknown[]) : inner === undefined ? [] : [inner];
        waiting.push(...items.map((item, i) => ({ value: item, place: { file, steps: [...steps, keyword, i] } })));
      }
    }
    return undefined;
  }

  #toPattern(pattern: string, place: Place): string {
    const reading = toLinearPattern(pattern);
    if ('value' in reading) return reading.value;
    const list = reading.isPattern ? this.#faults.patternFaults : this.#faults.faults;
    list.push({ place, message: reading.problem });
    return pattern;
  }

  #share(reference: string, place: Place): number | undefined {
    const at = { file: place.file, steps: [...place.steps, '$ref'] };
    const target = this.#references.find(reference, at);
    // One that leads in a circle stands for nothing.
    if (target === undefined || this.#references.follow(target.value, target.place) === undefined) return undefined;
    const key = JSON.stringify([target.place.file, ...target.place.steps]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.shared.length;
    this.#numbers.set(key, number);
    this.shared.push({ schema: true, uses: [], ...target });
    this.#waiting.push(number);
    return number;
  }

  #fail(place: Place, message: string): JsonSchema {
    this.#faults.faults.push({ place, message });
    return true;
  }
}

/** What is wrong with it is said where it stands. */
function toLinearOrSame(pattern: string): string {
  const reading = toLinearPattern(pattern);
  return 'value' in reading ? reading.value : pattern;
}

/** What was said in other words before. `written`: the schema as it stands in the document. */
function modernise(
  schema: Record<string, unknown>,
  written: Readonly<Record<string, unknown>>,
  dialect: Dialect,
): Record<string, unknown> {
  for (const [exclusive, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (schema[exclusive] === true) {
      schema[exclusive] = schema[limit];
      delete schema[limit];
    }
    if (typeof schema[exclusive] !== 'number') delete schema[exclusive];
  }
  return dialect === 'openapi-3.0' && written['nullable'] === true ? toNullable(schema) : schema;
}

function toNullable(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, enum: values } = schema;
  // Without a type it says nothing (OpenAPI 3.0.3), but whoever writes it means it.
  if (!isText(type)) return Object.keys(schema).length === 0 ? schema : { anyOf: [{ type: 'null' }, schema] };
  const allowsNull = Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {};
  return { ...schema, type: [type, 'null'], ...allowsNull };
}
