import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatContentRange, parseContentRange } from './content-range.ts';

const readings = [
  ['bytes 0-3/10', { start: 0, end: 4, wholeBytes: 10 }],
  ['Bytes 9-9/10', { start: 9, end: 10, wholeBytes: 10 }],
  ['bytes 0-3/*', undefined],
  ['bytes */10', undefined],
  ['bytes 3-0/10', undefined],
  ['bytes 0-10/10', undefined],
  ['bytes 0-3/10, bytes 4-5/10', undefined],
  ['bytes -1-3/10', undefined],
  ['pages 0-3/10', undefined],
  ['bytes 0-3/9999999999999999', undefined],
  ['', undefined],
] as const;

for (const [text, range] of readings)
  test(`"${text}" is ${range === undefined ? 'no part' : 'a part'}`, () => {
    assert.deepEqual(parseContentRange(text), range);
  });

test('what is written is read again', () => {
  const range = { start: 2, end: 7, wholeBytes: 10 };
  assert.deepEqual(parseContentRange(formatContentRange(range)), range);
});
