/**
 * Which file of a folder the rest of a request's path names. The rest is normalised already: no dot segments, no backslash, no NUL, no
 * empty segment; all other bytes are the client's choice.
 */

/** Slashes and NUL, which no name of a file holds, and what no name should: control characters and backslashes. */
const UNUSABLE = /[\x00-\x1f\x7f\\]/;
const ENCODED_SLASH = '%2F';
/** RFC 8615: what stands there is meant to be asked for. */
const WELL_KNOWN = '.well-known';

export interface FilePathRules {
  readonly allowsDotfiles: boolean;
}

/** The path inside the folder, decoded; empty or with a slash at its end for a folder. `undefined`: it can be the name of no file that is served. */
export function toFilePath(rest: string, { allowsDotfiles }: FilePathRules): string | undefined {
  if (rest.includes(ENCODED_SLASH)) return undefined;
  const path = rest.includes('%') ? decodePercent(rest) : rest;
  if (path === undefined || UNUSABLE.test(path)) return undefined;
  let start = 0;
  while (start < path.length) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    if (!isUsable(path.slice(start, end), allowsDotfiles)) return undefined;
    start = end + 1;
  }
  return path;
}

/** Names that a folder has for itself and the one above are not to be had, however they have come to be here. */
function isUsable(name: string, allowsDotfiles: boolean): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  return allowsDotfiles || !name.startsWith('.') || name === WELL_KNOWN;
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not UTF-8, as the names of files are here.
    return undefined;
  }
}
