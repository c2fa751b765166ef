/**
 * The schemas of one contract as they are for requests or for answers, compiled when they are first needed. Compiling is done
 * in steps, so that a thread with a large document goes on serving.
 */
import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Clock } from '#base/clock.ts';
import { runInSlices } from '#base/slices.ts';
import { type CheckResult, tooManySteps } from './check-result.ts';
import {
  CLOSED_MARK,
  type DeclaredProperties,
  type JsonSchema,
  LATE_REFERENCE,
  READ_ONLY_MARK,
  type SchemaUse,
  type SharedSchema,
  toSchemaLine,
  toSchemaName,
  WRITE_ONLY_MARK,
} from './contract.ts';
import type { ContractImage } from './contract-image.ts';
import type { SchemaLanguage } from './schema-language.ts';
import { schemaLibrary } from './schema-library.ts';

export interface SchemaForm {
  readonly direction: 'request' | 'answer';
  /** Objects may have no properties but those that are declared. */
  readonly isClosed: boolean;
}

type Check = (value: unknown, sizeBytes: number) => CheckResult;

export class SchemaSet {
  readonly #image: ContractImage;
  readonly #form: SchemaForm;
  readonly #clock: Clock;
  /** Says whether there is a fault; the other lists all. The second is made for the first value that has one. */
  readonly #first: CompiledSchemas;
  #all: CompiledSchemas | undefined = undefined;

  constructor(image: ContractImage, form: SchemaForm, clock: Clock) {
    this.#image = image;
    this.#form = form;
    this.#clock = clock;
    this.#first = new CompiledSchemas(image, form, new schemaLibrary.module('first'));
  }

  isReady(use: SchemaUse): boolean {
    return this.#first.isReady(use);
  }

  prepare(use: SchemaUse): Promise<void> {
    return runInSlices(this.#first.prepare(use), this.#clock);
  }

  /** The same for whoever has turns of his own to do it in. */
  prepareInSteps(use: SchemaUse): Generator<undefined, void, void> {
    return this.#first.prepare(use);
  }

  /** Whether a value is as it should be; only asked of what is ready. */
  isValid(use: SchemaUse, value: unknown, sizeBytes: number): boolean | typeof tooManySteps {
    const result = this.#first.check(use, value, sizeBytes);
    return result === tooManySteps ? result : result === undefined;
  }

  /** The first fault, without waiting; for alternatives, those of all of them. */
  findFirstFault(use: SchemaUse, value: unknown, sizeBytes: number): CheckResult {
    return this.#first.check(use, value, sizeBytes);
  }

  /** What is wrong with a value that is not valid. */
  async listFaults(use: SchemaUse, value: unknown, sizeBytes: number): Promise<readonly ErrorObject[] | typeof tooManySteps> {
    const language = schemaLibrary.module;
    this.#all ??= new CompiledSchemas(this.#image, this.#form, new language('all'));
    if (!this.#all.isReady(use)) await runInSlices(this.#all.prepare(use), this.#clock);
    const all = this.#all.check(use, value, sizeBytes);
    if (all !== undefined && all !== tooManySteps && all.length > 0) return all;
    // Too many to be listed: the first one says something too.
    return this.#first.check(use, value, sizeBytes) ?? [];
  }
}

class CompiledSchemas {
  readonly #image: ContractImage;
  readonly #form: SchemaForm;
  readonly #language: SchemaLanguage;
  /** Names of those that are there with all that they use. */
  readonly #complete = new Set<string>();
  readonly #checks = new WeakMap<SchemaUse, Check>();

  constructor(image: ContractImage, form: SchemaForm, language: SchemaLanguage) {
    this.#image = image;
    this.#form = form;
    this.#language = language;
  }

  isReady(use: SchemaUse): boolean {
    return this.#checks.has(use);
  }

  /** Yields between schemas. */
  *prepare(use: SchemaUse): Generator<undefined, void, void> {
    for (const name of yield* this.#addAll(use.uses)) {
      this.#language.compileShared(name);
      yield;
    }
    this.#checks.set(use, this.#language.compile(shapeSchema(use.schema, this.#form)));
  }

  /** Names of those that are new. What one of them uses comes before it, so that compiling each costs only itself. */
  *#addAll(numbers: readonly number[]): Generator<undefined, readonly string[], void> {
    const added: string[] = [];
    const seen = new Set<string>();
    // Depth first, without recursion: how deep a document's schemas refer to each other is not ours to say.
    const path = [{ name: '', rest: [...numbers] }];
    // What would lead back is looked up late, so that schemas which use each other are not compiled in one piece.
    const open = new Set<string>();
    const lookUpLate = this.#image.index.asksForEvaluated ? undefined : open;
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const number = step.rest.pop();
      if (number === undefined) {
        path.pop();
        open.delete(step.name);
        if (path.length > 0) added.push(step.name);
        continue;
      }
      const name = toSchemaName(number);
      if (this.#complete.has(name) || seen.has(name)) continue;
      seen.add(name);
      const { schema, uses } = this.#image.read<SharedSchema>(toSchemaLine(number));
      // Somebody else may be on the way to the same.
      open.add(name);
      if (!this.#language.has(name)) this.#language.add(name, shapeSchema(schema, this.#form, lookUpLate));
      path.push({ name, rest: [...uses] });
      yield;
    }
    for (const name of added) this.#complete.add(name);
    return added;
  }

  check(use: SchemaUse, value: unknown, sizeBytes: number): CheckResult {
    return this.#checks.get(use)!(value, sizeBytes);
  }
}

/** What the marks of a schema ask for in one direction. */
function shapeSchema(schema: JsonSchema, form: SchemaForm, late?: ReadonlySet<string>): JsonSchema {
  return shapeValue(schema, form, late) as JsonSchema;
}

function shapeValue(value: unknown, form: SchemaForm, late: ReadonlySet<string> | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => shapeValue(item, form, late));
  if (typeof value !== 'object' || value === null) return value;
  const { [CLOSED_MARK]: closes, [READ_ONLY_MARK]: readOnly, [WRITE_ONLY_MARK]: writeOnly, ...rest } = value as Marked;
  const shaped: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(rest)) shaped[key] = shapeValue(item, form, late);
  const { $ref } = shaped;
  if (typeof $ref === 'string' && late?.has($ref)) {
    delete shaped['$ref'];
    shaped[LATE_REFERENCE] = $ref;
  }
  const foreign = form.direction === 'request' ? readOnly : writeOnly;
  if (foreign !== undefined) leaveOut(shaped, foreign, form.direction === 'answer' || form.isClosed);
  return closes !== undefined && form.isClosed ? { allOf: [shaped, toClosed(closes)] } : shaped;
}

interface Marked {
  readonly [CLOSED_MARK]?: DeclaredProperties;
  readonly [READ_ONLY_MARK]?: readonly string[];
  readonly [WRITE_ONLY_MARK]?: readonly string[];
}

function toClosed({ names, patterns }: DeclaredProperties): JsonSchema {
  const allowed = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, true]));
  return { properties: allowed(names), patternProperties: allowed(patterns), additionalProperties: false };
}

/** Properties of the other direction: they are not asked for, and perhaps refused. */
function leaveOut(schema: Record<string, unknown>, names: readonly string[], isRefused: boolean): void {
  const { required, properties } = schema;
  if (Array.isArray(required)) schema['required'] = required.filter((name) => !names.includes(name));
  if (!isRefused) return;
  const refused = names.map((name) => [name, false]);
  schema['properties'] = { ...(properties as object | undefined), ...Object.fromEntries(refused) };
}
