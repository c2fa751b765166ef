import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { toInputJsonSchema } from '#schema/json-schema.ts';
import { namedMap } from '#schema/maps.ts';
import { listSettings } from '../../scripts/docs/setting-rows.ts';

function rowsOf(schema: z.ZodType): string[] {
  return listSettings(toInputJsonSchema(schema)).map((row) => `${row.path} | ${row.type} | ${row.default} | ${row.meaning}`);
}

test('lists settings with type, default and meaning, parents first', () => {
  const schema = z.strictObject({
    count: z.int().min(1).max(9).default(3).describe('How many.'),
    name: z.string().describe('Who.'),
    isOn: z.boolean().optional().describe('Whether.'),
    kind: z.enum(['a', 'b']).optional().describe('Which.'),
    inner: z
      .strictObject({ x: z.string().optional().describe('Inside.') })
      .prefault({})
      .describe('More.'),
  });
  assert.deepEqual(rowsOf(schema), [
    'count | number from 1 to 9 | `3` | How many.',
    'name | text | required | Who.',
    'isOn | `true` or `false` |  | Whether.',
    'kind | `a`, `b` |  | Which.',
    'inner | map |  | More.',
    'inner.x | text |  | Inside.',
  ]);
});

test('names the parts of lists and of maps by name', () => {
  const entry = z.strictObject({ x: z.string().describe('Inside.') });
  assert.deepEqual(rowsOf(z.strictObject({ list: z.array(entry).describe('List.'), named: namedMap(entry).describe('Map.') })), [
    'list | list of: map | required | List.',
    'list[].x | text | required | Inside.',
    'named | map from names to: map | required | Map.',
    'named.NAME.x | text | required | Inside.',
  ]);
});

test('shows one setting for one thing or a list of them', () => {
  const entry = z.strictObject({ x: z.string().describe('Inside.') });
  assert.deepEqual(rowsOf(z.strictObject({ one: oneOrList(entry).describe('One or more.') })), [
    'one | map; or a list of such | required | One or more.',
    'one.x | text | required | Inside.',
  ]);
});

test('requires no key that another form of the setting does without', () => {
  const to = forms('something', [
    { isMeant: isText, schema: z.literal('stdout') },
    { isMeant: (value) => isMap(value) && 'a' in value, schema: z.strictObject({ a: z.string().describe('A.') }) },
    { isMeant: isMap, schema: z.strictObject({ b: z.string().describe('B.') }) },
  ]);
  assert.deepEqual(rowsOf(z.strictObject({ to: to.describe('Where.') })), [
    'to | `stdout`; or map | required | Where.',
    'to.a | text |  | A.',
    'to.b | text |  | B.',
  ]);
});
