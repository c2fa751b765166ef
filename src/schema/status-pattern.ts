/** One status such as 404, or a class of them such as `4xx`. */
import { quote } from './quote.ts';
import type { Reading } from './text-kind.ts';

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

export function matchesStatus({ first, last }: StatusPattern, status: number): boolean {
  return status >= first && status <= last;
}

/** One status goes before its class. */
export function byNarrowness(left: StatusPattern, right: StatusPattern): number {
  return left.last - left.first - (right.last - right.first);
}
