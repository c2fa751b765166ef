/** The JSON Schema of what a user may write, for editors and the reference pages. */
import { z } from 'zod';
import { listFormSchemas } from './forms.ts';

/** A text may be a reference instead of what it should be: that is only known when the configuration is loaded. */
const REFERENCE = '\\$\\{(?:env|file):';
const SCALAR_TYPES = ['integer', 'number', 'boolean'];

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Draft 2020-12 of the input side: durations are strings there, and keys with defaults may be left out. */
export function toInputJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const alternatives = listFormSchemas(zodSchema);
      if (alternatives !== undefined) jsonSchema.anyOf = alternatives.map(toInner);
      admitReferences(jsonSchema);
    },
  });
}

function toInner(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...inner } = toInputJsonSchema(schema);
  return inner;
}

/** Patterns let references pass, and numbers and booleans may be written as one. */
function admitReferences(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const { type, pattern } = jsonSchema;
  if (typeof pattern === 'string' && !pattern.includes(REFERENCE)) jsonSchema.pattern = `${pattern}|${REFERENCE}`;
  if (typeof type !== 'string' || !SCALAR_TYPES.includes(type) || jsonSchema.const !== undefined || jsonSchema.enum !== undefined)
    return;
  // `pattern` constrains only texts, as `minimum` constrains only numbers.
  Object.assign(jsonSchema, { type: [type, 'string'], pattern: REFERENCE });
}
