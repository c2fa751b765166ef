/**
 * The generic cell rate algorithm (ITU-T I.371): of each key only one time is kept, that at which everything it has taken is
 * back. A request moves it on by the time that one request takes to come back; one that would move it further ahead of now
 * than a whole burst takes is refused. Times are ticks modulo 2³¹, so that one fits into a word that threads exchange.
 */

import type { AllowanceRule } from '#base/allowances.ts';
import { assert } from '#base/assert.ts';

/** Times come round after so many ticks. */
const ROUND = 2 ** 31;
export const TICK_MASK = ROUND - 1;
/** The furthest that a time may be ahead: what looks further ahead is long past. */
const AHEAD_MAX = ROUND / 4;
/** Clocks of threads agree to about a microsecond, and no counts need more. */
const TICK_MS_MIN = 0.001;
/**
 * How far a time may be ahead where it may be beyond its burst. A time that has passed looks as far ahead as a round less what
 * it has passed by, which is at most a second: nobody looks at it later.
 */
export const OWED_TICKS_MAX = ROUND / 2;
/** How far a time may be ahead beyond its burst, because another thread reads its clock a moment later. */
const SKEW_MS = 50;

export class Gcra {
  /** Ticks by which one request moves the time on. */
  readonly increment: number;
  /** Ticks by which the time may be ahead of now. */
  readonly capacity: number;
  readonly tickMs: number;
  readonly #aheadMax: number;

  /** `mayOwe`: somebody may have taken more than a burst. */
  constructor({ limit, windowMs, burst }: AllowanceRule, { mayOwe = false }: { readonly mayOwe?: boolean } = {}) {
    const spacingMs = windowMs / limit;
    // A whole number of ticks, so that no rounding adds up however long a key keeps asking.
    const ticks = Math.min(Math.floor(spacingMs / TICK_MS_MIN), Math.floor(AHEAD_MAX / (burst + 1)));
    this.increment = Math.max(1, ticks);
    this.capacity = this.increment * burst;
    assert(this.capacity <= AHEAD_MAX, 'a burst fits into half a round of ticks');
    this.tickMs = spacingMs / this.increment;
    this.#aheadMax = mayOwe ? OWED_TICKS_MAX : this.capacity + Math.ceil(SKEW_MS / this.tickMs);
  }

  toTick(nowMs: number): number {
    // To the nearest, so that a request which comes just when it may is not early by a fraction of a tick.
    const tick = Math.round(nowMs / this.tickMs);
    // Several times as fast as `%`.
    return tick - Math.floor(tick / ROUND) * ROUND;
  }

  /** How far a time is ahead of now; 0 when it has passed. */
  aheadOf(arrivalTick: number, nowTick: number): number {
    const ahead = (arrivalTick - nowTick) & TICK_MASK;
    return ahead > this.#aheadMax ? 0 : ahead;
  }

  /** Whether one more may be taken by who is so far ahead. */
  admits(ahead: number): boolean {
    return ahead + this.increment <= this.capacity;
  }

  /** How many more may be taken at once by who is so far ahead. */
  remaining(ahead: number): number {
    return Math.max(0, Math.floor((this.capacity - ahead) / this.increment));
  }

  /** How long until one more may be taken by who is so far ahead; 0: now. */
  nextInMs(ahead: number): number {
    return Math.max(0, ahead + this.increment - this.capacity) * this.tickMs;
  }
}
