// The limit against a simulated service: workers that take a time each, and a queue inside it that nobody sees.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createRandom } from '#test/support/random.ts';
import { AdaptiveLimit } from './adaptive-limit.ts';

interface SimulatedService {
  workers: number;
  meanMs: number;
  /** Times vary between nothing and twice the mean. */
  readonly varies: boolean;
}

interface Run {
  readonly limit: AdaptiveLimit;
  readonly answeredPerSecond: number;
  readonly latenciesMs: readonly number[];
}

const START_MS = 73_456_789.25;

/** Requests arrive at random times; those above the limit are refused. What was measured is from the second half. */
class Simulation {
  readonly limit = new AdaptiveLimit({ limitMin: 2, limitMax: 1_000 });
  readonly #service: SimulatedService;
  readonly #random: () => number;
  #nowMs = START_MS;
  /** When each worker is free. */
  #freeMs: number[] = [];
  readonly #running: { readonly startedMs: number; readonly endsMs: number }[] = [];

  constructor(service: SimulatedService, seed: number) {
    this.#service = service;
    this.#random = createRandom(seed);
  }

  run(seconds: number, arrivalsPerSecond: number): Run {
    const endMs = this.#nowMs + seconds * 1_000;
    const fromMs = this.#nowMs + seconds * 500;
    const latenciesMs: number[] = [];
    while (this.#nowMs < endMs) {
      this.#nowMs += (-Math.log(1 - this.#random()) * 1_000) / arrivalsPerSecond;
      this.#endUntil(this.#nowMs, (latencyMs, nowMs) => nowMs >= fromMs && latenciesMs.push(latencyMs));
      if (this.#running.length < this.limit.limit) this.#start();
    }
    return { limit: this.limit, answeredPerSecond: latenciesMs.length / (seconds / 2), latenciesMs };
  }

  #start(): void {
    const { workers, meanMs, varies } = this.#service;
    this.#freeMs = this.#freeMs.sort((a, b) => b - a).slice(0, workers);
    while (this.#freeMs.length < workers) this.#freeMs.push(0);
    const beginsMs = Math.max(this.#nowMs, this.#freeMs.pop()!);
    const endsMs = beginsMs + meanMs * (varies ? 2 * this.#random() : 1);
    this.#freeMs.push(endsMs);
    const before = this.#running.findLastIndex((running) => running.endsMs <= endsMs);
    this.#running.splice(before + 1, 0, { startedMs: this.#nowMs, endsMs });
    this.limit.onStarted(this.#running.length);
  }

  #endUntil(nowMs: number, onEnded: (latencyMs: number, nowMs: number) => void): void {
    while (this.#running.length > 0 && this.#running[0]!.endsMs <= nowMs) {
      const { startedMs, endsMs } = this.#running.shift()!;
      this.limit.onAnswered(endsMs - startedMs, endsMs, this.#running.length);
      onEnded(endsMs - startedMs, endsMs);
    }
  }
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]!;
}

const MEAN_MS = 20;
const SECONDS = 8;

for (const { workers, varies } of [
  { workers: 2, varies: false },
  { workers: 10, varies: false },
  { workers: 10, varies: true },
  { workers: 100, varies: false },
  { workers: 100, varies: true },
]) {
  test(`at three times what ${workers} workers ${varies ? 'of varying' : 'of one'} speed can do, all of them are busy and answers are not late`, () => {
    const capacity = (workers * 1_000) / MEAN_MS;
    for (const seed of [1, 2]) {
      const simulation = new Simulation({ workers, meanMs: MEAN_MS, varies }, seed);
      const { answeredPerSecond, latenciesMs } = simulation.run(SECONDS, 3 * capacity);
      assert.ok(answeredPerSecond >= 0.93 * capacity, `${answeredPerSecond} of ${capacity} answers a second (seed ${seed})`);
      const unloadedMs = varies ? 2 * MEAN_MS : MEAN_MS;
      assert.ok(p99(latenciesMs) <= 3 * unloadedMs, `p99 ${p99(latenciesMs)} ms (seed ${seed})`);
    }
  });
}

test('a service that gets slower and faster again is followed', () => {
  const service = { workers: 20, meanMs: MEAN_MS, varies: false };
  const simulation = new Simulation(service, 5);
  simulation.run(20, 3_000);
  const before = simulation.limit.limit;
  service.workers = 5;
  simulation.run(40, 3_000);
  assert.ok(simulation.limit.limit < before / 2, `${simulation.limit.limit} after ${before}`);
  service.workers = 20;
  const { answeredPerSecond } = simulation.run(20, 3_000);
  assert.ok(answeredPerSecond >= 0.9 * 1_000, `${answeredPerSecond} of 1000`);
});

test('without load nothing is refused: the limit stays where it is', () => {
  const simulation = new Simulation({ workers: 10, meanMs: MEAN_MS, varies: true }, 7);
  const before = simulation.limit.limit;
  const { answeredPerSecond } = simulation.run(20, 100);
  assert.equal(simulation.limit.limit, before);
  assert.ok(answeredPerSecond > 90);
});

test('a service that says that it is overloaded gets less', () => {
  const limit = new AdaptiveLimit({ limitMin: 2, limitMax: 100 });
  for (let i = 0; i < 400; i++) limit.onOverloaded(START_MS + 10 * i, 20);
  assert.ok(limit.limit < 10, `${limit.limit}`);
  for (let i = 400; i < 4_400; i++) limit.onOverloaded(START_MS + 10 * i, 20);
  assert.equal(limit.limit, 2);
});
