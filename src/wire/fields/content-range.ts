/** `Content-Range` in bytes (RFC 9110 §14.4): where the part that an answer holds stands in the whole. */
import type { ByteRange } from './byte-ranges.ts';

export interface ContentRange extends ByteRange {
  readonly wholeBytes: number;
}

export function formatContentRange({ start, end, wholeBytes }: ContentRange): string {
  return `bytes ${start}-${end - 1}/${wholeBytes}`;
}
