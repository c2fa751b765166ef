import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeptAnswer, KeptAnswers } from './kept-answers.ts';

const answer = (bytes: number, atMs = 0): KeptAnswer => ({
  status: 200,
  fields: [],
  body: Buffer.alloc(bytes),
  document: undefined,
  atMs,
});

test('an answer is found for as long as it is young enough, and no longer', () => {
  const kept = new KeptAnswers(10_000);
  const one = answer(10, 1_000);
  kept.keep('a', one);
  assert.equal(kept.find('a', 1_500, 500), one);
  assert.equal(kept.find('a', 1_501, 500), undefined);
  assert.equal(kept.find('b', 1_000, 500), undefined);
  const newer = answer(20, 2_000);
  kept.keep('a', newer);
  assert.equal(kept.find('a', 2_000, 500), newer);
});

test('those that were used longest ago make way, and one that is too large is not kept', () => {
  const kept = new KeptAnswers(5_000);
  for (const key of ['a', 'b', 'c']) kept.keep(key, answer(1_000));
  assert.notEqual(kept.find('a', 0, 0), undefined);
  kept.keep('d', answer(1_000));
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].filter((key) => kept.find(key, 0, 0) !== undefined),
    ['a', 'c', 'd'],
  );
  kept.keep('e', answer(5_000));
  assert.equal(kept.find('e', 0, 0), undefined);
  assert.notEqual(kept.find('d', 0, 0), undefined);
});
