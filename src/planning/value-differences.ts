/** Where two values of configurations differ, for comparisons and for people. Secrets are compared, and never shown. */
import { Secret } from '#base/secret.ts';
import type { IssuePath } from '#config/issue.ts';

export interface Difference {
  readonly path: IssuePath;
  /** `undefined`: it was not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Of a longer value, its beginning says enough. */
const SHOWN_LENGTH_MAX = 80;
const HIDDEN = '(not shown)';
/** Values that may be secrets although no schema says so, such as the field of a credential. */
const SECRET_NAME = /secret|passw|token$|credential|authorization|cookie|api-?key|^keys?$/i;

/** A text that is the same where two values are. */
export function toComparableText(value: unknown): string {
  return JSON.stringify(value, revealSecrets) ?? '';
}

/** Whether their comparable texts are the same, which are made only where nothing plainer tells. */
export function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((item, index) => isSame(item, after[index]));
  if (isPlainMap(before) && isPlainMap(after)) return isSameMap(before, after);
  return toComparableText(before) === toComparableText(after);
}

/** The innermost parts that differ. Lists of plain values count as one. */
export function findDifferences(before: unknown, after: unknown, path: IssuePath = []): Difference[] {
  if (isSame(before, after)) return [];
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => findDifferences(before[name], after[name], [...path, name]));
  }
  if (isListOfMaps(before) && isListOfMaps(after) && before.length === after.length)
    return before.flatMap((item, i) => findDifferences(item, after[i], [...path, i]));
  return [{ path, before, after }];
}

/** Writes differences between two configurations for people. Knows every secret of both. */
export class DifferenceWriter {
  readonly #secrets = new Set<string>();

  constructor(old: object, present: object) {
    collectSecrets(old, undefined, this.#secrets);
    collectSecrets(present, old, this.#secrets);
  }

  /** `limit 100/minute → 50/minute`, `deny: 10.9.0.0/16 added`. */
  write({ path, before, after }: Difference): string {
    const name = path.filter((step) => typeof step === 'string').at(-1) ?? '';
    const label = path.length === 0 ? '' : `${path.join('.')} `;
    if (path.some((step) => SECRET_NAME.test(String(step)))) return `${label}is different ${HIDDEN}`;
    if (isPlainList(before) && isPlainList(after)) return `${label}${this.#writeLists(before, after)}`;
    if (before === undefined) return `${label}${this.#show(after, name)} added`;
    if (after === undefined) return `${label}${this.#show(before, name)} removed`;
    return `${label}${this.#show(before, name)} → ${this.#show(after, name)}`;
  }

  #writeLists(before: readonly unknown[], after: readonly unknown[]): string {
    const added = after.filter((item) => !before.includes(item)).map((item) => this.#show(item, ''));
    const removed = before.filter((item) => !after.includes(item)).map((item) => this.#show(item, ''));
    const parts = [
      ...(added.length > 0 ? [`${added.join(', ')} added`] : []),
      ...(removed.length > 0 ? [`${removed.join(', ')} removed`] : []),
    ];
    return parts.length === 0 ? 'in another order' : parts.join('; ');
  }

  #show(value: unknown, name: string): string {
    if (SECRET_NAME.test(name) || value instanceof Secret) return HIDDEN;
    // Looked at before JSON escapes it.
    const hide = (key: string, part: unknown) =>
      SECRET_NAME.test(key) || (typeof part === 'string' && this.#holdsSecret(part)) ? HIDDEN : part;
    const text = typeof value === 'string' ? value : (JSON.stringify(value, hide) ?? 'nothing');
    if (this.#holdsSecret(text)) return HIDDEN;
    return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
  }

  #holdsSecret(text: string): boolean {
    for (const secret of this.#secrets) if (text.includes(secret)) return true;
    return false;
  }
}

/** `JSON.stringify` hands over what `toJSON` made of a value; the value itself is still in its holder. */
function revealSecrets(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Secret ? { secret: original.reveal() } : value;
}

/** `walked`: what was gone through before, and stands where `value` does; much of it is the same. */
function collectSecrets(value: object, walked: unknown, secrets: Set<string>): void {
  if (value instanceof Secret) {
    if (value.reveal() !== '') secrets.add(value.reveal());
    return;
  }
  // Without a list of all its values, of which a configuration has many.
  for (const name in value) {
    const part: unknown = Reflect.get(value, name);
    if (typeof part !== 'object' || part === null) continue;
    const known = typeof walked === 'object' && walked !== null ? Reflect.get(walked, name) : undefined;
    if (part !== known) collectSecrets(part, known, secrets);
  }
}

function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** In the same order, without what a text would not hold. */
function isSameMap(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): boolean {
  const others = Object.keys(after);
  let next = 0;
  const skipUnset = () => {
    while (next < others.length && after[others[next]!] === undefined) next++;
  };
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) continue;
    skipUnset();
    if (name !== others[next] || !isSame(value, after[name])) return false;
    next++;
  }
  skipUnset();
  return next === others.length;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}

function isListOfMaps(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.every(isMap);
}

export function isPlainList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.every((item) => typeof item !== 'object');
}

/** What a document says at a path, as far as it goes; `undefined`: nothing. */
export function readAt(value: unknown, path: IssuePath): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}
