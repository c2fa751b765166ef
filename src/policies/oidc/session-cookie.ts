/**
 * The cookie of a session. A long one is spread over several, `NAME`, `NAME.1` and so on, since browsers keep some 4096 bytes of
 * each. The first begins with how many there are and a dot.
 */
import { findCookie, listCookieFamily } from '#wire/fields/cookies.ts';
import type { CookieWriter } from './cookie-writer.ts';

const PIECE_LENGTH = 3_800;
/** Of 64 KiB that a request's head has by default, and 16 to 32 KiB where other servers and proxies stand before. */
const PIECES_MAX = 4;
export const SESSION_TEXT_LENGTH_MAX = PIECE_LENGTH * PIECES_MAX - 2;

/** What the cookie holds; `undefined` when there is none. What is not whole, or not written by us, means nothing later on. */
export function readSessionCookie(fields: readonly string[], name: string): string | undefined {
  const first = findCookie(fields, name);
  if (first === undefined) return undefined;
  const count = first.charCodeAt(0) - 0x30;
  if (first.charCodeAt(1) !== 0x2e || !(count >= 1 && count <= PIECES_MAX)) return '';
  let text = first.slice(2);
  for (let i = 1; i < count; i++) {
    const piece = findCookie(fields, `${name}.${i}`);
    if (piece === undefined) return '';
    text += piece;
  }
  return text;
}

/** The fields that set the cookie, and delete pieces of an earlier one; `undefined`: it is too long. */
export function writeSessionCookie(
  writer: CookieWriter,
  fields: readonly string[],
  { text, forMs }: { readonly text: string; readonly forMs: number },
): string[] | undefined {
  if (text.length > SESSION_TEXT_LENGTH_MAX) return undefined;
  const { name } = writer;
  const count = Math.ceil((text.length + 2) / PIECE_LENGTH);
  const whole = `${count}.${text}`;
  const written: string[] = [];
  for (let i = 0; i < count; i++) {
    const piece = whole.slice(i * PIECE_LENGTH, (i + 1) * PIECE_LENGTH);
    written.push(writer.set(i === 0 ? name : `${name}.${i}`, piece, forMs));
  }
  return [...written, ...deletePieces(writer, fields, count)];
}

/** The fields that delete what the request has of the cookie. */
export function deleteSessionCookie(writer: CookieWriter, fields: readonly string[]): string[] {
  return deletePieces(writer, fields, 0);
}

function deletePieces(writer: CookieWriter, fields: readonly string[], from: number): string[] {
  const present = new Set(listCookieFamily(fields, writer.name));
  const deleted: string[] = [];
  for (let i = from; i < PIECES_MAX; i++) {
    const name = i === 0 ? writer.name : `${writer.name}.${i}`;
    if (present.has(name)) deleted.push(writer.delete(name));
  }
  return deleted;
}
