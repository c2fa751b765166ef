/** What may stand in a head or in trailers of HTTP/2 (RFC 9113 §8.2), whoever sends them. All input is attacker-controlled. */
import { isKeptName } from '#wire/http1/field-names.ts';
import { isValueOctet, loweredToken, SPACE, TAB } from '#wire/http1/octets.ts';
import { keepTrailerFields } from '#wire/http1/trailer-fields.ts';

const ZERO = 48;
const NINE = 57;

/** RFC 9113 §8.2.1: a token without capital letters. */
export function isName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (loweredToken[code] !== code) return false;
  }
  return name !== '';
}

/** RFC 9113 §8.2.1: no control bytes, and no white space at either end. */
export function isValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (!isValueOctet(value.charCodeAt(i))) return false;
  return !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1));
}

/** Digits alone, as a length has to be. */
export function isNumber(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) return false;
  }
  return text !== '';
}

/** Whether these are trailers (RFC 9113 §8.1): fields like any other, and no pseudo fields. */
export function areTrailers(list: readonly string[]): boolean {
  for (let i = 0; i < list.length; i += 2) if (!isName(list[i]!) || !isValue(list[i + 1]!)) return false;
  return true;
}

/** The trailer fields that may be passed on: none that frames a message or belongs to a connection. */
export function keepHttp2Trailers(raw: readonly string[]): string[] | undefined {
  const named: string[] = [];
  for (let i = 0; i < raw.length; i += 2) if (isKeptName(raw[i]!)) named.push(raw[i]!, raw[i + 1]!);
  return keepTrailerFields(named, undefined);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}
