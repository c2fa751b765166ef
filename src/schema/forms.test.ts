import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { duration } from './duration.ts';
import { explainIssue } from './explain.ts';
import { forms, isMap, isText, oneOrList } from './forms.ts';
import { toInputJsonSchema } from './json-schema.ts';
import { fieldMap } from './maps.ts';
import { fieldName } from './token.ts';

const settings = z.strictObject({ every: duration().prefault('5s'), name: z.string() });
const schema = forms('a name or a map', [
  { isMeant: isText, schema: z.string().transform((name) => ({ every: 0, name })) },
  { isMeant: isMap, schema: settings },
]);

function issuesOf(tested: z.ZodType, value: unknown): string[] {
  const issues = tested.safeParse(value, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('reads each form', () => {
  assert.deepEqual(schema.parse('x'), { every: 0, name: 'x' });
  assert.deepEqual(schema.parse({ name: 'x' }), { every: 5000, name: 'x' });
});

test('says what is possible when no form is meant', () => {
  assert.deepEqual(issuesOf(schema, 5), [': expected a name or a map, not the number 5']);
});

test('reports what is wrong inside the form that is meant, all of it', () => {
  assert.deepEqual(issuesOf(z.strictObject({ a: schema }), { a: { every: 'x', nme: 1 } }), [
    'a.every: "x" is not a duration; write a number and a unit, such as `500ms`, `5s`, `1m` or `2h`',
    'a.name: `name` is missing',
    'a: unknown key `nme`; did you mean `name`?',
  ]);
});

test('names the key when the value is missing', () => {
  assert.deepEqual(issuesOf(z.strictObject({ a: schema }), {}), ['a: `a` is missing']);
});

test('makes a list of one thing', () => {
  const list = oneOrList(duration());
  assert.deepEqual(list.parse('1s'), [1000]);
  assert.deepEqual(list.parse(['1s', '2s']), [1000, 2000]);
  assert.deepEqual(issuesOf(list, []), [': the list is empty; write at least one entry']);
  assert.match(issuesOf(list, ['1s', '2'])[0]!, /^1: "2" has no unit/);
});

test('shows every form in the JSON Schema, also behind a description', () => {
  const { anyOf, description } = toInputJsonSchema(schema.describe('A thing.'));
  assert.equal(description, 'A thing.');
  assert.deepEqual(
    (anyOf as { type: string }[]).map(({ type }) => type),
    ['string', 'object'],
  );
});

test('refuses the same field in different case', () => {
  const map = fieldMap(fieldName(), z.string());
  assert.deepEqual(map.parse({ 'X-A': '1', 'x-b': '2' }), { 'x-a': '1', 'x-b': '2' });
  assert.deepEqual(issuesOf(map, { 'X-A': '1', 'x-a': '2' }), ['x-a: `x-a` and `X-A` are the same field; case does not matter']);
});
