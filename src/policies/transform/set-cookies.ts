/** Changes cookies that a service sets. The name, the value and all attributes that are not meant stay as they were written. */
import type { ResponseCookieChanges } from './config.ts';

const sameSites = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;

export class SetCookieEdits {
  readonly #changes: ResponseCookieChanges;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #remove: ReadonlySet<string>;
  /** The longest first. */
  readonly #paths: readonly (readonly [from: string, to: string])[];

  constructor(changes: ResponseCookieChanges) {
    this.#changes = changes;
    this.#names = changes.names && new Set(changes.names);
    this.#remove = new Set(changes.remove);
    this.#paths = Object.entries(changes.path ?? {}).toSorted(([left], [right]) => right.length - left.length);
  }

  /** In place. */
  apply(fields: string[]): void {
    let kept = 0;
    for (let i = 0; i < fields.length; i += 2) {
      const line = fields[i] === 'set-cookie' ? this.#editLine(fields[i + 1]!) : fields[i + 1]!;
      if (line === undefined) continue;
      fields[kept] = fields[i]!;
      fields[kept + 1] = line;
      kept += 2;
    }
    fields.length = kept;
  }

  #editLine(line: string): string | undefined {
    const parts = line.split(';');
    const [pair = ''] = parts;
    const name = pair.slice(0, Math.max(0, pair.indexOf('='))).trim();
    if (this.#remove.has(name)) return undefined;
    if (this.#names !== undefined && !this.#names.has(name)) return line;
    const kept = parts.slice(1).flatMap((part) => this.#editAttribute(part));
    return [pair, ...kept, ...this.#listAdded()].join(';');
  }

  #editAttribute(part: string): string[] {
    const { domain, secure, httpOnly, sameSite } = this.#changes;
    const equals = part.indexOf('=');
    const attribute = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : part.slice(equals + 1).trim();
    switch (attribute) {
      case 'domain':
        return domain === undefined ? [part] : editDomain(part, value, domain);
      case 'path':
        return [this.#editPath(part, value)];
      case 'secure':
        return secure === undefined && sameSite !== 'none' ? [part] : [];
      case 'httponly':
        return httpOnly === undefined ? [part] : [];
      case 'samesite':
        return sameSite === undefined ? [part] : [];
      default:
        return [part];
    }
  }

  #editPath(part: string, path: string): string {
    for (const [from, to] of this.#paths) {
      const moved = movePrefix(path, from, to);
      if (moved !== undefined) return ` Path=${moved}`;
    }
    return part;
  }

  /** What a browser would not take otherwise is added (`Secure` for `SameSite=None`). */
  #listAdded(): string[] {
    const { secure, httpOnly, sameSite } = this.#changes;
    const added: string[] = [];
    if (secure === true || sameSite === 'none') added.push(' Secure');
    if (httpOnly === true) added.push(' HttpOnly');
    if (sameSite !== undefined) added.push(` SameSite=${sameSites[sameSite]}`);
    return added;
  }
}

/** RFC 6265 §5.2.3: a dot at the beginning means nothing, and case does not matter. */
function editDomain(part: string, value: string, domains: Readonly<Record<string, string | false>>): string[] {
  const written = toPlainDomain(value);
  const name = Object.keys(domains).find((known) => toPlainDomain(known) === written) ?? '*';
  const to = domains[name];
  if (to === undefined) return [part];
  return to === false ? [] : [` Domain=${to}`];
}

function toPlainDomain(domain: string): string {
  return (domain.startsWith('.') ? domain.slice(1) : domain).toLowerCase();
}

/** By whole segments: `/a` is the beginning of `/a` and `/a/b`, not of `/ab`. `undefined`: it does not begin so. */
export function movePrefix(path: string, from: string, to: string): string | undefined {
  const prefix = from.endsWith('/') ? from.slice(0, -1) : from;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return undefined;
  const rest = path.slice(prefix.length);
  const start = to.endsWith('/') && rest !== '' ? to.slice(0, -1) : to;
  return start + rest === '' ? '/' : start + rest;
}
