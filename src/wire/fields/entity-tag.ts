/** Entity tags (RFC 9110 §8.8.3) and the fields that compare them (§13.1). Whoever wrote them chooses each byte. */

/** How many of a list are looked at; what stands behind them is not there. */
const TAGS_MAX = 256;

/** The same to who does not mind small differences (RFC 9110 §8.8.3.2). */
export function isWeaklySame(one: string, other: string): boolean {
  return toOpaque(one) === toOpaque(other);
}

/** Byte for byte the same. */
export function isStronglySame(one: string, other: string): boolean {
  return one === other && !isWeak(one);
}

export function isWeak(tag: string): boolean {
  return tag.startsWith('W/');
}

function toOpaque(tag: string): string {
  return isWeak(tag) ? tag.substring(2) : tag;
}

/** Whether one of the lines of `If-None-Match` names the tag. `*` names all there are; `undefined`: there is something without a tag. */
export function isListed(lines: readonly string[], tag: string | undefined): boolean {
  return lines.some((line) => {
    if (line.trim() === '*') return true;
    return tag !== undefined && listTags(line).some((one) => isWeaklySame(one, tag));
  });
}

/** As they are written, also those that were written without quotes. */
function listTags(line: string): string[] {
  const tags: string[] = [];
  for (let at = 0; at < line.length && tags.length < TAGS_MAX; ) {
    const end = findEnd(line, at);
    const tag = line.substring(at, end).trim();
    if (tag !== '') tags.push(tag);
    at = end + 1;
  }
  return tags;
}

/** The comma behind the tag that begins at `from`; one may stand within quotes. */
function findEnd(line: string, from: number): number {
  const comma = line.indexOf(',', from);
  const quote = line.indexOf('"', from);
  if (comma < 0) return line.length;
  if (quote < 0 || quote > comma) return comma;
  const closing = line.indexOf('"', quote + 1);
  const behind = closing < 0 ? comma : line.indexOf(',', closing);
  return behind < 0 ? line.length : behind;
}
