/** JSON pointers (RFC 6901) in which `*` stands for any one member or item. What is below the place that is named belongs to it. */

export type PointerPattern = readonly string[];

const ANY = '*';
const STEP_LENGTH_MAX = 1_024;

/** The steps of a pointer, or what is wrong with it. */
export function parsePointerPattern(text: string): PointerPattern | string {
  if (text === '') return [];
  if (!text.startsWith('/')) return 'a JSON pointer begins with `/`, such as `/items/*/updatedAt`';
  if (text.length > STEP_LENGTH_MAX) return 'the JSON pointer is too long';
  if (/~(?![01])/.test(text)) return '`~` in a JSON pointer is written `~0`, and `/` is written `~1`';
  return text.slice(1).split('/').map(unescapeStep);
}

/** Whether the place, or one above it, is meant. */
export function coversPlace(pattern: PointerPattern, place: readonly string[]): boolean {
  if (pattern.length > place.length) return false;
  return pattern.every((step, index) => step === ANY || step === place[index]);
}

/** Whether exactly this place is meant. */
export function isPlace(pattern: PointerPattern, place: readonly string[]): boolean {
  return pattern.length === place.length && coversPlace(pattern, place);
}

export function formatPointer(place: readonly string[]): string {
  return place.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function unescapeStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
