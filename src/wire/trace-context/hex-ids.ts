/** Ids of traces and spans as texts of hexadecimal digits. What is read here was written by anybody. */

export const TRACE_ID_DIGITS = 32;
export const SPAN_ID_DIGITS = 16;

const ZERO = 0x30;

/** Lower case only, and not all zeros, which stand for no id. */
export function isId(text: string, digits: number): boolean {
  return text.length === digits && isLowerHex(text) && !isAllZeros(text);
}

export function isLowerHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isDigit = code >= ZERO && code <= 0x39;
    if (!isDigit && !(code >= 0x61 && code <= 0x66)) return false;
  }
  return text.length > 0;
}

function isAllZeros(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== ZERO) return false;
  return true;
}
