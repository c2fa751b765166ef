import type { Clock } from '#base/clock.ts';

/** A clock that moves when it is told to. Its two times start apart, odd and far from zero, so that mixing them up shows. */
export class FakeClock implements Clock {
  #monotonicMs = 73_456_789.25;
  #wallMs = Date.UTC(2031, 4, 7, 11, 13, 17, 719);

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** Lets time pass: both times move. */
  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time does not go back by ${ms} ms`);
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  /** Sets the calendar, as an operator or a time service would: durations do not notice. */
  jumpWallTo(wallMs: number): void {
    this.#wallMs = wallMs;
  }
}
