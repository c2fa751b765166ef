import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePercentage, percentage } from './percentage.ts';

test('reads percentages, and nothing that is none', () => {
  for (const [text, share] of [
    ['20%', 0.2],
    ['0%', 0],
    ['0.5%', 0.005],
    ['100%', 1],
  ] as const) {
    assert.equal(parsePercentage(text), share);
  }
  for (const text of ['20', '-1%', '1e1%', '% 20', '20 %', '']) assert.equal(parsePercentage(text), undefined, text);
});

test('takes the largest share that is allowed, and nothing above', () => {
  const schema = percentage({ max: '50%' });
  assert.equal(schema.parse('50%'), 0.5);
  assert.match(schema.safeParse('50.1%').error!.issues[0]!.message, /at most `50%`/);
  assert.match(schema.safeParse('half').error!.issues[0]!.message, /not a percentage/);
});
