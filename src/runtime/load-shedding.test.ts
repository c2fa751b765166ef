import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER_SHED } from '#pipeline/plan.ts';
import { LoadShedding, SAMPLE_EVERY_MS } from './load-shedding.ts';

const LIMIT_MS = 100;
const [LOW, NORMAL, HIGH, CRITICAL] = [0, 1, 2, NEVER_SHED];

function setUp() {
  let nowMs = 73_456.5;
  const shedding = new LoadShedding(LIMIT_MS, nowMs);
  return {
    shedding,
    /** So many rounds of the event loop, each as late as this. */
    rounds(count: number, lateMs: number) {
      for (let i = 0; i < count; i++) {
        nowMs += SAMPLE_EVERY_MS + lateMs;
        shedding.sample(nowMs);
      }
    },
    /** What share of requests of this rank is refused. */
    share(rank: number) {
      let refused = 0;
      for (let i = 0; i < 1_000; i++) if (shedding.threshold > 0 && shedding.refuses(rank)) refused += 1;
      return refused / 1_000;
    },
  };
}

test('refuses nothing while the loop keeps up, or is late within what is allowed', () => {
  const { shedding, rounds } = setUp();
  rounds(1_000, 0);
  rounds(100, LIMIT_MS);
  assert.equal(shedding.threshold, 0);
  assert.equal(shedding.delayMs, LIMIT_MS);
});

test('one long round is no overload, however long', () => {
  const { shedding, rounds } = setUp();
  rounds(100, 0);
  rounds(1, 5_000);
  rounds(100, 0);
  assert.equal(shedding.threshold, 0);
});

test('refuses more and more, the least important first, and critical ones never', () => {
  const { rounds, share } = setUp();
  rounds(2, 2 * LIMIT_MS);
  assert.deepEqual([share(LOW), share(NORMAL)], [0.2, 0]);
  rounds(4, 2 * LIMIT_MS);
  assert.deepEqual([share(LOW), Math.round(share(NORMAL) * 100)], [1, 0]);
  rounds(5, 2 * LIMIT_MS);
  assert.ok(share(NORMAL) > 0.9);
  assert.equal(share(HIGH), 0);
  rounds(1_000, 100 * LIMIT_MS);
  assert.deepEqual([share(LOW), share(NORMAL), share(HIGH), share(CRITICAL)], [1, 1, 1, 0]);
});

test('is quick where the delay is long, and the same for any longer one', () => {
  const [far, farther] = [setUp(), setUp()];
  far.rounds(2, 5 * LIMIT_MS);
  farther.rounds(2, 500 * LIMIT_MS);
  assert.equal(far.shedding.threshold, 0.5);
  assert.equal(farther.shedding.threshold, 0.5);
});

test('refuses less again when the loop keeps up, until it is nothing', () => {
  const { shedding, rounds, share } = setUp();
  rounds(100, 10 * LIMIT_MS);
  // Ten rounds of a loop that keeps up are a tenth of a second.
  rounds(10 * 15, 0);
  assert.ok(share(HIGH) === 0 && share(NORMAL) > 0.4 && share(NORMAL) < 0.6 && share(LOW) === 1);
  rounds(10 * 20, 0);
  assert.equal(shedding.threshold, 0);
});

test('counts what it has refused, and follows another limit', () => {
  const { shedding, rounds, share } = setUp();
  shedding.setLimit(10);
  rounds(20, 50);
  assert.ok(share(LOW) > 0);
  assert.ok(shedding.refusedCount > 0 && shedding.refusedCount <= 1_000);
});
