/**
 * Where exchanges wait until a service can have one more. Each holds its place from then until its end. How many run is
 * counted for all threads together where it is a fixed number; each thread has its own waiting line, and finds out its own
 * adaptive limit.
 */
import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { ExchangeHold } from '#http/exchange.ts';
import { serviceErrors } from '../service-errors.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';
import type { Importance } from './importance.ts';
import type { ConcurrencyDefinition } from './protection-definition.ts';
import type { SharedPlaces } from './shared-places.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

/**
 * Where nothing else is said, so many wait as this part of those that run: enough for small bursts, and too few to make
 * answers late. Who matters more is rather late than refused; its turn comes soon, because it goes first.
 */
const queueShares: Readonly<Record<Importance, number>> = { critical: 1, high: 1, normal: 0.25, low: 0.25 };
/** Whoever is refused hears when it makes sense to try again. */
const RETRY_AFTER_MS = 1_000;

/** The endpoints that can be picked at the moment. */
export interface PickableEndpoints {
  count(): number;
  /** Whether one of them has fewer attempts than this. */
  hasOneBelow(activeMax: number): boolean;
}

export interface GateMeans {
  readonly wheel: TimerWheel;
  readonly places: SharedPlaces | undefined;
  readonly endpoints: PickableEndpoints;
  readonly service: string;
  /** There is a place for it. */
  readonly enter: (candidate: Candidate) => void;
}

/** An exchange that would like to be sent to a service. */
export interface Candidate {
  /** Whoever is answered in another way has ended with that, so that what it held is free. */
  readonly exchange: { hold(hold: ExchangeHold): void };
  /** Makes the first attempt. Throws nothing. */
  enter(): void;
  /** Throws nothing. */
  refuse(error: GatewayError): void;
}

export class Gate {
  readonly adaptive: AdaptiveLimit | undefined;
  readonly #definition: ConcurrencyDefinition;
  readonly #means: GateMeans;
  readonly #line = new WaitingLine<Ticket>();
  readonly #serveLater = () => this.#serve();
  /** Of this thread. */
  #running = 0;
  #isServing = false;

  constructor(definition: ConcurrencyDefinition, means: GateMeans) {
    this.#definition = definition;
    this.#means = means;
    this.adaptive = definition.adaptive === undefined ? undefined : new AdaptiveLimit(definition.adaptive);
  }

  get running(): number {
    return this.#running;
  }

  /** Of this thread. */
  get waitingCount(): number {
    return this.#line.length;
  }

