import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRate, readRate } from './rate.ts';

test('reads so many in a unit of time or in a duration, and writes the same', () => {
  for (const [text, limit, windowMs] of [
    ['100/minute', 100, 60_000],
    ['1/second', 1, 1_000],
    ['1000000/day', 1_000_000, 86_400_000],
    ['5/hour', 5, 3_600_000],
    ['10/5s', 10, 5_000],
    ['7/1500ms', 7, 1_500],
  ] as const) {
    assert.deepEqual(readRate(text), { value: { limit, windowMs } });
    assert.equal(formatRate({ limit, windowMs }), text);
  }
  assert.deepEqual(readRate('3/60s'), { value: { limit: 3, windowMs: 60_000 } });
});

test('says what is wrong with a rate and what would be right', () => {
  for (const [text, problem] of [
    ['100', '"100" is not a rate; write a number and a unit of time, such as `100/minute` or `10/5s`'],
    ['-1/minute', '"-1/minute" is not a rate; write a number and a unit of time, such as `100/minute` or `10/5s`'],
    ['1.5/second', '"1.5/second" is not a rate; write a number and a unit of time, such as `100/minute` or `10/5s`'],
    [
      '100/fortnight',
      '"100/fortnight": "fortnight" is no unit of time; write `second`, `minute`, `hour` or `day`, or a duration such as `10s`',
    ],
    [
      '100/minutes',
      '"100/minutes": "minutes" is no unit of time; write `second`, `minute`, `hour` or `day`, or a duration such as `10s`; did you mean `100/minute`?',
    ],
    ['0/minute', '"0/minute" lets nothing pass; at least `1/minute`'],
    ['1000001/second', '"1000001/second" is too much; at most `1000000/second`'],
    ['999999999999999/day', '"999999999999999/day" is too much; at most `1000000/day`'],
    ['10/100ms', '"10/100ms" counts over too short a time; at least `1s`'],
    ['10/2d', '"10/2d" counts over too long a time; at most `1d`'],
  ] as const)
    assert.deepEqual(readRate(text), { problem });
});
