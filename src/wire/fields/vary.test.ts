import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addVary } from './vary.ts';

test('adds what an answer depends on once', () => {
  for (const [before, after] of [
    [[], ['vary', 'origin']],
    [
      ['vary', 'Accept-Encoding'],
      ['vary', 'Accept-Encoding, origin'],
    ],
    [
      ['vary', 'Accept, Origin'],
      ['vary', 'Accept, Origin'],
    ],
    [
      ['vary', 'accept', 'vary', '*'],
      ['vary', 'accept', 'vary', '*'],
    ],
    [
      ['vary', 'x-origin'],
      ['vary', 'x-origin, origin'],
    ],
  ]) {
    const fields = [...before!];
    addVary(fields, 'origin');
    assert.deepEqual(fields, after);
  }
});
