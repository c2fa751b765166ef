/** Changes cookies of requests. Lines without a cookie that is changed stay as they came. */

export interface CookieEdits {
  readonly rename: ReadonlyMap<string, string>;
  /** Names that are taken away, those that are set among them. */
  readonly remove: ReadonlySet<string>;
}

/** RFC 6265 §4.1.1: what a value may not hold, and the percent sign, by which the rest is written. */
const NOT_IN_VALUE = /[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]/gu;

/** `set`: names and values in turn. */
export function editCookies(fields: string[], edits: CookieEdits, set: readonly string[]): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const line = fields[i] === 'cookie' ? editLine(fields[i + 1]!, edits) : fields[i + 1]!;
    if (line === undefined) continue;
    fields[kept] = fields[i]!;
    fields[kept + 1] = line;
    kept += 2;
  }
  fields.length = kept;
  const pairs: string[] = [];
  for (let i = 0; i < set.length; i += 2) pairs.push(`${set[i]!}=${encodeValue(set[i + 1]!)}`);
  if (pairs.length === 0) return;
  const place = fields.findLastIndex((name, i) => i % 2 === 0 && name === 'cookie');
  // RFC 6265 §5.4: one line holds them all.
  if (place < 0) fields.push('cookie', pairs.join('; '));
  else fields[place + 1] = `${fields[place + 1]!}; ${pairs.join('; ')}`;
}

/** `undefined`: nothing is left of it. */
function editLine(line: string, { rename, remove }: CookieEdits): string | undefined {
  let isChanged = false;
  const kept: string[] = [];
  for (const pair of line.split(';')) {
    const text = pair.trim();
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals).trimEnd();
    const to = rename.get(name);
    const isRemoved = remove.has(to ?? name);
    if (isRemoved || to !== undefined) isChanged = true;
    if (!isRemoved && text !== '') kept.push(to === undefined || equals < 0 ? text : to + text.slice(equals));
  }
  if (!isChanged) return line;
  return kept.length === 0 ? undefined : kept.join('; ');
}

function encodeValue(value: string): string {
  return value.toWellFormed().replace(NOT_IN_VALUE, encodeURIComponent);
}
