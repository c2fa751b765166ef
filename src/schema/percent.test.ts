import assert from 'node:assert/strict';
import test from 'node:test';
import { percent } from './percent.ts';

for (const [text, value] of [
  ['0%', 0],
  ['0.5%', 0.005],
  ['50%', 0.5],
  ['100%', 1],
] as const) {
  test(`${text} is ${value}`, () => assert.equal(percent().parse(text), value));
}

for (const text of ['100.1%', '101%', '-1%', '%', '50', '5 %', '1e1%', '']) {
  test(`“${text}” is no share, and what would be one is named`, () => {
    assert.match(percent().safeParse(text).error!.issues[0]!.message, /is not a share from `0%` to `100%`.*%`/);
  });
}
