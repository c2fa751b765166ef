/** Timers that are run by hand. */
import assert from 'node:assert/strict';

export class HandRunTimers {
  readonly waiting: { readonly delayMs: number; readonly run: () => void }[] = [];

  readonly add = (delayMs: number, run: () => void): (() => void) => {
    const timer = { delayMs, run };
    this.waiting.push(timer);
    return () => this.#remove(timer);
  };

  /** Runs what waits for so long. */
  run(delayMs: number): void {
    const timer = this.waiting.find((other) => other.delayMs === delayMs);
    assert.ok(timer !== undefined, `nothing waits for ${delayMs} ms`);
    this.#remove(timer);
    timer.run();
  }

  has(delayMs: number): boolean {
    return this.waiting.some((timer) => timer.delayMs === delayMs);
  }

  #remove(timer: (typeof this.waiting)[number]): void {
    const at = this.waiting.indexOf(timer);
    if (at >= 0) this.waiting.splice(at, 1);
  }
}
