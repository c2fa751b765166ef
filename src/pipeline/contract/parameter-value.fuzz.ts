/** Random queries and texts: never a throw, and what was written in a style is read back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import type { ParameterPlace, ParameterRule, ParameterStyle, TextShape } from './contract.ts';
import { readCookieParameter, readHeaderParameter, readPathParameter, readQueryParameter } from './parameter-value.ts';
import { readQueryParts } from './query-parts.ts';

const shapes: readonly TextShape[] = [
  { types: ['string'] },
  { types: ['integer', 'null'] },
  { types: ['array'], items: { types: ['integer'] } },
  { types: ['object'], properties: { a: { types: ['integer'] }, b: { types: ['array'] } }, rest: { types: [] } },
  { types: ['array', 'object', 'string'] },
];
const rules = fc.record<ParameterRule>({
  in: fc.constantFrom<ParameterPlace>('path', 'query', 'header', 'cookie'),
  name: fc.constantFrom('a', 'p', '__proto__'),
  isRequired: fc.boolean(),
  allowsEmpty: fc.boolean(),
  style: fc.constantFrom<ParameterStyle>('simple', 'label', 'matrix', 'form', 'spaceDelimited', 'pipeDelimited', 'deepObject'),
  explode: fc.boolean(),
  content: fc.constantFrom(undefined, undefined, undefined, 'json' as const, 'text' as const),
  shape: fc.constantFrom(...shapes),
  use: fc.constant(undefined),
});
const piece = fc.constantFrom(
  'a',
  'p',
  'b',
  '=',
  '&',
  ',',
  ';',
  '.',
  '|',
  '[',
  ']',
  '%',
  '%2C',
  '%ff',
  '+',
  '1',
  '{',
  '"',
  '__proto__',
);
const texts = fc.oneof(
  fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
  fc.string(),
);

test('whatever stands there is read or is a fault', (context) => {
  fc.assert(
    fc.property(rules, texts, (rule, text) => {
      const parts = readQueryParts(text);
      const reading = {
        path: () => readPathParameter(rule, text),
        query: () => readQueryParameter(rule, parts),
        header: () => readHeaderParameter(rule, text),
        cookie: () => readCookieParameter(rule, parts),
      }[rule.in]();
      if (reading !== undefined) assert.ok('value' in reading !== 'fault' in reading);
      assert.equal(Object.keys(Object.prototype).length, 0);
    }),
    fuzzParameters(context),
  );
});

test('a list that is written with encoded items is read as it was', (context) => {
  const items = fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1, maxLength: 5 });
  const styles = fc.constantFrom<[ParameterStyle, string]>(['form', ','], ['spaceDelimited', '%20'], ['pipeDelimited', '%7C']);
  fc.assert(
    fc.property(items, styles, (values, [style, delimiter]) => {
      // Of these two, no item can hold the delimiter, which looks the same as what encodes it.
      const own = style === 'form' ? values : values.map((value) => value.replaceAll(/[ |]/g, '_'));
      const written = `p=${own.map(encodeURIComponent).join(delimiter)}`;
      const rule: ParameterRule = {
        in: 'query',
        name: 'p',
        isRequired: true,
        allowsEmpty: false,
        style,
        explode: false,
        content: undefined,
        shape: { types: ['array'], items: { types: ['string'] } },
        use: undefined,
      };
      assert.deepEqual(readQueryParameter(rule, readQueryParts(written)), { value: own });
    }),
    fuzzParameters(context),
  );
});
