/** Preflights of browsers (Fetch §3.2.2): questions about another request. */
import { getField } from '#wire/fields/field-list.ts';

interface AskedRequest {
  readonly method: string;
  readonly fields: readonly string[];
}

/** The method of the request that a preflight asks for; `undefined`: this is no preflight. */
export function findAskedMethod({ method, fields }: AskedRequest): string | undefined {
  if (method !== 'OPTIONS' || getField(fields, 'origin') === undefined) return undefined;
  return getField(fields, 'access-control-request-method');
}
