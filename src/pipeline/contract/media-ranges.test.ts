import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMedia } from './media-ranges.ts';

test('the most specific range takes a type', () => {
  const rules = ['*/*', 'application/*', 'application/*+json', 'application/problem+json'].map((range) => ({ range }));
  const take = (type: string) => findMedia(rules, type)?.range;
  assert.deepEqual(['application/problem+json', 'application/hal+json', 'application/xml', 'image/png'].map(take), [
    'application/problem+json',
    'application/*+json',
    'application/*',
    '*/*',
  ]);
  assert.equal(findMedia([{ range: 'application/json' }], 'application/jsonp'), undefined);
});
