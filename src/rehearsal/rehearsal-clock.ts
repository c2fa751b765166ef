/**
 * The time of a rehearsal. It stands still, so that a rate limit counts the same on a slow machine, and moves when somebody
 * says so, when an answer of a stub takes its time, and while a request waits for something else for long.
 */
import type { Clock } from '#base/clock.ts';

/** Time passes in such steps, so that what falls due on the way happens in its order. */
const STEP_MS = 100;
/** A longer time passes in longer steps. */
const STEPS_MAX = 5_000;
/** A request that has waited for so long, of real time, waits for time to pass. */
const PATIENCE_MS = 50;
/** Differs from the calendar, so that mixing the two up shows. */
const MONOTONIC_START_MS = 1_000_000;

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

export class RehearsalClock implements Clock {
  #passedMs = 0;
  readonly #startWallMs: number;
  readonly #sleepers = new Set<Sleeper>();
  #onPassed: () => void = () => {};
  #isDriving = false;
  #waiting = 0;
  #patience: NodeJS.Timeout | undefined;
  #settledCount = 0;
  /** When it was looked at last. */
  #settledBefore = 0;

  constructor(startWallMs: number) {
    this.#startWallMs = startWallMs;
  }

  monotonicMs(): number {
    return MONOTONIC_START_MS + this.#passedMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#passedMs;
  }

  /** Whoever has timers that run by this clock is told whenever it has moved. */
  follow(onPassed: () => void): void {
    this.#onPassed = onPassed;
  }

  /** Lets time pass, with all that falls due. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#passedMs + ms;
    const stepMs = Math.max(STEP_MS, ms / STEPS_MAX);
    while (this.#passedMs < endMs) {
      this.#pass(Math.min(stepMs, endMs - this.#passedMs));
      await turn();
    }
    // The wheel fires a tick behind a deadline.
    this.#onPassed();
    await turn();
  }

  /** Moves the time at once; what falls due meanwhile happens afterwards. */
  jump(ms: number): void {
    this.#pass(ms);
  }

  /** Runs something once so much time has passed, and has it pass where nothing else happens; what is returned calls it off. */
  later(ms: number, run: () => void): () => void {
    const sleeper: Sleeper = { untilMs: this.#passedMs + ms, wake: run };
    this.#sleepers.add(sleeper);
    void this.#drive();
    return () => this.#sleepers.delete(sleeper);
  }

  /** A request waits for its answer, until `settled`. */
  waits(): void {
    this.#waiting += 1;
    if (this.#sleepers.size > 0) void this.#drive();
    this.#patience ??= setInterval(() => this.#passSlowly(), PATIENCE_MS);
    this.#patience.ref();
  }

  settled(): void {
    this.#waiting -= 1;
    this.#settledCount += 1;
    if (this.#waiting === 0) this.#patience?.unref();
  }

  /** Nobody asks any more. */
  stop(): void {
    clearInterval(this.#patience);
    this.#patience = undefined;
  }

  #passSlowly(): void {
    const isStuck = this.#waiting > 0 && this.#sleepers.size === 0 && this.#settledCount === this.#settledBefore;
    this.#settledBefore = this.#settledCount;
    if (isStuck) this.#pass(PATIENCE_MS);
  }

  async #drive(): Promise<void> {
    if (this.#isDriving) return;
    this.#isDriving = true;
    try {
      // Whoever sleeps may have company, such as the other calls of an aggregate.
      await turn();
      while (this.#sleepers.size > 0 && this.#waiting > 0) {
        const nextMs = this.#findNextMs();
        this.#pass(Math.max(0, Math.min(STEP_MS, nextMs - this.#passedMs)));
        await turn();
      }
    } finally {
      this.#isDriving = false;
    }
  }

  #findNextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#sleepers) nextMs = Math.min(nextMs, untilMs);
    return nextMs;
  }

  #pass(ms: number): void {
    this.#passedMs += ms;
    this.#onPassed();
    for (const sleeper of [...this.#sleepers]) {
      if (sleeper.untilMs > this.#passedMs) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

/** All that is ready goes on before this does. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
