import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

function setUp() {
  const wheel = { nowMs: 12_345.5 };
  let exhaustedCount = 0;
  const budget = new RetryBudget(wheel, {
    count() {
      exhaustedCount += 1;
    },
  });
  return {
    wheel,
    budget,
    exhaustedCount: () => exhaustedCount,
    request: (count: number) => {
      for (let i = 0; i < count; i++) budget.onRequest();
    },
    /** How many can be taken now. */
    drain: (settings: { ratio: number; minPerSecond: number }) => {
      let count = 0;
      while (count < 10_000 && budget.take(settings)) count += 1;
      return count;
    },
  };
}

test('allows a share of the requests and nothing above it', () => {
  const { request, drain, exhaustedCount } = setUp();
  request(50);
  assert.equal(drain({ ratio: 0.2, minPerSecond: 0 }), 10);
  assert.equal(exhaustedCount(), 1);
  request(5);
  assert.equal(drain({ ratio: 0.2, minPerSecond: 0 }), 1);
});

test('allows a few for a service without requests, and none where none are wanted', () => {
  assert.equal(setUp().drain({ ratio: 0.2, minPerSecond: 3 }), 30);
  assert.equal(setUp().drain({ ratio: 1, minPerSecond: 0 }), 0);
});

test('what was more than ten seconds ago counts no more, neither for nor against', () => {
  const { wheel, request, drain } = setUp();
  const settings = { ratio: 0.5, minPerSecond: 0 };
  request(20);
  assert.equal(drain(settings), 10);
  wheel.nowMs += 5_000;
  request(20);
  assert.equal(drain(settings), 10);
  wheel.nowMs += 6_000;
  assert.equal(drain(settings), 0);
  wheel.nowMs += 5_000;
  request(4);
  assert.equal(drain(settings), 2);
  wheel.nowMs += 3_600_000;
  assert.equal(drain(settings), 0);
});
