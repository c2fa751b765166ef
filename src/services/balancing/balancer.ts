/** How a service chooses among its endpoints. */
import type { Exchange } from '#http/exchange.ts';
import type { AttemptOutcome } from '../attempt-outcome.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Member } from './member.ts';

/** Whom an endpoint is picked for. */
export interface PickSubject {
  /** The client, as far back as trusted proxies tell. */
  readonly clientAddress: string;
  /** `undefined` where bytes are passed on that nobody reads. */
  readonly exchange: Exchange | undefined;
}

export type OutcomeAt<Item> = Omit<AttemptOutcome, 'endpoint'> & { readonly endpoint: Item };

/** One for each service and thread; `test/support/balancer-contract.ts` says what all of them keep to. */
export interface Balancer<Item extends Member = Endpoint> {
  /** Whoever wants to know how attempts end. */
  readonly observer: { onAttemptEnded(outcome: OutcomeAt<Item>): void } | undefined;
  /**
   * The endpoints that may be picked from now on: at least one, all with a share above 0. Called whenever one of them
   * comes, goes or gets another share. `weightSum` is that of all endpoints of the service, whether they are members or not.
   */
  setMembers(members: readonly Item[], weightSum: number): void;
  /** One of the members. In steps that grow at most with the logarithm of their number, and without leaving garbage. */
  pick(subject: PickSubject, nowMs: number): Item;
}
