import type { Clock } from '#base/clock.ts';

/** The time of a recording, which goes on by itself while an exchange runs: limits count requests as if they came as they did. */
export class ReplayClock implements Clock {
  readonly #real: Clock;
  #wallOffsetMs: number;
  #monotonicOffsetMs = 0;

  constructor(real: Clock) {
    this.#real = real;
    this.#wallOffsetMs = 0;
  }

  monotonicMs(): number {
    return this.#real.monotonicMs() + this.#monotonicOffsetMs;
  }

  wallMs(): number {
    return this.#real.wallMs() + this.#wallOffsetMs;
  }

  /** It is this time of day. Both clocks only go forward, however the lines stand in the file. */
  advanceTo(wallMs: number): void {
    const isFirst = this.#wallOffsetMs === 0;
    const aheadMs = wallMs - this.wallMs();
    if (aheadMs > 0 || isFirst) this.#wallOffsetMs += aheadMs;
    if (aheadMs > 0 && !isFirst) this.#monotonicOffsetMs += aheadMs;
  }
}
