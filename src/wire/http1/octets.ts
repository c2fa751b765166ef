/** Which bytes may stand where in a message head (RFC 9110 §5.5, §5.6.2; RFC 9112 §3). */

const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;

const classes = new Uint8Array(256);
const lowered = new Uint8Array(256);

const tokenPunctuation = "!#$%&'*+-.^_`|~";
for (let code = 0x21; code <= 0x7e; code++) {
  const char = String.fromCharCode(code);
  if (/[0-9A-Za-z]/.test(char) || tokenPunctuation.includes(char)) {
    classes[code]! |= TOKEN;
    lowered[code] = char.toLowerCase().charCodeAt(0);
  }
  classes[code]! |= VALUE;
  // RFC 9112 §3.2: a request target never carries a fragment.
  if (char !== '#') classes[code]! |= TARGET;
}
for (let code = 0x80; code <= 0xff; code++) classes[code]! |= VALUE;
classes[0x20]! |= VALUE;
classes[0x09]! |= VALUE;

/** The lower-case form of a token byte, and 0 for a byte that may not stand in a token. */
export const loweredToken: Readonly<Uint8Array> = lowered;

export function isTokenOctet(code: number): boolean {
  return (classes[code]! & TOKEN) !== 0;
}

/** Visible characters, spaces, tabs and bytes above 127. */
export function isValueOctet(code: number): boolean {
  return (classes[code]! & VALUE) !== 0;
}

/** Visible ASCII without `#`. */
export function isTargetOctet(code: number): boolean {
  return (classes[code]! & TARGET) !== 0;
}

export const CR = 13;
export const LF = 10;
export const SPACE = 32;
export const TAB = 9;
export const COLON = 58;
