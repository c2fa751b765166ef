import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { WeightedRotation } from './weighted-rotation.ts';

function draw(weights: Readonly<Record<string, number>>, count: number): string {
  const rotation = new WeightedRotation(Object.entries(weights).map(([name, weight]) => ({ name, weight })));
  return Array.from({ length: count }, () => rotation.next().name).join('');
}

test('one item always comes', () => {
  assert.equal(draw({ a: 5 }, 4), 'aaaa');
});

test('items of one weight take turns in their order', () => {
  assert.equal(draw({ a: 1, b: 1, c: 1 }, 7), 'abcabca');
});

test('heavier items come more often, spread out', () => {
  assert.equal(draw({ a: 5, b: 1, c: 1 }, 14), 'aabacaaaabacaa');
});

test('an item of weight 0 never comes', () => {
  assert.equal(draw({ a: 0, b: 1, c: 1 }, 4), 'bcbc');
});

test('in each full turn every item comes as often as its weight says, wherever the turn begins', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(weights, fc.nat(50), (list, skipped) => {
      const rotation = new WeightedRotation(list.map((weight, index) => ({ weight, index })));
      const total = list.reduce((sum, weight) => sum + weight, 0);
      const counts = list.map(() => 0);
      for (let i = 0; i < skipped * total; i++) rotation.next();
      for (let i = 0; i < total; i++) counts[rotation.next().index]! += 1;
      assert.deepEqual(counts, list);
    }),
    { numRuns: 100 },
  );
});
