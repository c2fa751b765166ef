/** Entity tags (RFC 9110 §8.8.3) and lists of them. Whoever sends a list chooses each byte; it is read once, from left to right. */

const QUOTE = 0x22;
const COMMA = 0x2c;

/** `weak`: two names for what is as good as the same. `strong`: the same to the byte, so neither may be a weak tag (RFC 9110 §8.8.3.2). */
export type TagComparison = 'weak' | 'strong';

export function isWeakTag(tag: string): boolean {
  return tag.startsWith('W/');
}

/** Whether a list holds the tag. `*` holds every tag. What follows a mistake in the list is not looked at. */
export function listsTag(list: string, tag: string, comparison: TagComparison): boolean {
  if (list.trim() === '*') return true;
  if (comparison === 'strong' && isWeakTag(tag)) return false;
  const opaque = isWeakTag(tag) ? tag.slice(2) : tag;
  let at = 0;
  while (at < list.length) {
    at = skipSeparators(list, at);
    const isWeak = list.startsWith('W/', at);
    const start = isWeak ? at + 2 : at;
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
