/** What the resources of the admin API have in common: how they are described, and how they answer. */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { GatewayError } from '#base/errors.ts';
import type { Operator } from './operator.ts';

/** What the audit log is told of a change besides who asked and what came of it. */
export interface Audited {
  before?: string | undefined;
  after?: string | undefined;
}

export interface ApiEnvironment {
  readonly Bindings: { readonly operator: Operator; readonly audited: Audited };
}

export type Api = OpenAPIHono<ApiEnvironment>;

export const ID_LENGTH_MAX = 4096;

const problem = z
  .object({ type: z.string(), title: z.string(), status: z.int(), detail: z.string(), code: z.string() })
  .openapi('Problem');

export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });
export const refusals = {
  default: { description: 'Why not.', content: { 'application/problem+json': { schema: problem } } },
};
export const body = <Schema extends z.ZodType>(schema: Schema) => ({ required: true, content: json(schema) });

/** The library takes what is refused as an exception. */
export function orThrow<Value>(value: Value | GatewayError): Value {
  if (value instanceof GatewayError) throw value;
  return value;
}

/** The library's types know no arrays that are read only. */
export function copy<Value>(value: Value): Mutable<Value> {
  return structuredClone(value) as Mutable<Value>;
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Mutable<Value[Key]> };
