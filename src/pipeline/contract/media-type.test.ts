import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findMedia, readMediaType } from './media-type.ts';

test('a media type is read without its parameters', () => {
  assert.equal(readMediaType('Application/JSON; charset=utf-8'), 'application/json');
  assert.equal(readMediaType('application/json, text/plain'), undefined);
  assert.equal(readMediaType('json'), undefined);
});

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
