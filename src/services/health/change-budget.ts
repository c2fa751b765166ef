/** Keeps an endpoint that changes its state again and again from filling the log: a few lines at once, then one a minute. */
const LINES_AT_ONCE = 6;
const LINE_EVERY_MS = 60_000;

export class ChangeBudget {
  #lines = LINES_AT_ONCE;
  #filledMs: number;
  /** Changes that no line has told. */
  #untold = 0;

  constructor(nowMs: number) {
    this.#filledMs = nowMs;
  }

  addChange(): void {
    this.#untold += 1;
  }

  /** How many changes the next line stands for; 0: there must not be one yet, or there is nothing to tell. */
  take(nowMs: number): number {
    const filled = Math.floor((nowMs - this.#filledMs) / LINE_EVERY_MS);
    this.#lines = Math.min(LINES_AT_ONCE, this.#lines + filled);
    this.#filledMs += filled * LINE_EVERY_MS;
    if (this.#lines === 0 || this.#untold === 0) return 0;
    const changes = this.#untold;
    this.#untold = 0;
    this.#lines -= 1;
    return changes;
  }
}
