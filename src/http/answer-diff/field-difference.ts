/** Where the fields of two answers differ. The order of fields with different names means nothing (RFC 9110 §5.3). */
import { type Differences, toShown } from './difference.ts';

/** They change from answer to answer, or tell of one hop, or of the body, which is compared by itself. */
export const ignoredFieldsDefault: readonly string[] = Object.freeze([
  'age',
  'alt-svc',
  'connection',
  'content-length',
  'date',
  'etag',
  'expires',
  'keep-alive',
  'last-modified',
  'ratelimit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'server-timing',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'via',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-request-id',
]);

/** Lists of words of which the order means nothing. */
const sets: ReadonlySet<string> = new Set([
  'accept-ranges',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-expose-headers',
  'allow',
  'cache-control',
  'vary',
]);

export interface FieldRules {
  /** Names in lower case; one that ends with `*` stands for all that begin so. */
  readonly ignored: readonly string[];
}

/** Names in lower case and values, alternating. */
export function findFieldDifferences(
  before: readonly string[],
  after: readonly string[],
  { ignored }: FieldRules,
  differences: Differences,
): void {
  const ofBefore = collect(before);
  const ofAfter = collect(after);
  const names = [...new Set([...ofBefore.keys(), ...ofAfter.keys()])].sort();
  for (const name of names) {
    if (ignored.some((pattern) => isMeant(pattern, name))) continue;
    const one = ofBefore.get(name);
    const other = ofAfter.get(name);
    if (one !== undefined && other !== undefined && isSame(name, one, other)) continue;
    const kind = one === undefined ? 'added' : other === undefined ? 'removed' : 'changed';
    differences.add({ part: 'field', at: name, kind, before: one && show(name, one), after: other && show(name, other) });
  }
}

function isMeant(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function collect(fields: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    const present = values.get(name);
    if (present === undefined) values.set(name, [fields[i + 1]!]);
    else present.push(fields[i + 1]!);
  }
  return values;
}

function isSame(name: string, before: readonly string[], after: readonly string[]): boolean {
  return toComparable(name, before) === toComparable(name, after);
}

function toComparable(name: string, values: readonly string[]): string {
  // The value of a cookie differs from client to client.
  if (name === 'set-cookie') return toCookieNames(values).join(', ');
  // RFC 9110 §5.3: several lines of a list are one list.
  const joined = values.map((value) => value.trim()).join(', ');
  return sets.has(name) ? toWords(joined).join(', ') : joined;
}

function toWords(list: string): string[] {
  const words = list.split(',').map((word) => word.trim().toLowerCase());
  return [...new Set(words.filter((word) => word !== ''))].sort();
}

function toCookieNames(values: readonly string[]): string[] {
  return values.map((value) => value.split('=', 1)[0]!.trim()).sort();
}

function show(name: string, values: readonly string[]): string {
  return toShown(name === 'set-cookie' ? toCookieNames(values).join(', ') : values.join(', '));
}
