/**
 * A request of the gateway's own to a service of the configuration, made for an exchange: by a policy that asks somebody else,
 * or for an answer that is composed of several. It goes through the service's balancing, health, TLS and protection, and
 * its answer is read as a whole.
 */
import type { GatewayError } from '#base/errors.ts';
import type { Exchange, ExchangeHold, TriedAttempt } from '#http/exchange.ts';
import type { TimeLimit } from '#http/upstream-call.ts';

export interface ServiceRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Lower-case names and values, alternating; no `host`, nothing that frames a message. The gateway's own come behind them. */
  readonly fields: readonly string[];
  /** Has to be there as a whole. */
  readonly body?: Buffer | undefined;
  /** The host that a service with `host: client` is asked for. */
  readonly authority: string;
  /** It changes nothing, so that it may be sent again when a connection is lost. */
  readonly isRepeatable: boolean;
  /** From the start to the last byte of the answer. */
  readonly limit: TimeLimit;
  /** Of the answer's body. */
  readonly answerBytesMax: number;
  /** Of the span that it is made in, where that is not the one of the exchange. */
  readonly spanId?: string | undefined;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Lower-case names and values, alternating. */
  readonly fields: readonly string[];
  readonly body: Buffer;
}

/**
 * Never rejects: what goes wrong is an error of the service. When the exchange ends first the request is broken off, and the
 * error is not to be looked at. `service`: a name of the configuration.
 */
export type CallService = (exchange: Exchange, service: string, request: ServiceRequest) => Promise<ServiceAnswer | GatewayError>;

/** Who awaits one without a promise. */
export interface ServiceCallOwner {
  /** Once, also when it is broken off. It may be said before the call is known to whoever started it. */
  onServiceCallEnded(outcome: ServiceAnswer | GatewayError, call: StartedServiceCall): void;
}

/** A call on its way, or one that is over. To release it is to break it off. */
export interface StartedServiceCall extends ExchangeHold {
  /** Of the last attempt; `undefined`: there was none. */
  readonly endpoint: string | undefined;
  readonly attempts: number;
  /** Attempts that did not bring the answer. */
  readonly tried: readonly TriedAttempt[] | undefined;
}

/** The same as `CallService`, for one service and by the rules of its further attempts. */
export type StartServiceCall = (exchange: Exchange, request: ServiceRequest, owner: ServiceCallOwner) => StartedServiceCall;
