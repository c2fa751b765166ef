import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, suggestWord } from './suggest.ts';

test('counts insertions, deletions, substitutions and swaps', () => {
  assert.equal(editDistance('listeners', 'listeners'), 0);
  assert.equal(editDistance('lisener', 'listeners'), 2);
  assert.equal(editDistance('ordres', 'orders'), 1);
  assert.equal(editDistance('', 'abc'), 3);
});

test('suggests the nearest word, whatever its case', () => {
  assert.equal(suggestWord('lisener', ['services', 'listeners', 'routes']), 'listeners');
  assert.equal(suggestWord('MaxConnections', ['maxConnections']), 'maxConnections');
});

test('suggests nothing far away', () => {
  assert.equal(suggestWord('foo', ['listeners', 'to']), undefined);
  assert.equal(suggestWord('x'.repeat(1000), ['x'.repeat(1001)]), undefined);
});
