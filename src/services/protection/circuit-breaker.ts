/**
 * Stops asking somebody who mostly fails. Closed, it counts attempts in stretches of time; when too many of a stretch fail
 * it opens, and nobody is let through for a while. Then a few probes are (half-open): it closes when all of them succeed
 * and opens again with the first one that fails. Its state is in shared memory, so all threads see the same.
 */
import type { BreakerDefinition } from './protection-definition.ts';

/** Words of a record of the endpoint board, of a service or of an endpoint. */
const BreakerWord = {
  /** `Phase`, and above it how many probes are under way or done, and how many have succeeded. */
  state: 8,
  /** While open, when it ends; while half-open, when the probes have taken too long. */
  untilTick: 9,
  /** Number of the stretch that the next two are of. */
  stretch: 10,
  requests: 11,
  failures: 14,
} as const;

const Phase = { closed: 0, open: 1, halfOpen: 2 } as const;
const PHASE_MASK = 3;
const STARTED = 1 << 2;
const SUCCEEDED = 1 << 12;
const PROBES_MASK = 0x3ff;

/** Times in shared memory are whole numbers. They last for 248 days, and a comparison of two goes by their difference. */
const TICK_MS = 10;

export class CircuitBreaker {
  readonly #definition: BreakerDefinition;
  readonly #words: Int32Array;
  readonly #first: number;

  /** `first` is where the record begins. */
  constructor(definition: BreakerDefinition, words: Int32Array, first: number) {
    this.#definition = definition;
    this.#words = words;
    this.#first = first;
  }

  /** How long nobody will be let through; 0: somebody may be. */
  openForMs(nowMs: number): number {
    const state = this.#load(BreakerWord.state);
    if (state === Phase.closed) return 0;
    const remainingMs = ((this.#load(BreakerWord.untilTick) - toTick(nowMs)) | 0) * TICK_MS;
    if (remainingMs <= 0) return 0;
    return (state & PHASE_MASK) === Phase.open || startedOf(state) >= this.#definition.probes ? remainingMs : 0;
  }

  /** Whoever is let through makes an attempt: it may be a probe. */
  letThrough(nowMs: number): boolean {
    for (;;) {
      const state = this.#load(BreakerWord.state);
      if (state === Phase.closed) return true;
      const { untilTick } = BreakerWord;
      const until = this.#load(untilTick);
      const isOver = ((until - toTick(nowMs)) | 0) <= 0;
      if (isOver) {
        // Probes of which nobody has heard again (their clients have left) are followed by others.
        const next = toTick(nowMs + this.#definition.openForMs);
        if (Atomics.compareExchange(this.#words, this.#first + untilTick, until, next) !== until) continue;
        Atomics.store(this.#words, this.#first + BreakerWord.state, Phase.halfOpen | STARTED);
        return true;
      }
      if ((state & PHASE_MASK) === Phase.open || startedOf(state) >= this.#definition.probes) return false;
      if (this.#change(state, state + STARTED)) return true;
    }
  }

  /** An attempt is over that somebody waited for. */
  onAttemptEnded(startedMs: number, nowMs: number, hasFailed: boolean): void {
    const state = this.#load(BreakerWord.state);
    if (state === Phase.closed) this.#count(nowMs, hasFailed);
    else if ((state & PHASE_MASK) === Phase.halfOpen) this.#judgeProbe(state, startedMs, { nowMs, hasFailed });
  }

  #judgeProbe(seen: number, startedMs: number, { nowMs, hasFailed }: { nowMs: number; hasFailed: boolean }): void {
    // One that began before says nothing about how things are now.
    const sinceTick = this.#load(BreakerWord.untilTick) - toTick(this.#definition.openForMs);
    if (((toTick(startedMs) - sinceTick) | 0) < 0) return;
    if (hasFailed) return this.#open(seen, nowMs);
    for (let state = seen; (state & PHASE_MASK) === Phase.halfOpen; state = this.#load(BreakerWord.state)) {
      const isEnough = succeededOf(state) + 1 >= this.#definition.probes;
      if (this.#change(state, isEnough ? Phase.closed : state + SUCCEEDED)) return;
    }
  }

  #count(nowMs: number, hasFailed: boolean): void {
    const words = this.#words;
    const first = this.#first;
    const { overMs, requestsMin, failureShare } = this.#definition;
    const stretch = Math.floor(nowMs / overMs) | 0;
    const seen = this.#load(BreakerWord.stretch);
    // What another thread counts between these lines is lost, once for each stretch.
    if (seen !== stretch && Atomics.compareExchange(words, first + BreakerWord.stretch, seen, stretch) === seen)
      this.#forgetCounts();
    const requests = Atomics.add(words, first + BreakerWord.requests, 1) + 1;
    if (!hasFailed) return;
    const failures = Atomics.add(words, first + BreakerWord.failures, 1) + 1;
    if (requests >= requestsMin && failures >= requests * failureShare) this.#open(Phase.closed, nowMs);
  }

  #open(state: number, nowMs: number): void {
    // First the time: whoever sees the state sees it too.
    Atomics.store(this.#words, this.#first + BreakerWord.untilTick, toTick(nowMs + this.#definition.openForMs));
    if (this.#change(state, Phase.open)) this.#forgetCounts();
  }

  #forgetCounts(): void {
    Atomics.store(this.#words, this.#first + BreakerWord.requests, 0);
    Atomics.store(this.#words, this.#first + BreakerWord.failures, 0);
  }

  #load(word: number): number {
    return Atomics.load(this.#words, this.#first + word);
  }

  #change(state: number, next: number): boolean {
    return Atomics.compareExchange(this.#words, this.#first + BreakerWord.state, state, next) === state;
  }
}

function startedOf(state: number): number {
  return (state >> 2) & PROBES_MASK;
}

function succeededOf(state: number): number {
  return (state >> 12) & PROBES_MASK;
}

/** Whether the breaker of a record does not let everybody through. `first` is where the record begins. */
export function isCircuitOpen(words: Int32Array, first: number): boolean {
  return (Atomics.load(words, first + BreakerWord.state) & PHASE_MASK) !== Phase.closed;
}

function toTick(ms: number): number {
  return Math.ceil(ms / TICK_MS) | 0;
}
