import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Importance, importances } from './importance.ts';
import { type Waiting, WaitingLine } from './waiting-line.ts';

interface Named extends Waiting {
  readonly name: string;
}

function create(importance: Importance, name: string): Named {
  return { importance, name, next: undefined, previous: undefined };
}

test('the most important goes first, and among equals whoever came first', () => {
  const line = new WaitingLine<Named>();
  for (const [index, importance] of (['low', 'normal', 'critical', 'normal', 'high'] as const).entries())
    line.push(create(importance, `${importance}${index}`));
  const order: string[] = [];
  for (let item = line.first; item !== undefined; item = line.first) {
    order.push(item.name);
    line.remove(item);
  }
  assert.deepEqual(order, ['critical2', 'high4', 'normal1', 'normal3', 'low0']);
});

test('whoever matters least and came last gives way, but not to an equal', () => {
  const line = new WaitingLine<Named>();
  for (const name of ['a', 'b']) line.push(create('normal', name));
  assert.equal(line.lastBelow('high')?.name, 'b');
  assert.equal(line.lastBelow('normal'), undefined);
  line.push(create('low', 'c'));
  assert.equal(line.lastBelow('normal')?.name, 'c');
});

test('those who leave from anywhere leave the others in their order', () => {
  const steps = fc.array(fc.oneof(fc.constantFrom(...importances), fc.nat(20)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (list) => {
      const line = new WaitingLine<Named>();
      const model: Named[] = [];
      for (const [index, step] of list.entries()) {
        if (typeof step === 'string') {
          const item = create(step, String(index));
          line.push(item);
          model.push(item);
        } else if (model.length > 0) line.remove(model.splice(step % model.length, 1)[0]!);
        const ranked = importances.flatMap((importance) => model.filter((item) => item.importance === importance));
        assert.equal(line.first, ranked[0]);
        assert.equal(line.length, ranked.length);
      }
    }),
    { numRuns: 300 },
  );
});
