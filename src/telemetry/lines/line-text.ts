/** Text of strangers as it may stand in a line: ASCII, on one line, and inside its quotes whatever it holds. */
import { isUtf8 } from 'node:buffer';

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NOT_ASCII = /[^\x00-\x7e]/;

/** JSON of which all is ASCII. */
export function toAsciiJson(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Quotes, backslashes, control characters and the bytes of what is not ASCII as `\x22`: what has been written can be read back. */
export function escapeLineText(text: string): string {
  if (PLAIN.test(text)) return text;
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    escaped += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/** Values of fields are bytes, one to a character; as text they are UTF-8 where they can be. */
export function readFieldBytes(value: string): string {
  if (!NOT_ASCII.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : value;
}
