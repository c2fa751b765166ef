/** Changes parameters of a query. What is not changed stays as it was written. */
import { decodeWhole } from '#http/query-parameter.ts';

export interface QueryEdits {
  readonly rename: ReadonlyMap<string, string>;
  /** Names that are taken away, those that are set among them. */
  readonly remove: ReadonlySet<string>;
}

/** What stands in a name that does not belong to it (RFC 3986 §3.4). */
const NOT_IN_NAME = /[^A-Za-z0-9\-._~!$'()*,:@/?]/g;

/** `added`: pairs of names and values that are written at the end; values are encoded already. */
export function editQuery(target: string, { rename, remove }: QueryEdits, added: readonly string[]): string {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question + 1);
  const pairs: string[] = [];
  for (const pair of query === '' ? [] : query.split('&')) {
    const renamed = renamePair(pair, rename);
    if (!remove.has(toName(renamed))) pairs.push(renamed);
  }
  for (let i = 0; i < added.length; i += 2) pairs.push(`${encodeName(added[i]!)}=${added[i + 1]!}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

function renamePair(pair: string, rename: ReadonlyMap<string, string>): string {
  const to = rename.get(toName(pair));
  if (to === undefined) return pair;
  const equals = pair.indexOf('=');
  return encodeName(to) + (equals < 0 ? '' : pair.slice(equals));
}

function toName(pair: string): string {
  const equals = pair.indexOf('=');
  return decodeWhole((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
}

function encodeName(name: string): string {
  return name.toWellFormed().replace(NOT_IN_NAME, encodeURIComponent);
}
