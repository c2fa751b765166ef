/** For each way to match a route, a request that matches it: what two tables say of the same request shows what a change means. */
import { sampleRegex } from '#rehearsal/sample-regex.ts';
import type { Candidate } from '#routing/candidate.ts';
import { fits } from '#routing/explanation.ts';
import type { MatchCondition } from '#routing/match-condition.ts';
import type { MatchSubject } from '#routing/route-definition.ts';

/** Stands for any segment. */
const SAMPLE = 'some';

/** `undefined`: none was found, as for some regular expressions. */
export function toWitness(candidate: Candidate, defaultListener: string): MatchSubject | undefined {
  const host = candidate.host?.replace(/^\*/, 'x') ?? 'any.example';
  const asked = {
    listener: defaultListener,
    method: 'GET',
    clientAddress: '192.0.2.1',
    fields: [] as string[],
    query: [] as string[],
  };
  for (const condition of candidate.conditions) satisfy(condition, asked);
  const { fields, query, ...rest } = asked;
  const subject = { ...rest, host, path: toPath(candidate), query: query.join('&'), fields };
  return fits(candidate, subject) ? subject : undefined;
}

/** `GET shop.example.com/orders/x`, as a person would write it. */
export function formatWitness({ method, host, path, query, fields, listener }: MatchSubject, defaultListener: string): string {
  const headers = fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []));
  const extras = [...headers, ...(listener === defaultListener ? [] : [`listener ${listener}`])];
  return `${method} ${host}${path}${query === '' ? '' : `?${query}`}${extras.length === 0 ? '' : ` (${extras.join(', ')})`}`;
}

interface Asked {
  listener: string;
  method: string;
  clientAddress: string;
  readonly fields: string[];
  readonly query: string[];
}

function satisfy(condition: MatchCondition, asked: Asked): void {
  switch (condition.kind) {
    case 'method':
      asked.method = condition.allowed[0] ?? 'GET';
      return;
    case 'listener':
      asked.listener = condition.allowed[0] ?? asked.listener;
      return;
    case 'client-ip':
      asked.clientAddress = (condition.allowed[0] ?? '').replace(/\/\d+$/, '');
      return;
    case 'header':
    case 'query':
    case 'cookie': {
      const { name, test } = condition;
      if (test.wantsAbsence) return;
      const value = test.equals ?? (test.regexSource === undefined ? '1' : sampleRegex(test.regexSource));
      if (condition.kind === 'header') asked.fields.push(name, value);
      else if (condition.kind === 'query') asked.query.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
      else asked.fields.push('cookie', `${name}=${encodeURIComponent(value)}`);
      return;
    }
    default:
      condition satisfies never;
  }
}

function toPath({ path }: Candidate): string {
  if (path.regex !== undefined) return sampleRegex(path.source);
  const segments = path.literals.map((literal) => literal ?? SAMPLE);
  return `/${[...segments, ...(path.isPrefix ? [SAMPLE] : [])].join('/')}`;
}
