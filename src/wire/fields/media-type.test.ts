import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonType, readMediaType, withoutParameters } from './media-type.ts';

test('a media type is read without its parameters', () => {
  assert.equal(readMediaType('Application/JSON; charset=utf-8'), 'application/json');
  assert.equal(readMediaType('application/json, text/plain'), undefined);
  assert.equal(readMediaType('json'), undefined);
  assert.equal(withoutParameters(' JSON ;q'), 'json');
});

test('JSON has several types', () => {
  assert.deepEqual(
    ['application/json', 'text/json', 'application/problem+json', 'application/jsonp', 'text/plain'].map(isJsonType),
    [true, true, true, false, false],
  );
});
