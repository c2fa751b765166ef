/**
 * JSON Schema 2020-12 by Ajv, made fit for what strangers send. Patterns are matched in linear time, and a check has a limit of
 * steps: schemas that refer to themselves in several alternatives would otherwise take time that doubles with each level.
 */
import { Ajv2020, type FuncKeywordDefinition, type SchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { SchemaValidateFunction } from 'ajv/dist/types/index.js';
import formats from 'ajv-formats';
import { patternLibrary } from '../expression/pattern-library.ts';
import { type CheckResult, tooManySteps } from './check-result.ts';
import { type JsonSchema, LATE_REFERENCE } from './contract.ts';

/** Calls of compiled schemas for one value: so many, and so many more for each byte. */
const STEPS_MIN = 10_000;
const STEPS_PER_BYTE = 2;
/** Errors that are collected at the same time, those of alternatives included: by a listing, and by a check that needs none but those. */
const ERRORS_COLLECTED_MAX = { all: 1_000, first: 10_000 } as const;
/** Numbers such as 0.3 are a multiple of 0.1, whatever binary fractions make of them. */
const MULTIPLE_DIGITS = 9;

const tooManyErrors = Symbol('too many errors');

/** `first`: a check ends at the first fault. Otherwise it lists them, where it can be done. */
type CheckKind = 'first' | 'all';

/** Shared schemas have names, and are compiled when somebody asks for one that needs them. */
export class SchemaLanguage {
  readonly #ajv: Ajv2020;
  readonly #limits: { left: number; readonly errorsMax: number; readonly tooManySteps: symbol; readonly tooManyErrors: symbol };

  constructor(kind: CheckKind) {
    // While alternatives are tried, errors may mean nothing yet: of those, only a listing may have too many.
    const ending = kind === 'all' ? tooManyErrors : tooManySteps;
    this.#limits = { left: 0, errorsMax: ERRORS_COLLECTED_MAX[kind], tooManySteps, tooManyErrors: ending };
    this.#ajv = new Ajv2020({
      strict: false,
      allErrors: kind === 'all',
      // What the control thread has checked need not be checked here.
      validateSchema: false,
      meta: false,
      logger: false,
      ownProperties: true,
      // Each shared schema is compiled once, by itself.
      inlineRefs: false,
      multipleOfPrecision: MULTIPLE_DIGITS,
      code: { regExp: Object.assign(compilePattern, { code: 'compilePattern' }), process: limitCode },
    });
    Object.assign(this.#ajv, { gatehouseLimits: this.#limits });
    addFormats(this.#ajv);
    this.#ajv.addKeyword(this.#lateReference());
    this.#ajv.removeKeyword('uniqueItems');
    // Ajv compares each item with all others.
    this.#ajv.addKeyword({ keyword: 'uniqueItems', type: 'array', schemaType: 'boolean', validate: isUnique, error: notUnique });
  }

  has(name: string): boolean {
    return this.#ajv.schemas[name] !== undefined;
  }

  add(name: string, schema: JsonSchema): void {
    this.#ajv.addSchema(toAjv(schema), name);
  }

  /** Afterwards, whatever refers to it costs only itself. */
  compileShared(name: string): void {
    this.#ajv.getSchema(name);
  }

  compile(schema: JsonSchema): (value: unknown, sizeBytes: number) => CheckResult {
    const check = this.#ajv.compile(toAjv(schema));
    return (value, sizeBytes) => this.#run(check, value, sizeBytes);
  }

  /** Schemas that use each other need not be compiled together: one of them finds the other when a value is there. */
  #lateReference(): FuncKeywordDefinition {
    const known = new Map<string, ValidateFunction>();
    const validate: SchemaValidateFunction = (name: string, value: unknown, _schema, context) => {
      let check = known.get(name);
      if (check === undefined) {
        check = this.#ajv.getSchema(name)!;
        known.set(name, check);
      }
      const isValid = check(value, context) as boolean;
      validate.errors = check.errors ?? [];
      return isValid;
    };
    return { keyword: LATE_REFERENCE, schemaType: 'string', validate, errors: 'full' };
  }

  #run(check: ValidateFunction, value: unknown, sizeBytes: number): CheckResult {
    this.#limits.left = STEPS_MIN + STEPS_PER_BYTE * sizeBytes;
    try {
      return check(value) ? undefined : (check.errors ?? []);
    } catch (thrown) {
      // So many faults that listing them serves nobody.
      if (thrown === tooManyErrors) return [];
      // A schema that asks itself about the same value ends with the stack.
      if (thrown === tooManySteps || thrown instanceof RangeError) return tooManySteps;
      throw thrown;
    }
  }
}

function toAjv(schema: JsonSchema): SchemaObject | boolean {
  return typeof schema === 'boolean' ? schema : { ...schema };
}

/** As CommonJS, the package is a map with the function in it for some loaders and the function for others. */
function addFormats(ajv: Ajv2020): void {
  const loaded: unknown = formats;
  const add = typeof loaded === 'function' ? loaded : (loaded as { readonly default: unknown }).default;
  (add as (to: Ajv2020) => void)(ajv);
}

/** What cannot be matched in linear time has been refused with the document, or is to be skipped. */
function compilePattern(pattern: string): { test(text: string): boolean } {
  try {
    return patternLibrary.module.compile(pattern);
  } catch {
    return { test: () => true };
  }
}

/**
 * Puts limits into the code that Ajv has written. Each function counts as a step, and where errors are collected they are counted;
 * `self` is the instance there. A text of the document that reads like that code would be changed as a text, and run as nothing.
 */
function limitCode(code: string): string {
  return code
    .replace(
      /\{(?:\/\*# sourceURL=.*?\*\/ ?;?)?let vErrors = null;/,
      '$&if(--self.gatehouseLimits.left<0)throw self.gatehouseLimits.tooManySteps;',
    )
    .replaceAll(
      /errors\+\+;|errors = vErrors\.length;/g,
      '$&if(errors>self.gatehouseLimits.errorsMax)throw self.gatehouseLimits.tooManyErrors;',
    );
}

function isUnique(isWanted: boolean, items: readonly unknown[]): boolean {
  return !isWanted || new Set(items.map(toCanonical)).size === items.length;
}

const notUnique = { message: 'must NOT have items that are equal' };

/** The same text for values that are equal (JSON Schema 2020-12 §4.2.2). */
function toCanonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toCanonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${toCanonical(item)}`).join()}}`;
}
