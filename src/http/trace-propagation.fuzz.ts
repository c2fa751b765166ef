/** Whatever fields a request has, what goes on is well-formed, says one thing only, and is read again as what was meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { type TraceFormat, TracePropagation } from './trace-propagation.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const OWN_SPAN = 'a3ce929d0e0e4736';

const names = [
  'traceparent',
  'tracestate',
  'baggage',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-sampled',
  'x-b3-flags',
  'x-own',
  'te',
];
const value = fc.oneof(
  fc.constantFrom(
    `00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-00`,
    `${TRACE}-${SPAN}-1`,
    TRACE,
    SPAN,
    '0',
    '1',
    'd',
    'a=1',
    'a=1,b=2',
    '',
  ),
  fc.constantFrom('k=v,'.repeat(70), 'x'.repeat(9_000)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
);
const fieldLists = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 8 }).map((pairs) => pairs.flat());
const formatLists = fc.uniqueArray(fc.constantFrom<TraceFormat>('w3c', 'b3', 'b3-multi'), { minLength: 1 });

test('what is written in the place of what came is read as the same trace by each format', (t) => {
  fc.assert(
    fc.property(fieldLists, formatLists, fc.boolean(), (fields, formats, isSampled) => {
      const propagation = new TracePropagation(formats);
      const { context, state } = propagation.read(fields);
      const known = context?.traceId === undefined ? { traceId: TRACE, isRandom: false } : context;
      const sent = { traceId: known.traceId, isRandom: known.isRandom, isSampled, received: { state } };
      const written = [...propagation.clean(fields), ...propagation.write(sent, OWN_SPAN)];
      for (const format of formats) {
        const again = new TracePropagation([format]).read(written);
        assert.equal(again.context?.traceId, known.traceId);
        assert.equal(again.context.parentId, OWN_SPAN);
        assert.equal(again.context.isSampled, isSampled);
        if (format === 'w3c') assert.equal(again.state, state);
        assert.equal(again.hasFields, true);
      }
    }),
    fuzzParameters(t),
  );
});

test('other fields stay as they are, in their order, and so do those of formats that are not followed', (t) => {
  fc.assert(
    fc.property(fieldLists, formatLists, (fields, formats) => {
      const cleaned = new TracePropagation(formats).clean(fields);
      const followed = formats.flatMap((format) =>
        format === 'w3c'
          ? ['traceparent', 'tracestate']
          : format === 'b3'
            ? ['b3']
            : names.filter((name) => name.startsWith('x-b3-')),
      );
      for (const name of names) {
        if (name === 'baggage' && formats.includes('w3c')) continue;
        assert.deepEqual(getFieldValues(cleaned, name), followed.includes(name) ? [] : getFieldValues(fields, name));
      }
      assert.ok(!formats.includes('w3c') || getFieldValues(cleaned, 'baggage').join().length <= 8_192);
    }),
    fuzzParameters(t),
  );
});

test('the lines of HTTP/1.1 say what the fields say', (t) => {
  fc.assert(
    fc.property(
      formatLists,
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(undefined, 'a=1'),
      (formats, isSampled, isRandom, state) => {
        const propagation = new TracePropagation(formats);
        const sent = { traceId: TRACE, isSampled, isRandom, received: { state } };
        const fields = propagation.write(sent, SPAN);
        const lines = propagation.writeHttp1(sent, SPAN).split('\r\n').slice(1);
        assert.deepEqual(
          lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
          fields,
        );
      },
    ),
    fuzzParameters(t),
  );
});
