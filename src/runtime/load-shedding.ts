/**
 * How much of its requests a thread refuses because its event loop is behind. All that a request costs is to look whether
 * `threshold` is above 0. It rises while work waits for longer than it may, and falls otherwise, so that as much is refused as
 * is too much: first of the routes with rank 0, then all of those and of rank 1, and so on.
 */
import { NEVER_SHED } from '#pipeline/plan.ts';

/** How often it is looked. In a thread that is behind it is less often: once in each round of its event loop. */
export const SAMPLE_EVERY_MS = 10;
/** Of so much time the mean counts: one long round, as for a new configuration, is no overload. */
const WINDOW_MS = 100;
/** So many windows in a row begin it. */
const WINDOWS_MIN = 2;
/** A window changes the threshold by this. Up it goes as many times faster as the delay is longer than allowed. */
const STEP = 0.1;
const RISE_MAX = 5;

export class LoadShedding {
  /** 0: nothing is refused. */
  threshold = 0;
  /** Mean of the last window. */
  delayMs = 0;
  refusedCount = 0;
  #limitMs: number;
  #lastMs: number;
  #windowMs = 0;
  #sampleCount = 0;
  #windowsOver = 0;
  /** What has been refused too little so far, in requests. */
  #owed = 0;

  constructor(limitMs: number, nowMs: number) {
    this.#limitMs = limitMs;
    this.#lastMs = nowMs;
  }

  setLimit(limitMs: number): void {
    this.#limitMs = limitMs;
  }

  /** Only asked while `threshold` is above 0. */
  refuses(rank: number): boolean {
    const whole = Math.floor(this.threshold);
    if (rank > whole) return false;
    if (rank === whole) {
      this.#owed += this.threshold - whole;
      if (this.#owed < 1) return false;
      this.#owed -= 1;
    }
    this.refusedCount += 1;
    return true;
  }

  /** Called every `SAMPLE_EVERY_MS`, or as soon afterwards as the thread comes to it. */
  sample(nowMs: number): void {
    this.#windowMs += nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#sampleCount += 1;
    if (this.#windowMs < WINDOW_MS) return;
    this.delayMs = Math.max(0, this.#windowMs / this.#sampleCount - SAMPLE_EVERY_MS);
    this.#windowMs = 0;
    this.#sampleCount = 0;
    this.#judge();
  }

  #judge(): void {
    const isOver = this.delayMs > this.#limitMs;
    this.#windowsOver = isOver ? this.#windowsOver + 1 : 0;
    if (!isOver) this.threshold = this.threshold <= STEP ? 0 : this.threshold - STEP;
    else if (this.#windowsOver >= WINDOWS_MIN)
      this.threshold = Math.min(NEVER_SHED, this.threshold + STEP * Math.min(RISE_MAX, this.delayMs / this.#limitMs));
  }
}
