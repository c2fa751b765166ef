/** A gateway that is only tried out: requests go through a whole configuration, and nothing outside is asked. */
import type { Exchange } from '#http/exchange.ts';
import type { UpstreamStub } from '#http/stubbed-upstream.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';

export interface Rehearsal {
  /** Answers in the place of all services. */
  readonly upstreams: UpstreamStub;
  /** In execution order, where they are not those of the program. Their settings are the same. */
  readonly policies?: readonly PolicyDefinition[] | undefined;
  /** Ids of injected requests, where they are not to be new. */
  nextRequestId?(): string;
  /** No route has been looked for yet. */
  begin?(exchange: Exchange): void;
  finish?(exchange: Exchange): void;
}
