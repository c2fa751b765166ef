/** What stands between exchanges and a service, on one thread: its circuit breaker, and the gate where exchanges wait. */

import type { Clock } from '#base/clock.ts';
import type { ErrorKind } from '#base/errors.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { ExchangeHold } from '#http/exchange.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { AttemptObserver, AttemptOutcome } from '../attempt-outcome.ts';
import type { Endpoint } from '../endpoint.ts';
import type { EndpointBoard } from '../endpoint-board.ts';
import { serviceErrors } from '../service-errors.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { type Candidate, Gate, type PickableEndpoints } from './gate.ts';
import type { Importance } from './importance.ts';
import type { ProtectionDefinition } from './protection-definition.ts';
import { SharedPlaces } from './shared-places.ts';

export interface ProtectionMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly board: EndpointBoard;
  readonly service: string;
  readonly endpoints: PickableEndpoints;
}

/** They say that the gateway sends no more, not that the service fails. */
const ownLimits: ReadonlySet<ErrorKind> = new Set([upstreamErrors.queueFull.kind, upstreamErrors.queueTimeout.kind]);

/** Of a service that any number of exchanges may run at. */
const noPlace: ExchangeHold = { release: () => undefined };

export class ServiceProtection implements AttemptObserver {
  readonly #definition: ProtectionDefinition;
  readonly #means: ProtectionMeans;
  readonly #gate: Gate | undefined;
  readonly #breaker: CircuitBreaker | undefined;
  readonly #endpointBreakers = new WeakMap<Endpoint, CircuitBreaker>();
  readonly #perEndpointMax: number;

  constructor(definition: ProtectionDefinition, means: ProtectionMeans) {
    this.#definition = definition;
    this.#means = means;
    const { concurrency, breaker, slot } = definition;
    const max = concurrency?.runningMax;
    const places = max === undefined ? undefined : new SharedPlaces(means.board, slot, max);
    this.#gate =
      concurrency === undefined
        ? undefined
        : new Gate(concurrency, { ...means, places, enter: (candidate) => this.#enter(candidate) });
    this.#breaker = breaker?.per === 'service' ? this.#breakerAt(slot) : undefined;
    this.#perEndpointMax = concurrency?.perEndpointMax ?? Number.POSITIVE_INFINITY;
  }

  /** Exchanges of this thread that wait for their turn. */
  get waitingCount(): number {
    return this.#gate?.waitingCount ?? 0;
  }

  /** Lets an exchange make its first attempt now, later, or not at all; then it ends with an error. */
  admit(candidate: Candidate, importance: Importance): void {
    // Nobody waits for a service that will not be asked.
    if (this.#breaker !== undefined && this.#breaker.openForMs(this.#nowMs) > 0) return this.#refuse(candidate);
    if (this.#gate === undefined) this.#enter(candidate);
    else this.#gate.admit(candidate, importance);
  }

  /** For what is sent now or not at all. `undefined`: not now. Otherwise a place, held for as long as it is under way. */
  admitNow(): ExchangeHold | undefined {
    if (this.#breaker !== undefined && this.#breaker.openForMs(this.#nowMs) > 0) return undefined;
    const place = this.#gate === undefined ? noPlace : this.#gate.takeNow();
    if (place === undefined || this.#isLetThrough()) return place;
    place.release();
    return undefined;
  }

  /** Whether an endpoint is to get an attempt, which is then made. */
  letsTo(endpoint: Endpoint): boolean {
    if (endpoint.active >= this.#perEndpointMax) return false;
    return this.#breakerOf(endpoint)?.letThrough(this.#nowMs) ?? true;
  }

  /** Whether it would get one now. Costs no probe. */
  hasRoomAt(endpoint: Endpoint): boolean {
    if (endpoint.active >= this.#perEndpointMax) return false;
    const breaker = this.#breakerOf(endpoint);
    return breaker === undefined || breaker.openForMs(this.#nowMs) === 0;
  }

  onAttemptEnded({ endpoint, startedMs, headMs, endedMs, status, error, isCancelled }: AttemptOutcome): void {
    this.#gate?.onAttemptEnded();
    if (isCancelled) return;
    const hasFailed = status >= 500 || (error?.kind.side === 'upstream' && !ownLimits.has(error.kind));
    (this.#breaker ?? this.#breakerOf(endpoint))?.onAttemptEnded(startedMs, endedMs, hasFailed);
    const adaptive = this.#gate?.adaptive;
    if (adaptive === undefined) return;
    const { running } = this.#gate!;
    if (isOverload(status, error?.status)) adaptive.onOverloaded(endedMs, running);
    // A failure may come fast, and says nothing about how long answers take.
    else if (headMs > 0 && status < 500) adaptive.onAnswered(headMs - startedMs, endedMs, running);
  }

  #enter(candidate: Candidate): void {
    if (this.#isLetThrough()) candidate.enter();
    else this.#refuse(candidate);
  }

  /** Where there is nobody to ask no attempt is made, and so no probe. */
  #isLetThrough(): boolean {
    return this.#breaker === undefined || this.#means.endpoints.count() === 0 || this.#breaker.letThrough(this.#nowMs);
  }

  #refuse(candidate: Candidate): void {
    const retryAfterMs = this.#breaker!.openForMs(this.#nowMs);
    candidate.refuse(serviceErrors.circuitOpen({ service: this.#means.service }, { retryAfterMs }));
  }

  #breakerOf(endpoint: Endpoint): CircuitBreaker | undefined {
    if (this.#definition.breaker?.per !== 'endpoint') return undefined;
    let breaker = this.#endpointBreakers.get(endpoint);
    if (breaker === undefined) {
      breaker = this.#breakerAt(endpoint.slot);
      this.#endpointBreakers.set(endpoint, breaker);
    }
    return breaker;
  }

  #breakerAt(slot: number): CircuitBreaker {
    const { words } = this.#means.board;
    return new CircuitBreaker(this.#definition.breaker!, words, this.#means.board.wordAt(slot, 0));
  }

  get #nowMs(): number {
    return this.#means.clock.monotonicMs();
  }
}

/** Too many requests, unavailable, or no answer in time. */
function isOverload(status: number, errorStatus: number | undefined): boolean {
  return status === 429 || status === 503 || errorStatus === 504;
}
