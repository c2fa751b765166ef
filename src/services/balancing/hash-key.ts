/** What of a request decides about its endpoint, where the same shall go to the same. All of it is the client's choice. */
import { readClaimText } from '#http/claims.ts';
import type { Consumer } from '#http/consumer.ts';
import { findQueryParameter } from '#http/query-parameter.ts';
import { findCookie } from '#wire/fields/cookies.ts';

export type HashKey =
  | { readonly kind: 'ip' }
  | { readonly kind: 'consumer' }
  | { readonly kind: 'header' | 'cookie' | 'path' | 'query' | 'claim'; readonly name: string };

/** What there is of an exchange, also when it is only explained. */
export interface KeyedExchange {
  readonly request: { readonly fields: readonly string[]; readonly query: string };
  /** Values of the route's path captures. */
  readonly captureNames: readonly string[];
  readonly captures: readonly string[];
  /** `undefined` where nobody has found out who asks. */
  readonly consumer: Pick<Consumer, 'name' | 'claims'> | undefined;
  field(name: string): string | undefined;
}

export interface KeyedSubject {
  readonly clientAddress: string;
  readonly exchange: KeyedExchange | undefined;
}

/** `undefined` where the request has no such thing, or an empty one. */
export function readHashKey(key: HashKey, { clientAddress, exchange }: KeyedSubject): string | undefined {
  if (key.kind === 'ip') return clientAddress;
  if (exchange === undefined) return undefined;
  return key.kind === 'consumer' ? exchange.consumer?.name : readFromExchange(key.kind, key.name, exchange) || undefined;
}

function readFromExchange(
  kind: Exclude<HashKey['kind'], 'ip' | 'consumer'>,
  name: string,
  exchange: KeyedExchange,
): string | undefined {
  switch (kind) {
    case 'header':
      return exchange.field(name);
    case 'cookie':
      return findCookie(exchange.request.fields, name);
    case 'path':
      return exchange.captures[exchange.captureNames.indexOf(name)];
    case 'query':
      return findQueryParameter(exchange.request.query, name);
    case 'claim':
      return readClaimText(exchange.consumer?.claims, name);
    default:
      return kind satisfies never;
  }
}

/** As a configuration says it. */
export function formatHashKey(key: HashKey): string {
  return 'name' in key ? `${key.kind}.${key.name}` : key.kind;
}
