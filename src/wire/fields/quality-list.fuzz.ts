/** The reader of weighted lists against lists that were written from what they mean. Run by `npm test` like any test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { parseQualityList } from './quality-list.ts';

const space = fc.constantFrom('', ' ', '\t', '  ');
const name = fc.constantFrom('gzip', 'br', 'zstd', 'identity', '*', 'text/html', 'text/*', 'x-0');
const weight = fc.oneof(fc.nat(1000), fc.constantFrom(0, 1, 10, 100, 999, 1000));
const parameter = fc.constantFrom('', ';level=1', ';t="a,b;q=0"', ';t="\\","', ';flag');

const written = fc
  .record({ name, weight, parameter, before: space, between: space, isUpper: fc.boolean(), isShort: fc.boolean() })
  .map((item) => {
    const digits = (item.weight / 1000).toFixed(3);
    const short = item.isShort ? String(item.weight / 1000) : digits;
    const q = item.isShort && item.weight === 1000 ? '' : `${item.between};${item.between}q=${short}`;
    const shown = item.isUpper ? item.name.toUpperCase() : item.name;
    return { text: `${item.before}${shown}${item.parameter}${q}${item.before}`, name: item.name, weight: item.weight };
  });

test('what is written is read', (t) => {
  fc.assert(
    fc.property(fc.array(written, { maxLength: 12 }), (items) => {
      const expected = items.map((item) => ({ name: item.name, weight: item.weight }));
      assert.deepEqual(parseQualityList(items.map(({ text }) => text).join(',')), expected);
    }),
    fuzzParameters(t),
  );
});

test('any text is read to its end, as names with weights from 0 to 1000', (t) => {
  const sign = fc.constantFrom('a', 'q', '*', '/', ',', ';', '=', '"', '\\', ' ', '0', '1', '.', '9', '\xff');
  fc.assert(
    fc.property(fc.array(sign, { maxLength: 60 }), (signs) => {
      for (const item of parseQualityList(signs.join(''))) {
        assert.ok(item.name.length > 0 && item.name === item.name.trim());
        assert.ok(Number.isInteger(item.weight) && item.weight >= 0 && item.weight <= 1000);
      }
    }),
    fuzzParameters(t),
  );
});
