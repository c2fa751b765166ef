/**
 * Single cookies in field lists (RFC 6265 §4.2.1). HTTP/2 clients may send one line for each pair (RFC 9113 §8.2.3). What
 * stands in the lines is the client's choice: they are scanned where they stand.
 */

/** Where a pair stands in a line: from its name to behind its value. */
interface PairPlace {
  readonly from: number;
  readonly to: number;
}

/** The first value of a cookie, as it was sent but for surrounding quotes. */
export function findCookie(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'cookie') continue;
    const line = fields[i + 1]!;
    const place = findPair(line, name, 0);
    if (place !== undefined) return readValue(line.slice(place.from + name.length + 1, place.to));
  }
  return undefined;
}

/** The fields without this cookie; `undefined` when it is not there. Lines that would be empty are left out. */
export function withoutCookie(fields: readonly string[], name: string): string[] | undefined {
  return withoutPairs(fields, name, false);
}

/** The same without the cookies of a family: `NAME` itself, and every `NAME.` with something behind the dot. */
export function withoutCookieFamily(fields: readonly string[], name: string): string[] | undefined {
  return withoutPairs(fields, name, true);
}

/** The names of the cookies of a family that a request brings, each as often as it is there. */
export function listCookieFamily(fields: readonly string[], name: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'cookie') continue;
    const line = fields[i + 1]!;
    for (let place = findPair(line, name, 0, true); place !== undefined; place = findPair(line, name, place.to + 1, true))
      found.push(line.slice(place.from, line.indexOf('=', place.from)));
  }
  return found;
}

function withoutPairs(fields: readonly string[], name: string, withFamily: boolean): string[] | undefined {
  if (!hasCookie(fields, name, withFamily)) return undefined;
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const isCookie = fields[i] === 'cookie';
    const value = isCookie ? dropPairs(fields[i + 1]!, name, withFamily) : fields[i + 1]!;
    if (!isCookie || value !== '') kept.push(fields[i]!, value);
  }
  return kept;
}

function hasCookie(fields: readonly string[], name: string, withFamily: boolean): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'cookie' && findPair(fields[i + 1]!, name, 0, withFamily) !== undefined) return true;
  }
  return false;
}

function findPair(line: string, name: string, start: number, withFamily = false): PairPlace | undefined {
  for (let at = start; at < line.length; ) {
    const semicolon = line.indexOf(';', at);
    const end = semicolon < 0 ? line.length : semicolon;
    const from = skipSpaces(line, at, end);
    if (line.startsWith(name, from) && endsName(line, { at: from + name.length, end, withFamily })) return { from, to: end };
    at = end + 1;
  }
  return undefined;
}

/** Whether the name of a cookie ends here, or goes on as one of its family does. */
function endsName(line: string, { at, end, withFamily }: { at: number; end: number; withFamily: boolean }): boolean {
  if (at >= end) return false;
  if (line.charCodeAt(at) === 0x3d) return true;
  if (!withFamily || line.charCodeAt(at) !== 0x2e) return false;
  const equals = line.indexOf('=', at);
  return equals >= 0 && equals < end;
}

function dropPairs(line: string, name: string, withFamily: boolean): string {
  let kept = '';
  let at = 0;
  for (let place = findPair(line, name, 0, withFamily); place !== undefined; place = findPair(line, name, at, withFamily)) {
    kept += line.slice(at, place.from);
    at = skipSpaces(line, place.to + 1, line.length);
  }
  return trimSeparators(kept + line.slice(at));
}

/** What is left may begin or end with a separator. */
function trimSeparators(line: string): string {
  let from = 0;
  let to = line.length;
  while (from < to && isSeparator(line.charCodeAt(from))) from += 1;
  while (to > from && isSeparator(line.charCodeAt(to - 1))) to -= 1;
  return line.slice(from, to);
}

function isSeparator(code: number): boolean {
  return code === 0x3b || code === 0x20 || code === 0x09;
}

function skipSpaces(line: string, from: number, to: number): number {
  let at = from;
  while (at < to && (line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09)) at += 1;
  return at;
}

function readValue(text: string): string {
  const value = text.trim();
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
