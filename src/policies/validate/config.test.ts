import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateConfig } from './config.ts';

test('a document may be named alone, or with what is to become of its patterns', () => {
  const parsed = validateConfig.parse({ openapi: './shop.yaml' });
  assert.deepEqual(parsed.openapi, { form: 'openapi', file: './shop.yaml', patterns: 'refuse' });
  assert.deepEqual(
    [parsed.unknown, parsed.status, parsed.maxErrors, parsed.maxBody, parsed.mode, parsed.answers],
    ['refuse', 400, 20, 1_048_576, 'enforce', undefined],
  );
  const skipping = validateConfig.parse({ openapi: { file: './shop.yaml', patterns: 'skip' } });
  assert.deepEqual(skipping.openapi, { form: 'openapi', file: './shop.yaml', patterns: 'skip' });
});

test('a schema may be written in its place, or be in a file', () => {
  const { query, body } = validateConfig.parse({ query: { type: 'object' }, body: { file: './order.json' } });
  assert.deepEqual(query, { form: 'inline', text: '{"type":"object"}', patterns: 'refuse' });
  assert.deepEqual(body, { form: 'json-schema', file: './order.json', patterns: 'refuse' });
});

test('answers are all looked at and only reported where nothing else is said', () => {
  const { answers } = validateConfig.parse({ openapi: './shop.yaml', answers: {} });
  assert.deepEqual(answers, { sample: 1, mode: 'report', maxBody: 1_048_576, undeclared: 'pass' });
});

const refused: readonly [string, unknown, RegExp][] = [
  ['nothing to compare with', {}, /nothing to compare with/],
  ['a document and a schema', { openapi: './a.yaml', body: { type: 'object' } }, /`openapi` says what `body`/],
  ['a base path without a document', { body: { type: 'object' }, basePath: '/v1' }, /only a document has paths/],
  ['answers without a document', { body: { type: 'object' }, answers: {} }, /only a document speaks of answers/],
  ['a base path with a slash at its end', { openapi: './a.yaml', basePath: '/v1/' }, /expected a path such as/],
  ['an unknown status', { openapi: './a.yaml', status: 418 }, /400|422/],
  ['a schema that is no map', { query: 'object' }, /expected a JSON Schema/],
];

for (const [name, settings, message] of refused) {
  test(`${name} is refused`, () => {
    assert.throws(() => validateConfig.parse(settings), message);
  });
}
