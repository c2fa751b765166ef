/** Entity tags (RFC 9110 §8.8.3) as far as a change of the content's coding touches them. */

const WEAK = 'W/';

/** What is the same but for its bytes has a weak tag (RFC 9110 §8.8.1). */
export function weakenTag(tag: string): string {
  return tag.startsWith(WEAK) ? tag : `${WEAK}${tag}`;
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
