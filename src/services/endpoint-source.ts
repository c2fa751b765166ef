/** What finds endpoints of a service while the gateway runs. In the control thread. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { EndpointUrl } from '#schema/endpoint-url.ts';

/** An endpoint as somebody names it who does not know of boards. */
export interface EndpointTarget {
  readonly url: EndpointUrl;
  readonly weight: number;
  /** Without one, 0. */
  readonly priority?: number | undefined;
  readonly zone?: string | undefined;
}

export interface EndpointSource {
  start(): void;
  /** Says nothing any more. */
  stop(): void;
}

/** What a source is lent. */
export interface EndpointSourceMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wheel: TimerWheel;
  /** From 0 to 1, so that many gateways do not ask in step. */
  random(): number;
  /** The service that endpoints are found for. */
  readonly service: string;
  /** All endpoints that there are now. Not called while nothing better is known than before. */
  onEndpoints(endpoints: readonly EndpointTarget[]): void;
  /** It was asked in vain: nobody needs to wait for its first answer. */
  onFailed(): void;
}
