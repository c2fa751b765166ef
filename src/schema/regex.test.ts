import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listGroupNames, readRegex } from './regex.ts';

test('accepts what compiles', () => {
  assert.deepEqual(readRegex('/orders/[0-9]+'), { value: '/orders/[0-9]+' });
});

const refused = {
  '': 'the expression is empty; it would match nothing but the empty text',
  '(': '"(" is not a regular expression: unterminated group',
  ')(': '")(" is not a regular expression: unmatched \')\'',
  '[b-a]': '"[b-a]" is not a regular expression: range out of order in character class',
  '*a': '"*a" is not a regular expression: nothing to repeat',
};

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the expression ${JSON.stringify(text)}`, () => assert.deepEqual(readRegex(text), { problem }));
}

test('lists the names of groups, in either branch', () => {
  assert.deepEqual(listGroupNames('/(?<year>[0-9]+)/x|/(?<name>.*)'), ['year', 'name']);
  assert.deepEqual(listGroupNames('/plain'), []);
});
