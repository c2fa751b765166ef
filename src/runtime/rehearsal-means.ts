/** What a rehearsal gives a data plane in the place of the world around it: nothing leaves the process, and time is its own. */
import type { Exchange } from '#http/exchange.ts';
import type { CallHttp } from '#net/http-call.ts';
import type { PolicyDefinition, PolicyServices } from '#pipeline/policy.ts';
import type { OpenPool } from '#services/endpoint.ts';

export interface RehearsalMeans {
  readonly openPool: OpenPool;
  readonly callHttp: CallHttp;
  readonly later: PolicyServices['later'];
  /** In execution order. */
  readonly policies: readonly PolicyDefinition[];
  /** An exchange without a connection begins; no route has been looked for yet. */
  onExchange(exchange: Exchange): void;
}
