/**
 * A head (or trailer section) as text, for what is kept of it, and as the bytes it came in, for what is checked: reading a
 * byte is faster than reading a character (`bench/codec.ts`). Both go on with CRLF behind `end`.
 */
export interface HeadSource {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Where the text's first character stands in `bytes`. */
  readonly base: number;
  /** Where the empty line begins in the text. */
  readonly end: number;
}

/** Nearly every head is shorter; so a body behind it is not made into text with it. */
const FIRST_LOOK_BYTES = 2048;

/** The head that begins at `start`, if its empty line is there within the limit. */
export function findHead(bytes: Buffer, start: number, end: number, headBytesMax: number): HeadSource | undefined {
  const last = Math.min(end, start + headBytesMax);
  const firstLook = Math.min(last, start + FIRST_LOOK_BYTES);
  const text = bytes.latin1Slice(start, firstLook);
  const terminator = text.indexOf('\r\n\r\n');
  if (terminator >= 0) return { text, bytes, base: start, end: terminator + 2 };
  if (firstLook === last) return undefined;
  const whole = bytes.latin1Slice(start, last);
  const later = whole.indexOf('\r\n\r\n', FIRST_LOOK_BYTES - 3);
  return later < 0 ? undefined : { text: whole, bytes, base: start, end: later + 2 };
}

/** Collected text that ends in its empty line; or that does not, and then reading it fails and the fault says how. */
export function toHeadSource(text: string, endsInEmptyLine: boolean): HeadSource {
  const terminated = endsInEmptyLine ? text : `${text}\r\n\r\n`;
  return {
    text: terminated,
    bytes: Buffer.from(terminated, 'latin1'),
    base: 0,
    end: endsInEmptyLine ? text.length - 2 : text.length,
  };
}
