import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { ManualTimers } from '#test/support/policy-services.ts';
import { Settlement } from './settlement.ts';

function create() {
  const timers = new ManualTimers();
  const told: [id: string, count: number][] = [];
  let unanswered: ((owes: boolean) => void)[] = [];
  let isAway = false;
  return {
    timers,
    told,
    settlement: new Settlement({ everyMs: 100, later: timers.later }),
    allowance: {
      settle(id: string, count: number, onHeard: (owes: boolean) => void) {
        if (isAway) return false;
        told.push([id, count]);
        unanswered.push(onHeard);
        return true;
      },
    },
    get unansweredCount() {
      return unanswered.length;
    },
    answer(owes = false) {
      const answered = unanswered;
      unanswered = [];
      for (const onHeard of answered) onHeard(owes);
    },
    goAway() {
      isAway = true;
    },
  };
}

test('tells of each key once in a while, with all that it has taken meanwhile, and waits only while there is something', () => {
  const { settlement, allowance, timers, told, answer } = create();
  for (const id of ['a', 'b', 'a']) settlement.add(id, allowance);
  assert.deepEqual(timers.delaysMs, [100]);
  assert.equal(settlement.countOf('a'), 2);
  timers.runAll();
  assert.deepEqual(told, [
    ['a', 2],
    ['b', 1],
  ]);
  assert.equal(settlement.countOf('a'), 0);
  settlement.add('a', allowance);
  assert.deepEqual(timers.delaysMs, [], 'one settlement after the other');
  answer();
  assert.deepEqual(timers.delaysMs, [100]);
  timers.runAll();
  answer();
  assert.deepEqual(told.slice(2), [['a', 1]]);
  assert.deepEqual(timers.delaysMs, []);
});

test('asks again for a key that owes something, until it does not', () => {
  const { settlement, allowance, timers, told, answer } = create();
  settlement.add('a', allowance);
  for (const owes of [true, true, false]) {
    timers.runAll();
    answer(owes);
  }
  assert.deepEqual(told, [
    ['a', 1],
    ['a', 0],
    ['a', 0],
  ]);
  assert.deepEqual(timers.delaysMs, []);
});

test('asks for so many at once, and keeps so many', () => {
  const bench = create();
  const { settlement, allowance, timers, told, answer } = bench;
  for (let i = 0; i < limits.unsettledKeysMax + 10; i++) settlement.add(`key ${i}`, allowance);
  timers.runAll();
  let rounds = 0;
  while (bench.unansweredCount > 0) {
    assert.ok(bench.unansweredCount <= limits.settledKeysAtOnceMax);
    answer();
    rounds += 1;
  }
  assert.equal(told.length, limits.unsettledKeysMax);
  assert.equal(rounds, limits.unsettledKeysMax / limits.settledKeysAtOnceMax);
});

test('what cannot be told is let go, and when it ends it tells of the rest', () => {
  const { settlement, allowance, timers, told } = create();
  settlement.add('a', allowance);
  settlement.close();
  assert.deepEqual(told, [['a', 1]]);
  assert.deepEqual(timers.delaysMs, []);
  const other = create();
  other.goAway();
  for (let i = 0; i < 2_000; i++) other.settlement.add(`key ${i}`, other.allowance);
  other.timers.runAll();
  assert.deepEqual([other.told.length, other.timers.delaysMs.length, other.settlement.countOf('key 1')], [0, 0, 0]);
});
