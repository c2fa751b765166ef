/** Waits for less than a tick of the timer wheel. Made for a request that is retried or hedged, and for no other. */
export class ShortTimer {
  readonly #onPassed: () => void;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(onPassed: () => void) {
    this.#onPassed = onPassed;
  }

  /** Calls back once, unless it is stopped or started anew before. */
  start(delayMs: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#onPassed();
    }, delayMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
