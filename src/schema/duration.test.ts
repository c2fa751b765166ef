import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { duration } from './duration.ts';
import { formatDuration, parseDuration } from './duration-text.ts';
import { explainIssue } from './explain.ts';

const accepted: Readonly<Record<string, number>> = {
  '0s': 0,
  '500ms': 500,
  '5s': 5_000,
  '1.5s': 1_500,
  '1m': 60_000,
  '2h': 7_200_000,
  '7d': 604_800_000,
  '0.4ms': 0,
};

const refused = ['', '5', '-5s', '+5s', '5 s', ' 5s', '5S', '5sec', '1m30s', '.5s', '1e3s', '5s\n', '٥s'];

function problemOf(schema: ReturnType<typeof duration>, value: unknown): string | undefined {
  return schema.safeParse(value, { error: explainIssue }).error?.issues[0]?.message;
}

for (const [text, ms] of Object.entries(accepted)) {
  test(`reads ${text} as ${ms} milliseconds`, () => assert.equal(parseDuration(text), ms));
}

for (const text of refused) {
  test(`does not read ${JSON.stringify(text)} as a duration`, () => assert.equal(parseDuration(text), undefined));
}

test('reads back every duration that it writes', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
});

test('names the unit that is missing', () => {
  assert.equal(problemOf(duration(), '30'), '"30" has no unit; write `30s` or `30ms`');
  assert.equal(problemOf(duration(), 30), 'expected a duration such as `500ms`, not the number 30');
});

test('refuses what is outside its bounds, and not the bounds themselves', () => {
  const schema = duration({ min: '1s', max: '1m' });
  assert.equal(problemOf(schema, '999ms'), '"999ms" is too short; at least `1s`');
  assert.equal(schema.parse('1s'), 1_000);
  assert.equal(schema.parse('60s'), 60_000);
  assert.equal(problemOf(schema, '61s'), '"61s" is too long; at most `1m`');
});

test('refuses what a timer cannot wait', () => {
  assert.equal(problemOf(duration(), '25d'), '"25d" is too long; at most `24d`');
});