  /** Lets somebody in now, later, or not at all; then the exchange ends with an error. */
  admit(candidate: Candidate, importance: Importance): void {
    const ticket = new Ticket(this, candidate, importance);
    candidate.exchange.hold(ticket);
    if (this.#line.length === 0 && this.#takePlace()) return this.#enter(ticket);
    const { places, service } = this.#means;
    const waiting = places?.waiting.total ?? this.#line.length;
    const last = this.#line.lastBelow(importance) ?? ticket;
    const isTooMany = waiting >= this.#queueMax(last.importance);
    if (isTooMany) this.#refuse(last, serviceErrors.overloaded({ service }, { retryAfterMs: RETRY_AFTER_MS }));
    if (!isTooMany || last !== ticket) this.#wait(ticket);
  }

  /** For what is sent now or not at all, behind everybody who waits. `undefined`: there is no place now. */
  takeNow(): ExchangeHold | undefined {
    if (this.#line.length > 0 || !this.#takePlace()) return undefined;
    this.adaptive?.onStarted(this.#running);
    let isHeld = true;
    return {
      release: () => {
        if (isHeld) this.#givePlace();
        isHeld = false;
      },
    };
  }

  /** Called by the ticket alone, at the end of its exchange. */
  leave(ticket: Ticket): void {
    if (ticket.state === 'waiting') this.#takeOut(ticket);
    else if (ticket.state === 'running') this.#givePlace();
    ticket.state = 'over';
  }

  /** Called by the ticket alone: it has waited for long enough. */
  onWaitedTooLong(ticket: Ticket): void {
    const { service } = this.#means;
    this.#refuse(ticket, serviceErrors.queueTimeout({ service }, { retryAfterMs: RETRY_AFTER_MS }));
  }

  #refuse(ticket: Ticket, error: GatewayError): void {
    // Another service may be asked now, so that its end comes later, and nobody is to let it in until then.
    this.leave(ticket);
    ticket.candidate.refuse(error);
  }

  #wait(ticket: Ticket): void {
    const { wheel, places } = this.#means;
    ticket.state = 'waiting';
    this.#line.push(ticket);
    wheel.arm(ticket, this.#definition.queueTimeoutMs);
    places?.waiting.take(Number.POSITIVE_INFINITY);
    // A place may have been given back before anybody could see that somebody waits for it, or an endpoint has come back.
    this.#serve();
  }

  #takeOut(ticket: Ticket): void {
    this.#line.remove(ticket);
    this.#means.wheel.remove(ticket);
    this.#means.places?.waiting.give();
  }

  #enter(ticket: Ticket): void {
    ticket.state = 'running';
    this.adaptive?.onStarted(this.#running);
    this.#means.enter(ticket.candidate);
  }

  /** An attempt is over: its endpoint may have room for somebody who waits, although no exchange has ended. */
  onAttemptEnded(): void {
    if (this.#definition.perEndpointMax !== undefined && this.#line.length > 0) queueMicrotask(this.#serveLater);
  }

  #takePlace(): boolean {
    if (this.#running >= (this.adaptive?.limit ?? Number.POSITIVE_INFINITY) || !this.#hasFreeEndpoint) return false;
    if (this.#means.places?.take() === false) return false;
    this.#running += 1;
    return true;
  }

  #givePlace(): void {
    this.#running -= 1;
    // A thread that served itself first would keep its places for ever, and the others would wait in vain.
    const isForAll = this.#means.places?.give() ?? false;
    // Not in the middle of the end of another exchange.
    if (!isForAll && this.#line.length > 0) queueMicrotask(this.#serveLater);
  }

  #serve(): void {
    // Whoever enters may be over at once; then this is the one loop that goes on.
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      this.#serveLine();
    } finally {
      this.#isServing = false;
    }
  }

  #serveLine(): void {
    const { places } = this.#means;
    let givenCount: number | undefined;
    do {
      givenCount = places?.givenCount;
      for (let next = this.#line.first; next !== undefined && this.#takePlace(); next = this.#line.first) {
        this.#takeOut(next);
        this.#enter(next);
      }
    } while (this.#line.length > 0 && givenCount !== undefined && places?.listen(givenCount, this.#serveLater) === false);
  }

  /** Where there is no endpoint at all nobody waits for one. */
  get #hasFreeEndpoint(): boolean {
    const { perEndpointMax } = this.#definition;
    if (perEndpointMax === undefined) return true;
    const { endpoints } = this.#means;
    return endpoints.hasOneBelow(perEndpointMax) || endpoints.count() === 0;
  }

  /** Up to how many may wait before somebody of this importance is refused, if nobody in the line matters less. */
  #queueMax(importance: Importance): number {
    const { queueMax, runningMax, perEndpointMax } = this.#definition;
    if (queueMax !== undefined) return queueMax;
    const mayRun = Math.min(
      this.adaptive?.limit ?? Number.POSITIVE_INFINITY,
      runningMax ?? Number.POSITIVE_INFINITY,
      perEndpointMax === undefined ? Number.POSITIVE_INFINITY : perEndpointMax * this.#means.endpoints.count(),
    );
    return Math.max(1, Math.floor(mayRun * queueShares[importance])) + (this.adaptive?.suspended ?? 0);
  }
}

/** What an exchange holds at the gate, from its arrival to its end. */
class Ticket extends WheelTimer implements Waiting, ExchangeHold {
  readonly candidate: Candidate;
  readonly importance: Importance;
  next: Waiting | undefined = undefined;
  previous: Waiting | undefined = undefined;
  state: 'new' | 'waiting' | 'running' | 'over' = 'new';
  readonly #gate: Gate;

  constructor(gate: Gate, candidate: Candidate, importance: Importance) {
    super();
    this.candidate = candidate;
    this.importance = importance;
    this.#gate = gate;
  }

  release(): void {
    this.#gate.leave(this);
  }

  override onDeadline(): void {
    this.#gate.onWaitedTooLong(this);
  }
}
