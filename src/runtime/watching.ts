/**
 * Who watches exchanges of one thread: operators who tap them, developers who have theirs explained, and the list of those that
 * have failed. What is told to the control thread is bounded, whatever the traffic.
 */
import type { Clock } from '#base/clock.ts';
import type { Exchange } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import { toExchangeRecord } from '#http/exchange-record.ts';
import { SecretNames } from '#http/secret-names.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import { Debugging } from './debugging.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { RateWindow } from './rate-window.ts';
import { Taps } from './taps.ts';
import { toWatchedRequest } from './watching-messages.ts';

/** Failures that a thread tells of in a second: enough to see what they are. */
const FAILURES_PER_SECOND_MAX = 20;
const DROPPED_TOLD_EVERY_MS = 1_000;

export interface WatchingOptions {
  readonly clock: Clock;
  /** Tells the control thread. */
  tell(observed: Observed): void;
}

export class Watching {
  readonly #options: WatchingOptions;
  readonly #taps = new Taps();
  readonly #debugging: Debugging;
  readonly #failures = new RateWindow(FAILURES_PER_SECOND_MAX);
  #droppedTimer: NodeJS.Timeout | undefined;
  #names = new SecretNames();
  /** Somebody may want to know of an exchange from its beginning. */
  isArmed = false;
  /** Those that fail are told of. */
  keepsFailures = false;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.#debugging = new Debugging(options);
  }

  /** A configuration is the present one. */
  follow({ admin, debug }: SettingsOfConfiguration, names: SecretNames): void {
    this.#names = names;
    this.#debugging.names = names;
    // Without an admin address, nobody could ask for them.
    this.keepsFailures = admin !== undefined;
    this.#debugging.key = debug?.key;
    this.#arm();
  }

  obey(order: ObservingOrder): void {
    if (order.kind === 'debug-document') return this.#debugging.answer(order);
    if (order.kind !== 'tap') return;
    this.#taps.follow(order.taps);
    this.#arm();
    clearInterval(this.#droppedTimer);
    if (!this.#taps.isEmpty) this.#droppedTimer = setInterval(() => this.#tellDropped(), DROPPED_TOLD_EVERY_MS).unref();
  }

  /** Called only while somebody may want to know. */
  begin(exchange: Exchange): void {
    const isWatched = this.#debugging.begin(exchange) || this.#taps.mayTake(exchange);
    if (isWatched) exchange.journal ??= new ExchangeJournal(this.#options.clock);
  }

  /** Called for exchanges that have a journal, and for those that have failed where these are kept. */
  finish(exchange: Exchange): void {
    const { clock, tell } = this.#options;
    const nowMs = clock.monotonicMs();
    const taps = exchange.journal === undefined ? [] : this.#taps.takersOf(exchange, nowMs);
    const hasFailed = this.keepsFailures && isFailure(exchange) && this.#failures.take(nowMs);
    const isKept = this.#debugging.keeps(exchange);
    if (taps.length === 0 && !hasFailed && !isKept) return;
    const isToBeExplained = hasFailed || isKept || taps.some(({ explains }) => explains);
    tell({
      kind: 'exchange',
      record: toExchangeRecord(exchange, clock.wallMs() - nowMs, this.#names),
      request: isToBeExplained ? toWatchedRequest(exchange) : undefined,
      taps: taps.map(({ id }) => id),
      hasFailed,
      isKept,
      documentId: undefined,
    });
  }

  /** Called for those that have none. */
  passOver(exchange: Exchange): void {
    if (!this.#taps.isEmpty) this.#taps.passOver(exchange);
  }

  close(): void {
    clearInterval(this.#droppedTimer);
    this.#debugging.close();
  }

  #arm(): void {
    this.isArmed = !this.#taps.isEmpty || this.#debugging.key !== undefined;
  }

  #tellDropped(): void {
    const counts = this.#taps.takeDroppedCounts();
    if (counts.length > 0) this.#options.tell({ kind: 'tap-dropped', counts });
  }
}

/** The client has got no answer of a service, or one that says that something is broken. */
export function isFailure({ status, error }: Pick<Exchange, 'status' | 'error'>): boolean {
  return status >= 500 || (error !== undefined && error.kind.side !== 'client');
}
