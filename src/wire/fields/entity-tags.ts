/** Entity tags (RFC 9110 §8.8.3) and lists of them. Whoever sends a list chooses each byte; it is read once, from left to right. */

const WEAK = 'W/';
const QUOTE = 0x22;
const COMMA = 0x2c;

/** `weak`: two names for what is as good as the same. `strong`: the same to the byte, so neither may be a weak tag (RFC 9110 §8.8.3.2). */
export type TagComparison = 'weak' | 'strong';

export function isWeakTag(tag: string): boolean {
  return tag.startsWith(WEAK);
}

/** What is the same but for its bytes has a weak tag (RFC 9110 §8.8.1). */
export function weakenTag(tag: string): string {
  return isWeakTag(tag) ? tag : `${WEAK}${tag}`;
}

/** A list of tags with every weak one made strong. Inside of quotes nothing is a beginning. */
export function strengthenTags(list: string): string {
  let strong = '';
  let isQuoted = false;
  for (let i = 0; i < list.length; i++) {
    const sign = list[i]!;
    if (sign === '"') isQuoted = !isQuoted;
    if (isQuoted || !list.startsWith(`${WEAK}"`, i)) strong += sign;
    else i += WEAK.length - 1;
  }
  return strong;
}

/** Whether a list holds the tag. `*` holds every tag. What follows a mistake in the list is not looked at. */
export function listsTag(list: string, tag: string, comparison: TagComparison): boolean {
  if (list.trim() === '*') return true;
  if (comparison === 'strong' && isWeakTag(tag)) return false;
  const opaque = isWeakTag(tag) ? tag.slice(WEAK.length) : tag;
  let at = 0;
  while (at < list.length) {
    at = skipSeparators(list, at);
    const isWeak = list.startsWith(WEAK, at);
    const start = isWeak ? at + WEAK.length : at;
    if (list.charCodeAt(start) !== QUOTE) return false;
    const end = list.indexOf('"', start + 1) + 1;
    if (end === 0) return false;
    if (!(isWeak && comparison === 'strong') && end - start === opaque.length && list.startsWith(opaque, start)) return true;
    at = end;
  }
  return false;
}

/** Empty elements of a list mean nothing (RFC 9110 §5.6.1.2). */
function skipSeparators(list: string, from: number): number {
  let at = from;
  for (; at < list.length; at++) {
    const code = list.charCodeAt(at);
    if (code !== COMMA && code !== 0x20 && code !== 0x09) break;
  }
  return at;
}
