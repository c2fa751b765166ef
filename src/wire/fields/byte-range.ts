/** `Range` and `Content-Range` in bytes (RFC 9110 §14). Whoever wrote them chooses each byte. */

export interface ByteRange {
  readonly first: number;
  /** The last byte itself, not the one behind it. */
  readonly last: number;
}

/**
 * The one range that is asked for of `wholeBytes`. `undefined`: several, or something else, so that all is sent (§14.2 allows it, and
 * many small ranges are an old way to have much sent). `unsatisfiable`: nothing of it is there.
 */
export function readRange(text: string, wholeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(text);
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '') return to === '' ? undefined : toSuffix(Number(to), wholeBytes);
  const first = Number(from);
  const last = to === '' ? wholeBytes - 1 : Math.min(Number(to), wholeBytes - 1);
  // A range that ends before it begins is none.
  if (to !== '' && Number(to) < first) return undefined;
  return first >= wholeBytes ? 'unsatisfiable' : { first, last };
}

function toSuffix(bytes: number, wholeBytes: number): ByteRange | 'unsatisfiable' {
  if (bytes === 0 || wholeBytes === 0) return 'unsatisfiable';
  return { first: Math.max(0, wholeBytes - bytes), last: wholeBytes - 1 };
}

export interface ContentRange extends ByteRange {
  readonly wholeBytes: number;
}

/** `undefined`: it is another unit, malformed, or does not tell how long the whole is. */
export function readContentRange(text: string): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(text);
  if (match === null) return undefined;
  const [first, last, wholeBytes] = match.slice(1).map(Number) as [number, number, number];
  return first <= last && last < wholeBytes ? { first, last, wholeBytes } : undefined;
}

export function formatContentRange({ first, last, wholeBytes }: ContentRange): string {
  return `bytes ${first}-${last}/${wholeBytes}`;
}
