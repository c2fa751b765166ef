import type { Exchange } from '#http/exchange.ts';
import type { RequestDirectives } from '#wire/fields/cache-control.ts';
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
