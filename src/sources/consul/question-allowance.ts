import type { Clock } from '#base/clock.ts';

const IN_A_ROW_MAX = 20;
const REFILL_MS = 100;

/** How soon Consul may be asked again: at once as long as answers come seldom, ten times a second where it changes all the time. */
export class QuestionAllowance {
  readonly #clock: Clock;
  #left = IN_A_ROW_MAX;
  #refilledMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#refilledMs = clock.monotonicMs();
  }

  /** How long to wait before the next question, in milliseconds. */
  take(): number {
    const nowMs = this.#clock.monotonicMs();
    const refills = Math.floor((nowMs - this.#refilledMs) / REFILL_MS);
    this.#refilledMs += refills * REFILL_MS;
    this.#left = Math.min(IN_A_ROW_MAX, this.#left + refills);
    if (this.#left === 0) return REFILL_MS;
    this.#left -= 1;
    return 0;
  }
}
