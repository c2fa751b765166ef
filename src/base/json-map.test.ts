import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJsonMap } from './json-map.ts';

test('reads a map of JSON, and nothing else', () => {
  assert.deepEqual(parseJsonMap('{"a":[1]}'), { a: [1] });
  for (const text of ['', '[{}]', 'null', '7', '"{}"', '{', '<html>']) assert.equal(parseJsonMap(text), undefined);
});

test('a text that is too long is not read', () => {
  const withLength = (length: number) => `{"a":"${'b'.repeat(length - '{"a":""}'.length)}"}`;
  assert.ok(parseJsonMap(withLength(1024 * 1024)));
  assert.equal(parseJsonMap(withLength(1024 * 1024 + 1)), undefined);
});
