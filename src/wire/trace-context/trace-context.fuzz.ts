/** What anybody may send as the context of a trace: read without an error, and never taken for more than the specifications allow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { formatB3, parseB3, parseB3Fields } from './b3.ts';
import { joinBaggage } from './baggage.ts';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';
import { readTraceState } from './trace-state.ts';

/** RFC-like grammars of their own, written apart from the parsers. */
const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const LATER_TRACE_PARENT = /^(?!ff|00)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}-/;
const B3 =
  /^(?:[01d]|true|false|(?!0+-)(?:[0-9a-f]{16}){1,2}-(?!0{16})[0-9a-f]{16}(?:-(?:[01d]|true|false)(?:-(?!0{16})[0-9a-f]{16})?)?)$/;

const piece = fc.constantFrom(
  '00',
  '01',
  'ff',
  'fe',
  '-',
  '0'.repeat(16),
  '4bf92f3577b34da6',
  'a3ce929d0e0e4736',
  'G',
  'A',
  '1',
  'd',
  '0',
  ' ',
  ',',
  '=',
  'true',
);
const nearText = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
const hex = fc.constantFrom(...'0123456789abcdef');
const digits = (count: number) => fc.array(hex, { minLength: count, maxLength: count }).map((each) => each.join(''));
const wellFormed = fc.tuple(digits(2), digits(32), digits(16), digits(2)).map((parts) => parts.join('-'));
/** One sign of it is another one. */
const bent = fc
  .tuple(wellFormed, fc.nat(54), fc.constantFrom('-', 'g', 'F', ' ', '\u00e9', ''))
  .map(([text, at, sign]) => text.slice(0, at) + sign + text.slice(at + 1));
const anyText = fc.oneof(nearText, wellFormed, bent, fc.string({ unit: 'binary', maxLength: 80 }));

test('traceparent is taken exactly where its grammar says so', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseTraceParent(text);
      assert.equal(parsed !== undefined, TRACE_PARENT.test(text) || LATER_TRACE_PARENT.test(text), JSON.stringify(text));
      if (parsed === undefined) return;
      const written = formatTraceParent(parsed, parsed.parentId);
      assert.match(written, TRACE_PARENT);
      assert.deepEqual(parseTraceParent(written), parsed);
    }),
    fuzzParameters(t),
  );
});

test('b3 is taken exactly where its grammar says so', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseB3(text);
      assert.equal(parsed !== undefined, B3.test(text), JSON.stringify(text));
      if (parsed?.traceId === undefined || parsed.isSampled === undefined) return;
      const { isSampled } = parsed;
      assert.deepEqual(parseB3(formatB3({ ...parsed, isSampled }, parsed.parentId)), parsed);
    }),
    fuzzParameters(t),
  );
});

test('several fields of b3 are read to an id of full length, a decision, or nothing', (t) => {
  const field = fc.option(anyText, { nil: undefined });
  fc.assert(
    fc.property(fc.record({ traceId: field, spanId: field, sampled: field, flags: field }), (fields) => {
      const parsed = parseB3Fields(fields);
      if (parsed?.traceId !== undefined) assert.match(`${parsed.traceId}${parsed.parentId}`, /^[0-9a-f]{48}$/);
    }),
    fuzzParameters(t),
  );
});

test('a tracestate that is passed on is well-formed, bounded, and made of what was sent', (t) => {
  const sign = fc.constantFrom('a', '0', '_', '@', '=', ',', ' ', '\t', 'A', 'xyz=1,', 'k=v', '\u00e9', 'a'.repeat(120));
  const line = fc.array(sign, { maxLength: 40 }).map((signs) => signs.join(''));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
      const state = readTraceState(lines, 512);
      if (state === undefined) return;
      assert.ok(state.length <= 512 && state.split(',').length <= 32);
      assert.equal(readTraceState([state], 512), state);
      const sent = lines
        .join(',')
        .split(',')
        .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''));
      for (const member of state.split(',')) assert.ok(sent.includes(member));
    }),
    fuzzParameters(t),
  );
});

test('baggage is the beginning of what was sent, by whole members', (t) => {
  const line = fc
    .array(fc.constantFrom(',', 'a=1', 'x'.repeat(1_000), ';p', ' '), { maxLength: 90 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
      const sent = lines.join(',');
      const passed = joinBaggage(lines) ?? '';
      assert.ok(sent.startsWith(passed) && passed.length <= 8_192);
      assert.ok(passed === '' || passed.length === sent.length || sent[passed.length] === ',');
    }),
    fuzzParameters(t),
  );
});
