import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { beginGeneration, SharedCount } from './shared-count.ts';

const COUNT_AT = 5;
const GENERATION_AT = 1;
const MAX = 4;

function createWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64));
}

test('threads take places of one number, which is never more than the most', () => {
  const words = createWords();
  const one = new SharedCount(words, COUNT_AT, GENERATION_AT);
  const other = new SharedCount(words, COUNT_AT, GENERATION_AT);
  assert.deepEqual([one.take(2), other.take(2), one.take(2)], [true, true, false]);
  assert.equal(one.total, 2);
  other.give();
  assert.deepEqual([one.total, one.held, other.held], [1, 1, 0]);
  assert.equal(one.take(2), true);
});

test('what a dead thread held is free, and what the others hold is not', () => {
  const words = createWords();
  const dead = new SharedCount(words, COUNT_AT, GENERATION_AT);
  const alive = new SharedCount(words, COUNT_AT, GENERATION_AT);
  dead.take(MAX);
  dead.take(MAX);
  alive.take(MAX);
  beginGeneration(words, GENERATION_AT);
  assert.equal(alive.total, 1);
  alive.give();
  assert.equal(alive.total, 0);
});

test('whatever threads do and whenever one of them dies, the number is what those that live hold, once each was heard of', () => {
  const step = fc.record({ thread: fc.nat(2), kind: fc.constantFrom('take', 'take', 'give', 'die') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const words = createWords();
      const create = () => new SharedCount(words, COUNT_AT, GENERATION_AT);
      const threads = [create(), create(), create()];
      for (const { thread, kind } of steps) {
        const count = threads[thread]!;
        if (kind === 'take') count.take(MAX);
        else if (kind === 'give' && count.held > 0) count.give();
        else if (kind === 'die') {
          threads[thread] = create();
          beginGeneration(words, GENERATION_AT);
        }
        const totals = threads.map(({ total }) => total);
        const held = threads.reduce((sum, { held: own }) => sum + own, 0);
        assert.equal(totals.at(-1), held);
      }
    }),
    { numRuns: 300 },
  );
});
