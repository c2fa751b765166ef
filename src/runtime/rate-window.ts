/** At most so many in each second: what is more is let go. */
export class RateWindow {
  readonly #perSecondMax: number;
  #windowMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax;
  }

  hasRoom(nowMs: number): boolean {
    return this.#count < this.#perSecondMax || nowMs - this.#windowMs >= 1_000;
  }

  take(nowMs: number): boolean {
    if (nowMs - this.#windowMs >= 1_000) {
      this.#windowMs = nowMs;
      this.#count = 0;
    }
    if (this.#count >= this.#perSecondMax) return false;
    this.#count += 1;
    return true;
  }
}
