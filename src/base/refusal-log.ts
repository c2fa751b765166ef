import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

const QUIET_MS = 1_000;

/** Tells of what clients can cause as often as they like: the first at once, a flood in one line a second that says how many there were. */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #message: string;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(logger: Logger, clock: Clock, message: string) {
    this.#logger = logger;
    this.#clock = clock;
    this.#message = message;
  }

  add(refusal: Readonly<Record<string, string>>): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#quietUntilMs) {
      this.#unsaid += 1;
      return;
    }
    const others = this.#unsaid === 0 ? {} : { othersSince: this.#unsaid };
    this.#logger.log('warn', this.#message, { ...refusal, ...others });
    this.#quietUntilMs = nowMs + QUIET_MS;
    this.#unsaid = 0;
  }
}
