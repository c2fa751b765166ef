import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { secret } from './secret.ts';

const value = secret().parse('hunter2');

test('gives the text only to who asks for it', () => assert.equal(value.reveal(), 'hunter2'));

const ways: Readonly<Record<string, () => string>> = {
  'a template': () => `${value}`,
  'a concatenation': () => `${String(value)}`,
  JSON: () => JSON.stringify({ value }),
  inspect: () => inspect({ value }, { depth: 5, showHidden: true }),
  'its keys': () => JSON.stringify(Object.entries(value)),
};

for (const [way, print] of Object.entries(ways)) {
  test(`does not show itself in ${way}`, () => assert.ok(!print().includes('hunter2')));
}

test('does not repeat a wrong value', () => {
  assert.equal(secret().safeParse('').error?.issues[0]?.message, 'the secret is empty');
});
