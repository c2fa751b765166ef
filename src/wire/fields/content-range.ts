/** `Content-Range` in bytes (RFC 9110 §14.4): where the part that an answer holds stands in the whole. */
import type { ByteRange } from './byte-ranges.ts';

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i;

export interface ContentRange extends ByteRange {
  readonly wholeBytes: number;
}

/** `undefined`: it is no such field, or does not say how long the whole is. Whoever answers chooses each byte. */
export function parseContentRange(text: string): ContentRange | undefined {
  const match = CONTENT_RANGE.exec(text);
  if (match === null) return undefined;
  const [start, last, wholeBytes] = match.slice(1).map(Number) as [number, number, number];
  return start <= last && last < wholeBytes ? { start, end: last + 1, wholeBytes } : undefined;
}

export function formatContentRange({ start, end, wholeBytes }: ContentRange): string {
  return `bytes ${start}-${end - 1}/${wholeBytes}`;
}
