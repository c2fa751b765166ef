import type { Exchange } from '#http/exchange.ts';
import { personalSlot } from '#pipeline/personal-request.ts';
import type { RequestDirectives } from '#wire/fields/cache-control.ts';
import type { CacheConfig } from './config.ts';
import type { RequestTraits } from './request-traits.ts';

/** A request whose answer may be kept, and by what it is found. */
export interface Asked {
  readonly exchange: Exchange;
  readonly uri: string;
  readonly partition: string;
  readonly traits: RequestTraits;
  readonly directives: RequestDirectives;
  /** Of a request that has one. */
  readonly body: Buffer | undefined;
}

/** The answer may be for this client alone: the service, or somebody before it, knows who asks (RFC 9111 §3.5). */
export function isPersonal(
  { exchange, traits }: Pick<Asked, 'exchange' | 'traits'>,
  perConsumer: CacheConfig['perConsumer'],
): boolean {
  if (perConsumer === false || (perConsumer === true && exchange.consumer !== undefined)) return false;
  if (exchange.consumer !== undefined || traits.hasAuthorization) return true;
  return exchange.request.clientCertificate !== undefined || exchange.get(personalSlot) === true;
}
