export interface LoadFigures {
  readonly requests: number;
  readonly failed: number;
  /** Reasons of failures, with how often each came. */
  readonly failures: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly worstUs: number;
}

const HISTOGRAM_US = 2_000_000;

/** Latencies in microseconds, exact below two seconds. */
export class LatencyWindow {
  readonly #counts = new Uint32Array(HISTOGRAM_US);
  readonly #failures = new Map<string, number>();
  #requests = 0;
  #worstUs = 0;
  #startedMs = performance.now();

  add(us: number): void {
    this.#requests += 1;
    this.#worstUs = Math.max(this.#worstUs, us);
    this.#counts[Math.min(Math.floor(us), HISTOGRAM_US - 1)]! += 1;
  }

  fail(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** The figures so far; then it begins anew. */
  take(): LoadFigures {
    const nowMs = performance.now();
    const figures: LoadFigures = {
      requests: this.#requests,
      failed: [...this.#failures.values()].reduce((sum, count) => sum + count, 0),
      failures: Object.fromEntries(this.#failures),
      seconds: (nowMs - this.#startedMs) / 1000,
      p50Us: this.#percentile(0.5),
      p99Us: this.#percentile(0.99),
      worstUs: Math.round(this.#worstUs),
    };
    this.#counts.fill(0);
    this.#failures.clear();
    this.#requests = this.#worstUs = 0;
    this.#startedMs = nowMs;
    return figures;
  }

  #percentile(share: number): number {
    let left = this.#requests * share;
    for (let us = 0; us < HISTOGRAM_US; us += 1) {
      left -= this.#counts[us]!;
      if (left <= 0) return us;
    }
    return HISTOGRAM_US;
  }
}
