import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CircuitBreaker } from './circuit-breaker.ts';

const definition = {
  per: 'service',
  failureShare: 0.5,
  overMs: 10_000,
  requestsMin: 4,
  openForMs: 5_000,
  probes: 2,
} as const;
/** Where a stretch begins. */
const START_MS = 73_450_000;

function createWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64));
}

function createBreaker(words = createWords()): CircuitBreaker {
  return new CircuitBreaker(definition, words, 0);
}

/** Attempts that begin and end at one moment: `+` succeeds, `-` fails. */
function attempt(breaker: CircuitBreaker, outcomes: string, nowMs: number): void {
  for (const outcome of outcomes) breaker.onAttemptEnded(nowMs, nowMs, outcome === '-');
}

function openAt(nowMs: number, words = createWords()): CircuitBreaker {
  const breaker = createBreaker(words);
  attempt(breaker, '----', nowMs);
  return breaker;
}

test('opens at the share of failures and not below', () => {
  const breaker = createBreaker();
  attempt(breaker, '+++--', START_MS);
  assert.equal(breaker.openForMs(START_MS), 0);
  attempt(breaker, '-', START_MS);
  assert.equal(breaker.openForMs(START_MS), 5_000);
  assert.equal(breaker.letThrough(START_MS), false);
});

test('stays closed with too few attempts', () => {
  const breaker = createBreaker();
  attempt(breaker, '---', START_MS);
  assert.equal(breaker.openForMs(START_MS), 0);
});

test('what failed in an earlier stretch of time counts no more', () => {
  const breaker = createBreaker();
  attempt(breaker, '---', START_MS);
  attempt(breaker, '---', START_MS + 10_000);
  assert.equal(breaker.openForMs(START_MS + 10_000), 0);
});

test('lets as many probes through as it says, and closes when all succeed', () => {
  const breaker = openAt(START_MS);
  const nowMs = START_MS + 5_000;
  assert.deepEqual(
    [1, 2, 3].map(() => breaker.letThrough(nowMs)),
    [true, true, false],
  );
  attempt(breaker, '+', nowMs);
  assert.equal(breaker.letThrough(nowMs), false);
  attempt(breaker, '+', nowMs);
  assert.equal(breaker.letThrough(nowMs), true);
  assert.equal(breaker.openForMs(nowMs), 0);
});

test('opens again with the first probe that fails', () => {
  const breaker = openAt(START_MS);
  const nowMs = START_MS + 5_000;
  breaker.letThrough(nowMs);
  attempt(breaker, '-', nowMs);
  assert.equal(breaker.openForMs(nowMs), 5_000);
});

test('an attempt from before it opened says nothing about the probes', () => {
  const breaker = openAt(START_MS);
  const nowMs = START_MS + 5_000;
  breaker.letThrough(nowMs);
  breaker.onAttemptEnded(START_MS - 1_000, nowMs, true);
  breaker.onAttemptEnded(START_MS - 1_000, nowMs, false);
  breaker.onAttemptEnded(START_MS - 1_000, nowMs, false);
  assert.equal(breaker.letThrough(nowMs), true);
  assert.equal(breaker.letThrough(nowMs), false);
});

test('probes of which nobody hears again are followed by others', () => {
  const breaker = openAt(START_MS);
  for (const nowMs of [START_MS + 5_000, START_MS + 10_000])
    assert.deepEqual(
      [1, 2, 3].map(() => breaker.letThrough(nowMs)),
      [true, true, false],
    );
});

test('threads share its state', () => {
  const words = createWords();
  const one = openAt(START_MS, words);
  const other = createBreaker(words);
  const nowMs = START_MS + 5_000;
  assert.equal(other.openForMs(START_MS), 5_000);
  assert.equal(one.letThrough(nowMs), true);
  assert.equal(other.letThrough(nowMs), true);
  assert.equal(one.letThrough(nowMs), false);
  attempt(one, '+', nowMs);
  attempt(other, '+', nowMs);
  assert.equal(one.letThrough(nowMs), true);
});

/** The same in plain words, for one thread. */
class Model {
  phase: 'closed' | 'open' | 'half-open' = 'closed';
  #untilMs = 0;
  #sinceMs = 0;
  #started = 0;
  #succeeded = 0;
  #stretch = -1;
  #requests = 0;
  #failures = 0;

  letThrough(nowMs: number): boolean {
    if (this.phase === 'closed') return true;
    if (nowMs >= this.#untilMs) {
      this.phase = 'half-open';
      this.#sinceMs = nowMs;
      this.#untilMs = nowMs + definition.openForMs;
      this.#started = 1;
      this.#succeeded = 0;
      return true;
    }
    if (this.phase === 'open' || this.#started >= definition.probes) return false;
    this.#started += 1;
    return true;
  }

  end(startedMs: number, nowMs: number, hasFailed: boolean): void {
    if (this.phase === 'closed') this.#count(nowMs, hasFailed);
    else if (this.phase === 'half-open' && startedMs >= this.#sinceMs) {
      if (hasFailed) this.#open(nowMs);
      else if (++this.#succeeded === definition.probes) this.phase = 'closed';
    }
  }

  #count(nowMs: number, hasFailed: boolean): void {
    const stretch = Math.floor(nowMs / definition.overMs);
    if (stretch !== this.#stretch) this.#requests = this.#failures = 0;
    this.#stretch = stretch;
    this.#requests += 1;
    if (hasFailed) this.#failures += 1;
    const isTooMuch = this.#failures / this.#requests >= definition.failureShare;
    if (hasFailed && this.#requests >= definition.requestsMin && isTooMuch) this.#open(nowMs);
  }

  #open(nowMs: number): void {
    this.phase = 'open';
    this.#untilMs = nowMs + definition.openForMs;
    this.#requests = this.#failures = 0;
  }
}

test('whatever happens in whichever order, it lets through what its description says', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('begin') }),
      fc.record({ kind: fc.constant('end'), which: fc.nat(5), hasFailed: fc.boolean() }),
      // Whole ticks of shared memory.
      fc.record({ kind: fc.constant('pass'), ms: fc.constantFrom(10, 1_000, 4_990, 5_000) }),
    ),
    { maxLength: 120 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const breaker = createBreaker();
      const model = new Model();
      const running: number[] = [];
      let nowMs = START_MS;
      for (const step of list) {
        if ('ms' in step) nowMs += step.ms;
        else if ('which' in step) {
          if (running.length === 0) continue;
          const [startedMs] = running.splice(step.which % running.length, 1);
          breaker.onAttemptEnded(startedMs!, nowMs, step.hasFailed);
          model.end(startedMs!, nowMs, step.hasFailed);
        } else {
          const isLetThrough = model.letThrough(nowMs);
          assert.equal(breaker.openForMs(nowMs) === 0, isLetThrough);
          assert.equal(breaker.letThrough(nowMs), isLetThrough);
          if (isLetThrough) running.push(nowMs);
        }
      }
    }),
    { numRuns: 500 },
  );
});
