/** What a configuration says of how a service is protected. */
export interface BreakerDefinition {
  readonly per: 'service' | 'endpoint';
  /** From this share of failures on it opens, from 0 to 1. */
  readonly failureShare: number;
  readonly overMs: number;
  readonly requestsMin: number;
  readonly openForMs: number;
  readonly probes: number;
}

/** Within these bounds a thread finds out by itself how many exchanges a service can have at a time. */
export interface AdaptiveBounds {
  readonly limitMin: number;
  readonly limitMax: number;
}

export interface ConcurrencyDefinition {
  /** Of all threads together. */
  readonly runningMax: number | undefined;
  /** Of each thread. */
  readonly perEndpointMax: number | undefined;
  readonly adaptive: AdaptiveBounds | undefined;
  /** `undefined`: a part of how many may run. */
  readonly queueMax: number | undefined;
  readonly queueTimeoutMs: number;
}

export interface ProtectionDefinition {
  readonly breaker: BreakerDefinition | undefined;
  readonly concurrency: ConcurrencyDefinition | undefined;
  /** The service's own record on the endpoint board. */
  readonly slot: number;
}
