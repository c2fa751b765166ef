/** What a request makes its answer depend on (RFC 9110 §13), for whoever has the representation and its validators. */
import { isWeakTag, listsTag } from './entity-tags.ts';
import { getField, getFieldValues } from './field-list.ts';
import { parseHttpDate } from './http-dates.ts';

export interface Validators {
  /** With its quotes, and `W/` before them if it is weak. */
  readonly tag: string;
  /** Seconds since 1970. */
  readonly modifiedSeconds: number;
}

/** `failed`: 412. `not-modified`: 304. */
export type PreconditionOutcome = 'met' | 'failed' | 'not-modified';

/** Of a GET or HEAD whose representation is there, in the order of RFC 9110 §13.2.2. */
export function checkPreconditions(fields: readonly string[], validators: Validators, nowMs: number): PreconditionOutcome {
  if (!isConditional(fields)) return 'met';
  const match = getList(fields, 'if-match');
  if (match !== undefined) {
    if (!listsTag(match, validators.tag, 'strong')) return 'failed';
  } else {
    const unmodifiedSince = getDate(fields, 'if-unmodified-since', nowMs);
    if (unmodifiedSince !== undefined && validators.modifiedSeconds > unmodifiedSince) return 'failed';
  }
  const noneMatch = getList(fields, 'if-none-match');
  if (noneMatch !== undefined) return listsTag(noneMatch, validators.tag, 'weak') ? 'not-modified' : 'met';
  const modifiedSince = getDate(fields, 'if-modified-since', nowMs);
  return modifiedSince !== undefined && validators.modifiedSeconds <= modifiedSince ? 'not-modified' : 'met';
}

/** Whether `If-Range` lets a part of the representation be sent (RFC 9110 §13.1.5): its validator must be strong, and the same. */
export function allowsRange(fields: readonly string[], { tag, modifiedSeconds }: Validators, nowMs: number): boolean {
  const condition = getField(fields, 'if-range');
  if (condition === undefined) return true;
  if (condition.includes('"')) return !isWeakTag(condition) && condition === tag;
  // RFC 9110 §8.8.2.2: a date is weak for as long as a change within its second would not show; so is the tag then.
  return !isWeakTag(tag) && parseHttpDate(condition, nowMs) === modifiedSeconds;
}

function isConditional(fields: readonly string[]): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.startsWith('if-')) return true;
  return false;
}

function getList(fields: readonly string[], name: string): string | undefined {
  const values = getFieldValues(fields, name);
  return values.length === 0 ? undefined : values.join(',');
}

/** A date that is none, or one of several, counts as not there. */
function getDate(fields: readonly string[], name: string, nowMs: number): number | undefined {
  const [value, ...others] = getFieldValues(fields, name);
  return value === undefined || others.length > 0 ? undefined : parseHttpDate(value, nowMs);
}
