import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';

const QUIET_MS = 1_000;

/** Tells of refused connections: the first at once, a flood of them in one line a second that says how many there were. */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  add(refusal: { readonly listener: string; readonly clientAddress: string; readonly cap: string }): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#quietUntilMs) {
      this.#unsaid += 1;
      return;
    }
    const others = this.#unsaid === 0 ? {} : { othersSince: this.#unsaid };
    this.#logger.log('warn', 'connection refused', { ...refusal, ...others });
    this.#quietUntilMs = nowMs + QUIET_MS;
    this.#unsaid = 0;
  }
}
