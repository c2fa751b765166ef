/** Whoever listens to what an exchange carries, byte for byte, without changing or delaying any of it. */
import { defineSlot, type Exchange, type RequestTap } from './exchange.ts';
import type { AnswerEvents, AttemptHead } from './upstream-call.ts';

/** Which attempt it is. */
export interface TappedAttempt {
  readonly service: string;
  readonly endpoint: string;
}

export interface ExchangeTap extends RequestTap {
  /** A request is about to go to an upstream. What comes of it is told to what this returns, which tells `events`. */
  tapAttempt(attempt: TappedAttempt, head: AttemptHead, events: AnswerEvents): AnswerEvents;
}

const tapSlot = defineSlot<ExchangeTap>('tap');

/** From now on, besides whoever does already. */
export function tapExchange(exchange: Exchange, tap: ExchangeTap): void {
  const present = exchange.get(tapSlot);
  const joined = present === undefined ? tap : new JoinedTaps(present, tap);
  exchange.set(tapSlot, joined);
  exchange.tap = joined;
}

/** Who is told what comes of an attempt that is made for an exchange: `events`, by way of whoever taps that one. */
export function tapAttempt(exchange: Exchange, attempt: TappedAttempt, head: AttemptHead, events: AnswerEvents): AnswerEvents {
  return exchange.get(tapSlot)?.tapAttempt(attempt, head, events) ?? events;
}

/** Passes on everything that an upstream says. */
export class PassedEvents implements AnswerEvents {
  readonly #events: AnswerEvents;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  onUpstreamConnected(): void {
    this.#events.onUpstreamConnected();
  }

  onInformational(head: Parameters<AnswerEvents['onInformational']>[0]): void {
    this.#events.onInformational(head);
  }

  onUpstreamHead(head: Parameters<AnswerEvents['onUpstreamHead']>[0]): void {
    this.#events.onUpstreamHead(head);
  }

  onUpstreamChunk(view: Buffer): void {
    this.#events.onUpstreamChunk(view);
  }

  onUpstreamText(text: string): void {
    this.#events.onUpstreamText(text);
  }

  onUpstreamEnd(trailers: readonly string[] | undefined): void {
    this.#events.onUpstreamEnd(trailers);
  }

  onUpstreamFlush(): void {
    this.#events.onUpstreamFlush();
  }

  onUpstreamDrained(): void {
    this.#events.onUpstreamDrained();
  }

  onUpstreamError(error: Parameters<AnswerEvents['onUpstreamError']>[0]): void {
    this.#events.onUpstreamError(error);
  }
}

/** Two who listen to the same exchange. */
class JoinedTaps implements ExchangeTap {
  readonly #first: ExchangeTap;
  readonly #second: ExchangeTap;

  constructor(first: ExchangeTap, second: ExchangeTap) {
    this.#first = first;
    this.#second = second;
  }

  onRequestChunk(exchange: Exchange, view: Buffer): void {
    this.#first.onRequestChunk(exchange, view);
    this.#second.onRequestChunk(exchange, view);
  }

  tapAttempt(attempt: TappedAttempt, head: AttemptHead, events: AnswerEvents): AnswerEvents {
    return this.#first.tapAttempt(attempt, head, this.#second.tapAttempt(attempt, head, events));
  }
}
