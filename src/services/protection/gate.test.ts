// The gate in front of a simulated service that gets three times what it can do. The seed repeats it.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { GatewayError } from '#base/errors.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import type { ExchangeHold } from '#http/exchange.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { createRandom } from '#test/support/random.ts';
import { EndpointBoard } from '../endpoint-board.ts';
import { type Candidate, Gate } from './gate.ts';
import type { Importance } from './importance.ts';
import { SharedPlaces } from './shared-places.ts';

const WORKERS = 10;
const WORK_MS = 20;
const CAPACITY = (WORKERS * 1_000) / WORK_MS;
const SECONDS = 8;
/** What happens before is not counted: the limit is still being found. */
const SETTLED_AFTER_MS = 2_000;
const STEP_MS = 0.5;

interface Counts {
  asked: number;
  refused: number;
  readonly latenciesMs: number[];
}

class SimulatedExchange implements Candidate {
  readonly exchange = {
    hold: (hold: ExchangeHold) => {
      this.held = hold;
    },
  };
  held: ExchangeHold | undefined = undefined;
  readonly arrivedMs: number;
  readonly counts: Counts;
  endsMs = 0;
  startedMs = 0;

  constructor(arrivedMs: number, counts: Counts) {
    this.arrivedMs = arrivedMs;
    this.counts = counts;
  }

  enter(): void {
    assert.fail('the gate says who enters to whoever made it');
  }

  refuse(): void {
    this.counts.refused += 1;
    this.held?.release();
  }
}

/** Requests of each importance come at random times, at so many parts of the capacity. */
async function simulate(shares: Partial<Record<Importance, number>>, seed: number): Promise<Map<Importance, Counts>> {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const random = createRandom(seed);
  const freeMs: number[] = new Array(WORKERS).fill(0);
  let running: SimulatedExchange[] = [];
  const counts = new Map<Importance, Counts>();
  const gate = new Gate(
    {
      runningMax: undefined,
      perEndpointMax: undefined,
      adaptive: { limitMin: 2, limitMax: 1_000 },
      queueMax: undefined,
      queueTimeoutMs: 1_000,
    },
    {
      wheel,
      places: undefined,
      endpoints: { count: () => 1, hasOneBelow: () => true },
      service: 'orders',
      enter(candidate) {
        const exchange = candidate as SimulatedExchange;
        const worker = freeMs.indexOf(Math.min(...freeMs));
        exchange.startedMs = clock.monotonicMs();
        exchange.endsMs = Math.max(exchange.startedMs, freeMs[worker]!) + WORK_MS;
        freeMs[worker] = exchange.endsMs;
        running.push(exchange);
      },
    },
  );
  const settledMs = clock.monotonicMs() + SETTLED_AFTER_MS;
  for (let step = 0; step < (SECONDS * 1_000) / STEP_MS; step++) {
    clock.advance(STEP_MS);
    wheel.advance();
    const nowMs = clock.monotonicMs();
    if (nowMs >= settledMs && counts.size === 0)
      for (const importance of Object.keys(shares) as Importance[]) counts.set(importance, createCounts());
    const ended = running.filter(({ endsMs }) => endsMs <= nowMs);
    running = running.filter(({ endsMs }) => endsMs > nowMs);
    for (const exchange of ended) {
      gate.adaptive!.onAnswered(exchange.endsMs - exchange.startedMs, nowMs, gate.running);
      exchange.counts.latenciesMs.push(nowMs - exchange.arrivedMs);
      exchange.held!.release();
      // Whoever waits enters behind what runs.
      await Promise.resolve();
    }
    for (const [importance, share] of Object.entries(shares) as [Importance, number][]) {
      if (random() >= (share * CAPACITY * STEP_MS) / 1_000) continue;
      const counted = counts.get(importance) ?? createCounts();
      counted.asked += 1;
      gate.admit(new SimulatedExchange(nowMs, counted), importance);
    }
  }
  return counts;
}

function createCounts(): Counts {
  return { asked: 0, refused: 0, latenciesMs: [] };
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]!;
}

/** A gate with one place, a wheel that a test turns, and who has entered. */
function createNarrowGate() {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const board = new EndpointBoard();
  const entered: Candidate[] = [];
  const gate = new Gate(
    { runningMax: 1, perEndpointMax: undefined, adaptive: undefined, queueMax: 2, queueTimeoutMs: 1_000 },
    {
      wheel,
      places: new SharedPlaces(board, 1, 1),
      endpoints: { count: () => 1, hasOneBelow: () => true },
      service: 'orders',
      enter: (candidate) => void entered.push(candidate),
    },
  );
  return { gate, entered, clock, wheel };
}

/** Whose client takes its time: what ends it comes later than what it is answered with. */
class SlowCandidate implements Candidate {
  held: ExchangeHold | undefined = undefined;
  error: GatewayError | undefined = undefined;
  readonly exchange = this;

  hold(hold: ExchangeHold): void {
    this.held = hold;
  }

  enter(): void {
    assert.fail('the gate says who enters to whoever made it');
  }

  refuse(error: GatewayError): void {
    this.error = error;
  }
}

test('whoever was refused is not let in later, though its exchange has not ended', async () => {
  const { gate, entered, clock, wheel } = createNarrowGate();
  const [first, second, third] = [new SlowCandidate(), new SlowCandidate(), new SlowCandidate()];
  gate.admit(first, 'normal');
  gate.admit(second, 'normal');
  clock.advance(1_300);
  wheel.advance();
  assert.equal(second.error?.code, 'GH_SERVICE_QUEUE_TIMEOUT');
  gate.admit(third, 'normal');
  first.held!.release();
  await Promise.resolve();
  assert.deepEqual(entered, [first, third]);
  second.held!.release();
  assert.equal(gate.running, 1);
});

test('a place is given back once, however often the end is said', async () => {
  const { gate, entered } = createNarrowGate();
  const candidates = [new SlowCandidate(), new SlowCandidate(), new SlowCandidate()];
  for (const candidate of candidates) gate.admit(candidate, 'normal');
  candidates[0]!.held!.release();
  candidates[0]!.held!.release();
  await Promise.resolve();
  assert.deepEqual(entered, candidates.slice(0, 2));
});

for (const seed of [11, 12, 13]) {
  test(`three times too much: the service stays busy, and whoever is let in is answered in time (seed ${seed})`, async () => {
    const { refused, latenciesMs } = (await simulate({ normal: 2.9 }, seed)).get('normal')!;
    assert.ok(refused > 0);
    const perSecond = (latenciesMs.length * 1_000) / (SECONDS * 1_000 - SETTLED_AFTER_MS);
    assert.ok(perSecond >= 0.9 * CAPACITY, `${perSecond} of ${CAPACITY} answers a second`);
    assert.ok(p99(latenciesMs) <= 3 * WORK_MS, `p99 ${p99(latenciesMs)} ms`);
  });

  test(`three times too much: nothing critical is refused while the least important is (seed ${seed})`, async () => {
    const counts = await simulate({ critical: 0.3, high: 0.3, low: 2.4 }, seed);
    for (const importance of ['critical', 'high'] as const) {
      const { asked, refused, latenciesMs } = counts.get(importance)!;
      assert.ok(asked > 0.25 * CAPACITY * 6);
      assert.equal(refused, 0);
      assert.ok(p99(latenciesMs) <= 3 * WORK_MS, `${importance}: p99 ${p99(latenciesMs)} ms`);
    }
    const { asked, refused } = counts.get('low')!;
    assert.ok(refused > 0.5 * asked);
  });
}
