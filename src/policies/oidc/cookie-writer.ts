/** The cookies of a login: their names, and the fields that set and delete them. */
import type { OidcConfig } from './config.ts';

export type CookieSettings = OidcConfig['cookie'];

export class CookieWriter {
  /** As browsers know it. RFC 6265bis §4.1.3: they hold a prefix to what it says, so no other host can set such a cookie. */
  readonly name: string;
  readonly #attributes: string;

  constructor({ name, domain, path, sameSite, secure }: CookieSettings) {
    const prefix = !secure ? '' : domain === undefined && path === '/' ? '__Host-' : '__Secure-';
    this.name = `${prefix}${name}`;
    const withDomain = domain === undefined ? '' : `; Domain=${domain}`;
    this.#attributes = `; Path=${path}${withDomain}; HttpOnly; SameSite=${sameSite === 'none' ? 'None' : 'Lax'}${secure ? '; Secure' : ''}`;
  }

  set(name: string, value: string, forMs: number): string {
    return `${name}=${value}; Max-Age=${Math.ceil(forMs / 1_000)}${this.#attributes}`;
  }

  delete(name: string): string {
    return `${name}=; Max-Age=0${this.#attributes}`;
  }
}
