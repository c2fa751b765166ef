/** The cookie that a client is given when it has none yet, so that its later requests go where the first one went. */
import type { Exchange } from '#http/exchange.ts';
import { defineSlot } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';

export interface StickyCookieDefinition {
  readonly name: string;
  readonly path: string;
  /** Without one, the cookie lasts as long as the browser runs. */
  readonly ttlMs?: number | undefined;
}

const MS_PER_SECOND = 1000;
const givenValue = defineSlot<string>('sticky cookie');

export class StickyCookie {
  readonly #nextId: () => string;
  readonly #start: string;
  readonly #attributes: string;

  constructor({ name, path, ttlMs }: StickyCookieDefinition, nextId: () => string) {
    this.#nextId = nextId;
    this.#start = `${name}=`;
    const age = ttlMs === undefined ? '' : `; Max-Age=${Math.ceil(ttlMs / MS_PER_SECOND)}`;
    this.#attributes = `; Path=${path}${age}; HttpOnly; SameSite=Lax`;
  }

  /** A value for the client of this exchange, which its answer will carry. It says nothing: the split makes something of it. */
  give(exchange: Exchange): string {
    const value = this.#nextId();
    exchange.set(givenValue, value);
    return value;
  }

  addTo(exchange: Exchange, response: ResponseHead): void {
    const value = exchange.get(givenValue);
    if (value === undefined) return;
    const secure = exchange.request.scheme === 'https' ? '; Secure' : '';
    response.fields.push('set-cookie', this.#start + value + this.#attributes + secure);
  }
}
