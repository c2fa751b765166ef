/** How long somebody who cannot be reached is left alone: longer each time. */
const FIRST_PAUSE_MS = 250;
const PAUSE_MS_MAX = 30_000;

export class GrowingPause {
  #nextMs = FIRST_PAUSE_MS;

  /** It has failed once more. */
  next(): number {
    const pauseMs = this.#nextMs;
    this.#nextMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    return pauseMs;
  }

  /** All is well again. */
  reset(): void {
    this.#nextMs = FIRST_PAUSE_MS;
  }
}
