import assert from 'node:assert/strict';
import test from 'node:test';
import { percent } from './percent.ts';

for (const [text, value] of [
  ['50%', 0.5],
  ['100%', 1],
  ['0.5%', 0.005],
] as const) {
  test(`reads ${text} as ${value}`, () => {
    assert.equal(percent().parse(text), value);
  });
}

for (const [text, problem] of [
  ['0%', 'is not above `0%` and at most `100%`'],
  ['101%', 'is not above `0%` and at most `100%`'],
  ['50', 'is not a percentage; write a number with `%`, such as `50%`'],
  ['-5%', 'is not a percentage; write a number with `%`, such as `50%`'],
] as const) {
  test(`refuses ${text}`, () => {
    const result = percent().safeParse(text);
    assert.equal(result.error?.issues[0]?.message, `"${text}" ${problem}`);
  });
}
