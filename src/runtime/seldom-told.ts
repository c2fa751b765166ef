/** Sums up what may happen often, so that it is told of at once and then only now and then. */
import type { Clock } from '#base/clock.ts';

const TOLD_EVERY_MS = 10_000;

export class SeldomTold {
  readonly #clock: Clock;
  #toldMs = Number.NEGATIVE_INFINITY;
  #sum = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns how much it was since it was told of last, if it is to be told of now. */
  add(count: number): number | undefined {
    this.#sum += count;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return undefined;
    this.#toldMs = nowMs;
    const sum = this.#sum;
    this.#sum = 0;
    return sum;
  }
}
