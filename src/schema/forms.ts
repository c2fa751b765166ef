/**
 * Values that may be written in several forms: a word or a map, one thing or a list. The form is chosen by looking at the
 * value, so that what is wrong inside it is reported there, and not as "matches none of these five shapes".
 */
import { z } from 'zod';
import { explainIssue } from './explain.ts';
import { describeValue } from './quote.ts';

export interface Form<Schema extends z.ZodType = z.ZodType> {
  /** Whether a value is meant to be of this form. It may still be wrong inside. */
  readonly isMeant: (value: unknown) => boolean;
  readonly schema: Schema;
}

export const formProblemCodes = ['wrong-type', 'unknown-key', 'conflict'] as const;

/** What is wrong with a value before any form is looked at, and at which of its keys. */
export interface FormProblem {
  readonly code: (typeof formProblemCodes)[number];
  readonly message: string;
  readonly path: readonly string[];
}

/** Knows the forms of a schema for the JSON Schema, where a function cannot choose. Filled as schemas are declared. */
const formSchemas = new WeakMap<z.core.$ZodType, readonly z.ZodType[]>();

/** A value in one of several forms. `expected` completes "expected …"; `findProblem` looks at the value first. */
export function forms<const Options extends readonly Form[]>(
  expected: string,
  options: Options,
  findProblem: (value: unknown) => FormProblem | undefined = () => undefined,
): z.ZodType<z.output<Options[number]['schema']>, z.input<Options[number]['schema']>> {
  type Input = z.input<Options[number]['schema']>;
  type Output = z.output<Options[number]['schema']>;
  const choose = (value: unknown): Form | undefined => options.find((option) => option.isMeant(value));
  const transform = (value: unknown, payload: z.core.ParsePayload): unknown => {
    if (value === undefined) {
      // Without a message, so that it is made where the key that is missing is known.
      payload.issues.push({ code: 'invalid_type', expected: 'nonoptional', input: value });
      return z.NEVER;
    }
    const form = choose(value);
    const problem = findProblem(value) ?? (form === undefined ? toTypeProblem(expected, value) : undefined);
    if (form !== undefined && problem === undefined) return readForm(form.schema, value, payload);
    if (problem !== undefined) payload.issues.push(toFormIssue(problem, value));
    return z.NEVER;
  };
  // The core's own transform: that of `z.transform` makes a function for each value, which costs as much as all that is done here.
  const chosen = new z.core.$ZodTransform({ type: 'transform', transform });
  const schema = z.pipe(z.custom<unknown>(), chosen) as unknown as z.ZodType<Output, Input>;
  formSchemas.set(
    schema,
    options.map((option: Form) => option.schema),
  );
  return schema;
}

function toTypeProblem(expected: string, value: unknown): FormProblem {
  return { code: 'wrong-type', message: `expected ${expected}, not ${describeValue(value)}`, path: [] };
}

function toFormIssue({ code, message, path }: FormProblem, input: unknown): z.core.$ZodRawIssue {
  return { code: 'custom', message, path: [...path], input, params: { code, pointAt: path.length === 0 ? 'value' : 'key' } };
}

function readForm(schema: z.ZodType, value: unknown, context: z.core.ParsePayload): unknown {
  const result = schema.safeParse(value, { error: explainIssue });
  if (result.success) return result.data;
  // The messages are made already, so all that is handed on is where and what.
  for (const { code, path, message, ...rest } of result.error.issues) {
    context.issues.push({ ...rest, code, path, message, input: value } as z.core.$ZodRawIssue);
  }
  return z.NEVER;
}

/** The schemas of all forms, when the schema has forms. A schema that only got a description still has those of its parent. */
export function listFormSchemas(schema: z.core.$ZodType): readonly z.ZodType[] | undefined {
  const { parent } = schema._zod;
  return formSchemas.get(schema) ?? (parent === undefined ? undefined : listFormSchemas(parent));
}

export const isText = (value: unknown): value is string => typeof value === 'string';

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One thing, or a list of at least one. The result is always a list. */
export function oneOrList<Output, Input>(one: z.ZodType<Output, Input>): z.ZodType<Output[], Input | Input[]> {
  return forms('one value or a list', [
    { isMeant: Array.isArray, schema: z.array(one).min(1) },
    { isMeant: () => true, schema: one.transform((value) => [value]) },
  ]);
}
