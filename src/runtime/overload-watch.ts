/** Looks how far the event loop of this thread is behind, where the configuration asks for it, and tells when it is too far. */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import type { Logger } from '#base/logger.ts';
import type { OverloadSettings } from '#config/overload-schema.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { LoadShedding, SAMPLE_EVERY_MS } from './load-shedding.ts';

const RETRY_AFTER_MS = 1_000;
/** It is over when nothing was refused for so long: around the limit it would be told all the time. */
const CALM_MS = 5_000;

export class OverloadWatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** `undefined`: nothing is ever refused. */
  shedding: LoadShedding | undefined = undefined;
  /** The same for all: in a thread that is behind, an error with a stack of its own for each request would cost too much. */
  readonly refusal: GatewayError = gatewayErrors.overloaded(undefined, { retryAfterMs: RETRY_AFTER_MS });
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;
  #overMs = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  follow(settings: OverloadSettings | undefined): void {
    if (settings === undefined) return this.stop();
    this.shedding?.setLimit(settings.delay);
    this.shedding ??= new LoadShedding(settings.delay, this.#clock.monotonicMs());
    this.#timer ??= setInterval(() => this.#look(), SAMPLE_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.shedding = undefined;
    this.#isTold = false;
  }

  #look(): void {
    const shedding = this.shedding!;
    const nowMs = this.#clock.monotonicMs();
    shedding.sample(nowMs);
    if (shedding.threshold > 0) this.#tellBegin(shedding, nowMs);
    else if (this.#isTold && nowMs - this.#overMs >= CALM_MS) this.#tellEnd(shedding);
  }

  #tellBegin({ delayMs }: LoadShedding, nowMs: number): void {
    this.#overMs = nowMs;
    if (this.#isTold) return;
    this.#isTold = true;
    this.#logger.log('warn', 'thread overloaded', { delayMs: Math.round(delayMs) });
  }

  #tellEnd(shedding: LoadShedding): void {
    this.#isTold = false;
    this.#logger.log('info', 'thread no longer overloaded', { refused: shedding.refusedCount });
    shedding.refusedCount = 0;
  }
}
