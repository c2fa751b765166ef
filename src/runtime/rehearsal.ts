/** A gateway that is only tried out: requests go through a whole configuration, and nothing outside is asked. */
import type { Exchange } from '#http/exchange.ts';
import type { UpstreamStub } from '#http/stubbed-upstream.ts';
import type { CallHttp } from '#net/http-call.ts';
import type { PolicyDefinition, PolicyServices } from '#pipeline/policy.ts';

export interface Rehearsal {
  /** Answers in the place of all services. */
  readonly upstreams: UpstreamStub;
  /** In execution order, where they are not those of the program. Their settings are the same. */
  readonly policies?: readonly PolicyDefinition[] | undefined;
  /** Asks servers that are no services; without it, they are asked. */
  readonly callHttp?: CallHttp | undefined;
  /** Lets policies wait, where time is not that of the machine. */
  readonly later?: PolicyServices['later'] | undefined;
  /** Ids of injected requests, where they are not to be new. */
  nextRequestId?(): string;
  /** No route has been looked for yet. */
  begin?(exchange: Exchange): void;
  finish?(exchange: Exchange): void;
}
