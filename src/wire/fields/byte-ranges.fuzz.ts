/** Random ranges: what is sent holds what was asked for and is there, each byte once, and costs little more than the whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '#base/limits.ts';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { readByteRanges } from './byte-ranges.ts';

const SIZE_MAX = 5_000;
const numbers = fc.nat(SIZE_MAX + 100);
const specifiers = fc.oneof(
  fc.tuple(numbers, numbers).map(([start, length]) => ({ text: `${start}-${start + length}`, start, end: start + length + 1 })),
  numbers.map((start) => ({ text: `${start}-`, start, end: Number.POSITIVE_INFINITY })),
  numbers.map((length) => ({ text: `-${length}`, start: -length, end: 0 })),
);

test('ranges are read as a list of bytes would be', (context) => {
  fc.assert(
    fc.property(fc.nat(SIZE_MAX), fc.array(specifiers, { minLength: 1, maxLength: limits.byteRangesMax }), (size, asked) => {
      const wanted = new Uint8Array(size);
      for (const { start, end } of asked) {
        const from = start < 0 || end === 0 ? Math.max(0, size + start) : start;
        wanted.fill(1, Math.min(from, size), end === 0 ? size : Math.min(end, size));
      }
      const ranges = readByteRanges(`bytes=${asked.map(({ text }) => text).join(', ')}`, size);
      if (ranges === 'unsatisfiable') return assert.ok(!wanted.includes(1));
      assert.ok(typeof ranges === 'object');
      const sent = new Uint8Array(size);
      for (const { start, end } of ranges) {
        assert.ok(start >= 0 && start < end && end <= size);
        for (let i = start; i < end; i++) sent[i]! += 1;
      }
      assert.ok(sent.every((count, i) => count === 1 || (count === 0 && wanted[i] === 0)));
    }),
    fuzzParameters(context),
  );
});

test('whatever the field says, it is answered somehow', (context) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^bytes=[0-9, -]{0,40}$/)), fc.nat(SIZE_MAX), (field, size) => {
      const ranges = readByteRanges(field, size);
      assert.ok(typeof ranges === 'string' || ranges.length > 0);
    }),
    fuzzParameters(context),
  );
});
