import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSeededRandom } from '#test/support/policy-services.ts';
import { runAtOnce } from './slices.ts';
import { sortInSteps } from './sort-in-steps.ts';

test('sorts as the array itself would, equal items in their order, and leaves the list as it was', () => {
  const random = createSeededRandom(7);
  for (const length of [0, 1, 2, 1_023, 1_024, 1_025, 2_048, 2_049, 10_000]) {
    const items = Array.from({ length }, (_, i) => ({ key: Math.floor(random() * 50), i }));
    const before = [...items];
    const compare = (left: { key: number }, right: { key: number }) => left.key - right.key;
    assert.deepEqual(runAtOnce(sortInSteps(items, compare)), items.toSorted(compare), `${length} items`);
    assert.deepEqual(items, before);
  }
});

test('yields once for about each thousand items of a round', () => {
  const items = Array.from({ length: 8 * 1_024 }, (_, i) => -i);
  let compared = 0;
  let comparedMax = 0;
  const sorting = sortInSteps(items, (left, right) => {
    compared += 1;
    return left - right;
  });
  let yields = 0;
  for (let step = sorting.next(); !step.done; step = sorting.next(), yields += 1) {
    comparedMax = Math.max(comparedMax, compared);
    compared = 0;
  }
  assert.equal(yields, 4 * 8, 'one round of sorting and three of merging');
  assert.ok(comparedMax <= 1_024 * 11, `${comparedMax} comparisons in one step`);
});
