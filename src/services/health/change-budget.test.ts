import assert from 'node:assert/strict';
import test from 'node:test';
import { ChangeBudget } from './change-budget.ts';

test('a few changes have a line each, then one line a minute stands for all that came between', () => {
  const budget = new ChangeBudget(1_000);
  const lines: number[] = [];
  for (let second = 0; second < 180; second++) {
    budget.addChange();
    lines.push(budget.take(1_000 + second * 1_000));
  }
  assert.deepEqual(
    lines.filter((changes) => changes > 0),
    [1, 1, 1, 1, 1, 1, 55, 60],
  );
  assert.equal(budget.take(1_000 + 180_000), 59);
});

test('without a change there is no line', () => {
  const budget = new ChangeBudget(0);
  assert.equal(budget.take(600_000), 0);
});

test('after a quiet time there are as many lines at once as in the beginning, and no more', () => {
  const budget = new ChangeBudget(0);
  const take = (nowMs: number) => {
    budget.addChange();
    return budget.take(nowMs);
  };
  for (let i = 0; i < 6; i++) assert.equal(take(0), 1);
  assert.equal(take(0), 0);
  for (let i = 0; i < 6; i++) assert.equal(take(3_600_000), i === 0 ? 2 : 1);
  assert.equal(take(3_600_000), 0);
});
