import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type B3Fields, formatB3, parseB3, parseB3Fields } from './b3.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const context = (isSampled: boolean | undefined, traceId = TRACE) => ({ traceId, parentId: SPAN, isSampled, isRandom: false });
const decision = (isSampled: boolean) => ({ traceId: undefined, isSampled });

const single: readonly [string, ReturnType<typeof context> | ReturnType<typeof decision>][] = [
  [`${TRACE}-${SPAN}-1`, context(true)],
  [`${TRACE}-${SPAN}-0`, context(false)],
  [`${TRACE}-${SPAN}-d`, context(true)],
  [`${TRACE}-${SPAN}`, context(undefined)],
  [`${TRACE}-${SPAN}-1-${SPAN}`, context(true)],
  [`${TRACE.slice(16)}-${SPAN}-1`, context(true, TRACE.slice(16).padStart(32, '0'))],
  ['0', decision(false)],
  ['1', decision(true)],
  ['d', decision(true)],
];

for (const [text, expected] of single)
  test(`reads b3: ${text}`, () => {
    assert.deepEqual(parseB3(text), expected);
  });

const malformed = [
  '',
  '2',
  '-',
  `${TRACE}`,
  `${TRACE}-`,
  `${TRACE}-${SPAN}-`,
  `${TRACE}-${SPAN}-2`,
  `${TRACE}-${SPAN}-1-`,
  `${TRACE}-${SPAN}-1-${SPAN}-`,
  `${TRACE}-${SPAN}-1-${TRACE}`,
  `${TRACE.toUpperCase()}-${SPAN}-1`,
  `${TRACE.slice(1)}-${SPAN}-1`,
  `${'0'.repeat(32)}-${SPAN}-1`,
  `${TRACE}-${'0'.repeat(16)}-1`,
  `${SPAN}-${TRACE}-1`,
];

for (const text of malformed)
  test(`takes nothing from b3: ${JSON.stringify(text)}`, () => {
    assert.equal(parseB3(text), undefined);
  });

const nothing: B3Fields = { traceId: undefined, spanId: undefined, sampled: undefined, flags: undefined };

test('reads the several fields', () => {
  const ids = { ...nothing, traceId: TRACE, spanId: SPAN };
  assert.deepEqual(parseB3Fields(ids), context(undefined));
  assert.deepEqual(parseB3Fields({ ...ids, sampled: '1' }), context(true));
  assert.deepEqual(parseB3Fields({ ...ids, sampled: 'false' }), context(false));
  assert.deepEqual(parseB3Fields({ ...ids, flags: '1' }), context(true));
  assert.deepEqual(parseB3Fields({ ...ids, flags: '0', sampled: '0' }), context(false));
  assert.deepEqual(parseB3Fields({ ...nothing, sampled: '0' }), decision(false));
});

test('takes nothing from several fields that do not fit together', () => {
  assert.equal(parseB3Fields(nothing), undefined);
  assert.equal(parseB3Fields({ ...nothing, traceId: TRACE }), undefined);
  assert.equal(parseB3Fields({ ...nothing, spanId: SPAN, sampled: '1' }), undefined);
  assert.equal(parseB3Fields({ ...nothing, traceId: TRACE, spanId: SPAN, sampled: 'yes' }), undefined);
  assert.equal(parseB3Fields({ ...nothing, traceId: 'x', spanId: SPAN }), undefined);
});

test('writes what it reads', () => {
  for (const sampled of [true, false])
    assert.deepEqual(parseB3(formatB3({ traceId: TRACE, isSampled: sampled, isRandom: false }, SPAN)), context(sampled));
});
