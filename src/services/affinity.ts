/**
 * Keeps a client at one endpoint by a cookie. Its value is a MAC of the endpoint's address: it says nothing to whoever has no
 * key, nobody else can make one, and everybody with the same key makes the same: other threads, a gateway after its restart,
 * other gateways. Values are made when endpoints change; for a request they are only looked up.
 */
import { createHmac } from 'node:crypto';
import type { ClientRequest } from '#http/exchange.ts';
import { findCookie, withoutCookie } from '#wire/fields/cookies.ts';
import type { AffinityDefinition } from './balancing/balancing-definition.ts';
import type { Endpoint } from './endpoint.ts';

/** 128 bits: nobody guesses one. */
const MAC_BYTES = 16;

interface KeptExchange {
  readonly request: Pick<ClientRequest, 'fields'>;
}

/** What is looked at of an exchange whose answer has begun. */
interface AnsweredExchange {
  readonly request: Pick<ClientRequest, 'fields' | 'scheme'>;
}

export class Affinity<Item extends { readonly url: string } = Endpoint> {
  readonly #definition: AffinityDefinition;
  readonly #serviceName: string;
  readonly #attributes: string;
  #endpointByValue: ReadonlyMap<string, Item> = new Map();
  #valueByEndpoint: ReadonlyMap<Item, string> = new Map();

  constructor(definition: AffinityDefinition, serviceName: string) {
    this.#definition = definition;
    this.#serviceName = serviceName;
    this.#attributes = formatAttributes(definition);
  }

  setEndpoints(endpoints: readonly Item[]): void {
    const values = endpoints.map((endpoint): [Item, string] => [endpoint, this.#makeValue(endpoint)]);
    this.#valueByEndpoint = new Map(values);
    this.#endpointByValue = new Map(values.map(([endpoint, value]) => [value, endpoint]));
  }

  /** The endpoint that a client was at, if the service still has it. */
  find({ request }: KeptExchange): Item | undefined {
    const value = findCookie(request.fields, this.#definition.cookie);
    return value === undefined ? undefined : this.#endpointByValue.get(value);
  }

  /** The `set-cookie` that an answer of this endpoint needs; `undefined` when the client is known to be there already. */
  makeCookie({ request }: AnsweredExchange, endpoint: Item): string | undefined {
    const { cookie, sameSite } = this.#definition;
    const value = this.#valueByEndpoint.get(endpoint);
    if (value === undefined || findCookie(request.fields, cookie) === value) return undefined;
    // Browsers take `SameSite=None` only together with `Secure`.
    const isSecure = request.scheme === 'https' || sameSite === 'none';
    return `${cookie}=${value}${this.#attributes}${isSecure ? '; Secure' : ''}`;
  }

  /** Lets the client keep the endpoint that has answered it. */
  keepAt(endpoint: Item, exchange: AnsweredExchange, response: { readonly fields: string[] }): void {
    const cookie = this.makeCookie(exchange, endpoint);
    if (cookie !== undefined) response.fields.push('set-cookie', cookie);
  }

  /** The request's fields without the cookie, which is no business of services; `undefined` when it is not there. */
  hideCookie(fields: readonly string[]): string[] | undefined {
    return withoutCookie(fields, this.#definition.cookie);
  }

  #makeValue({ url }: Item): string {
    const mac = createHmac('sha256', this.#definition.secret.reveal()).update(`${this.#serviceName}\n${url}`).digest();
    return mac.subarray(0, MAC_BYTES).toString('base64url');
  }
}

function formatAttributes({ path, ttlMs, sameSite }: AffinityDefinition): string {
  const maxAge = ttlMs === undefined ? '' : `; Max-Age=${Math.round(ttlMs / 1_000)}`;
  const site = { lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite];
  return `; Path=${path}${maxAge}; HttpOnly; SameSite=${site}`;
}
