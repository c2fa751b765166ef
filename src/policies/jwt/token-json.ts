/** JSON as tokens hold it. The text is an attacker's, and other readers of it may take another one of two equal names. */

type JsonMap = Readonly<Record<string, unknown>>;

const DEPTH_MAX = 16;
const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** A map in which no name stands twice (RFC 7519 §4), at any depth; `undefined` for everything else. */
export function parseTokenJson(text: string): JsonMap | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What it is instead does not matter.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return countKept(value, 0) === countWritten(text) ? (value as JsonMap) : undefined;
}

/** Members of all maps that are left. `NaN`, which equals nothing, where there is no end to maps in maps. */
function countKept(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === DEPTH_MAX) return Number.NaN;
  const members = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, item: unknown) => sum + countKept(item, depth + 1), members);
}

/** The text is JSON, so a colon outside of strings is one of a member. */
function countWritten(text: string): number {
  let members = 0;
  let isInside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) isInside = !isInside;
    else if (isInside && code === BACKSLASH) i += 1;
    else if (!isInside && code === COLON) members += 1;
  }
  return members;
}
