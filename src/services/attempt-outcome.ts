import type { GatewayError } from '#base/errors.ts';
import type { Endpoint } from './endpoint.ts';

/** What became of one try against one endpoint. Times are monotonic. */
export interface AttemptOutcome {
  readonly endpoint: Endpoint;
  readonly startedMs: number;
  /** When the head of the answer was there; 0: none came. */
  readonly headMs: number;
  readonly endedMs: number;
  /** Of the answer; 0: none came. Of a call of gRPC that has failed, the status of HTTP that says as much. */
  readonly status: number;
  /** Why it failed. `undefined` when there was a whole answer, or when nobody awaited it any more. */
  readonly error: GatewayError | undefined;
  /** Nobody awaited the end: the client has gone, or another attempt was faster. Says nothing about the endpoint. */
  readonly isCancelled: boolean;
  /** What it was sent over; `undefined`: there was none, or nobody has asked. */
  readonly hadConnection?: 'new' | 'used' | undefined;
}

/** Who learns from attempts. */
export interface AttemptObserver {
  /**
   * Once for each attempt. The endpoint does not count it as active any more, unless it has become a connection whose bytes
   * are passed on: that is active until it ends, and not spoken of again.
   */
  onAttemptEnded(outcome: AttemptOutcome): void;
}
