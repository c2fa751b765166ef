/** One status such as 404, or a class of them such as `4xx`. */
import { z } from 'zod';
import { forms, isText } from './forms.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

/** From `first` to `last`. */
export interface StatusPattern {
  readonly first: number;
  readonly last: number;
}

const CLASS = /^([1-5])xx$/i;
const ONE = /^[1-5][0-9]{2}$/;

export function readStatusPattern(text: string): Reading<StatusPattern> {
  const hundreds = CLASS.exec(text)?.[1];
  if (hundreds !== undefined) return { value: { first: Number(hundreds) * 100, last: Number(hundreds) * 100 + 99 } };
  if (ONE.test(text)) return { value: { first: Number(text), last: Number(text) } };
  return { problem: `${quote(text)} is no status; write one such as \`404\`, or a class such as \`4xx\`` };
}

export function statusPattern(): z.ZodType<StatusPattern, string | number> {
  return forms('a status such as 404, or a class such as `4xx`', [
    { isMeant: isText, schema: statusText() },
    { isMeant: (value) => typeof value === 'number', schema: z.int().min(100).max(599).transform((status) => ({ first: status, last: status })) },
  ]);
}

/** As the key of a map, where numbers are texts. */
export function statusText(): z.ZodType<StatusPattern, string> {
  return textKind({
    noun: 'a status',
    examples: ['404', '5xx'],
    help: 'A status such as 404, or a class such as `4xx`.',
    read: readStatusPattern,
  });
}

export function matchesStatus({ first, last }: StatusPattern, status: number): boolean {
  return status >= first && status <= last;
}
