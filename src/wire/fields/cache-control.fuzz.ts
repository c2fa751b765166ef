/** The reader of `Cache-Control` against directives that were written from what they mean. Run by `npm test` like any test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { readAnswerDirectives, readRequestDirectives, SECONDS_MAX } from './cache-control.ts';

const space = fc.constantFrom('', ' ', '\t', '  ');
const noise = fc.constantFrom('foo', 'bar=1', 'baz="a, no-store"', 'qux="\\", private"', '');

const written = fc.record({
  seconds: fc.nat(4_000_000_000),
  isQuoted: fc.boolean(),
  isUpper: fc.boolean(),
  noStore: fc.boolean(),
  isPublic: fc.boolean(),
  around: fc.tuple(noise, noise, noise),
  space,
});

test('what is written is read, whatever stands beside it', (t) => {
  fc.assert(
    fc.property(written, ({ seconds, isQuoted, isUpper, noStore, isPublic, around, space }) => {
      const name = isUpper ? 'MAX-AGE' : 'max-age';
      const age = isQuoted ? `${name}="${seconds}"` : `${name}=${seconds}`;
      const [first, second, third] = around;
      const parts = [first, age, second, noStore ? 'no-store' : '', isPublic ? 'Public' : '', third];
      const read = readAnswerDirectives(['cache-control', parts.join(`${space},${space}`)], []);
      assert.deepEqual(
        [read.maxAgeS, read.noStore, read.isPublic, read.private],
        [Math.min(seconds, SECONDS_MAX), noStore, isPublic, 'none'],
      );
    }),
    fuzzParameters(t),
  );
});

test('any text is read to its end, and times are whole seconds', (t) => {
  const sign = fc.constantFrom(
    'max-age',
    's-maxage',
    'no-cache',
    'a',
    ',',
    '=',
    '"',
    '\\',
    ' ',
    '0',
    '9',
    '-',
    '.',
    ';',
    '(',
    ')',
    '\xff',
  );
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 60 }), (signs) => {
      const fields = ['cache-control', signs.join(''), 'x-target', signs.join('')];
      for (const { maxAgeS, sharedMaxAgeS } of [readAnswerDirectives(fields, []), readAnswerDirectives(fields, ['x-target'])])
        for (const seconds of [maxAgeS, sharedMaxAgeS])
          assert.ok(seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= SECONDS_MAX));
      readRequestDirectives(fields);
    }),
    fuzzParameters(t),
  );
});
