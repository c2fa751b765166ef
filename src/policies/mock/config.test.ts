import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mockConfig } from './config.ts';

test('a document is enough, and so is a fixed answer', () => {
  const { openapi, unknown, prefer, status } = mockConfig.parse({ openapi: './shop.yaml' });
  assert.deepEqual([openapi?.form, unknown, prefer, status], ['openapi', 'pass', true, undefined]);
  assert.deepEqual(mockConfig.parse({ status: 503 }).status, 503);
  assert.deepEqual(mockConfig.parse({ headers: { 'X-Mock': 'yes' }, json: null }).headers, { 'x-mock': 'yes' });
});

const refused: readonly [string, unknown, RegExp][] = [
  ['nothing', {}, /nothing to answer with/],
  ['a document and a body', { openapi: './a.yaml', json: {} }, /the document says what bodies are/],
  ['a base path without a document', { json: {}, basePath: '/v1' }, /only a document has paths/],
  ['a body where there is none', { json: {}, status: 204 }, /has no body/],
  ['a line end in a header', { headers: { a: 'b\r\nc: d' }, json: {} }, /without line ends/],
];

for (const [name, settings, message] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(() => mockConfig.parse(settings), message);
  });
}
