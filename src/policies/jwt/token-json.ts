/**
 * JSON as tokens hold it. The text is an attacker's, and other readers of it may take another one of two equal names, or
 * another name for one that is written in an unusual way.
 */

type JsonMap = Readonly<Record<string, unknown>>;

const DEPTH_MAX = 16;
/** What some encoders escape although they need not: slashes, and all beyond ASCII. */
const OFTEN_ESCAPED = /[/\u0080-\uffff]/;

/** A map in which no name stands twice (RFC 7519 §4), at any depth; `undefined` for everything else. */
export function parseTokenJson(text: string): JsonMap | undefined {
  // Whether it is JSON at all; what follows relies on that.
  if (parseJson(text) === undefined) return undefined;
  const plain = withPlainNames(text);
  const value = plain === undefined ? undefined : parseJson(plain);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonMap) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it is instead does not matter.
    return undefined;
  }
}

/**
 * The same JSON with no escapes in names; `undefined` where a name stands twice, is escaped for no reason, or maps have no end.
 * Names with escapes are not left to `JSON.parse`: that of V8 14 may take one for another that a map read before had in its place.
 */
function withPlainNames(text: string): string | undefined {
  /** What encloses the place: the names so far of a map, `undefined` for a list. */
  const open: (Set<string> | undefined)[] = [];
  let plain = '';
  let copiedTo = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : undefined) > DEPTH_MAX) return undefined;
    } else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = findEnd(text, at);
      if (isName(text, end)) {
        const name = readName(text.slice(at, end));
        const names = open.at(-1);
        if (name === undefined || names === undefined || names.has(name)) return undefined;
        names.add(name);
        plain += `${text.slice(copiedTo, at)}"${name}"`;
        copiedTo = end;
      }
      at = end - 1;
    }
  }
  return plain + text.slice(copiedTo);
}

/** Behind the closing quote of a string. */
function findEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** What stands behind a string in JSON says whether it is a name. */
function isName(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1;
  return text[at] === ':';
}

/** `undefined` for one with escapes that it does not need, or that it cannot do without: nobody calls claims so. */
function readName(written: string): string | undefined {
  if (!written.includes('\\')) return written.slice(1, -1);
  const name = String(parseJson(written));
  return OFTEN_ESCAPED.test(name) && JSON.stringify(name) === `"${name}"` ? name : undefined;
}
