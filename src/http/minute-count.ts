const MINUTE_MS = 60_000;

/** Counts what happens within a minute; then it begins anew. */
export class MinuteCount {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Returns how often it has happened in this minute, with this time. */
  add(nowMs: number): number {
    if (nowMs - this.#sinceMs >= MINUTE_MS) {
      this.#sinceMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count;
  }

  /** Forgets what has happened in this minute. */
  reset(): void {
    this.#count = 0;
  }
}
