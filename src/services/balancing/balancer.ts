/** How a service chooses among its endpoints. */
import type { Exchange } from '#http/exchange.ts';
import type { Endpoint } from '../endpoint.ts';

/** Whom an endpoint is picked for. */
export interface PickSubject {
  /** The client, as far back as trusted proxies tell. */
  readonly clientAddress: string;
  /** `undefined` where bytes are passed on that nobody reads. */
  readonly exchange: Exchange | undefined;
}

/** One for each service and thread; `test/support/balancer-contract.ts` says what all of them keep to. */
export interface Balancer {
  /**
   * The endpoints that may be picked from now on: at least one, all with a weight above 0. Called whenever one of them
   * comes, goes or gets another weight.
   */
  setMembers(members: readonly Endpoint[]): void;
  /** One of the members. */
  pick(subject: PickSubject): Endpoint;
}
