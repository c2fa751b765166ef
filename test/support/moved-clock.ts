import { type Clock, systemClock } from '#base/clock.ts';

/** The system's clock, some time ahead: for tests with others who have clocks of their own. */
export class MovedClock implements Clock {
  #aheadMs = 0;

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#aheadMs;
  }

  wallMs(): number {
    return systemClock.wallMs() + this.#aheadMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}
