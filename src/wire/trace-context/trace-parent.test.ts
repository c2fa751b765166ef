import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('reads what the specification shows, with its flags', () => {
  const flags = (text: string) => {
    const { isSampled, isRandom } = parseTraceParent(`00-${TRACE}-${SPAN}-${text}`)!;
    return { isSampled, isRandom };
  };
  assert.deepEqual(parseTraceParent(`00-${TRACE}-${SPAN}-01`), {
    traceId: TRACE,
    parentId: SPAN,
    isSampled: true,
    isRandom: false,
  });
  assert.deepEqual(flags('00'), { isSampled: false, isRandom: false });
  assert.deepEqual(flags('02'), { isSampled: false, isRandom: true });
  assert.deepEqual(flags('03'), { isSampled: true, isRandom: true });
  // Flags without a meaning say nothing.
  assert.deepEqual(flags('fc'), { isSampled: false, isRandom: false });
  assert.deepEqual(flags('ff'), { isSampled: true, isRandom: true });
});

test('reads what a later version says of the same', () => {
  for (const text of [`01-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01-what-the-future-brings`, `fe-${TRACE}-${SPAN}-01-`])
    assert.equal(parseTraceParent(text)?.traceId, TRACE, text);
});

const malformed = [
  '',
  '00',
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE}-${SPAN}-011`,
  `00-${TRACE}-${SPAN}-01-`,
  `00-${TRACE}-${SPAN}-01-more`,
  `01-${TRACE}-${SPAN}-01.more`,
  `ff-${TRACE}-${SPAN}-01`,
  `0-${TRACE}-${SPAN}-001`,
  `0G-${TRACE}-${SPAN}-01`,
  `0A-${TRACE}-${SPAN}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
  `00-${TRACE}-${SPAN.toUpperCase()}-01`,
  `00-${TRACE.slice(1)}-${SPAN}-01`,
  `00-${TRACE}0-${SPAN}-01`,
  `00-${TRACE.slice(1)}.-${SPAN}-01`,
  `00-${TRACE}-${SPAN.slice(1)}g-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-0G`,
  `00-${TRACE}-${SPAN}-0A`,
  `00_${TRACE}_${SPAN}_01`,
  ` 00-${TRACE}-${SPAN}-01`,
  `00-${TRACE}-${SPAN}-01 `,
  `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`,
];

for (const text of malformed)
  test(`takes no parent from ${JSON.stringify(text)}`, () => {
    assert.equal(parseTraceParent(text), undefined);
  });

test('writes what it reads, without flags that mean nothing', () => {
  for (const flags of ['00', '01', '02', '03']) {
    const text = `00-${TRACE}-${SPAN}-${flags}`;
    assert.equal(formatTraceParent(parseTraceParent(text)!, SPAN), text);
  }
  assert.equal(formatTraceParent(parseTraceParent(`00-${TRACE}-${SPAN}-f1`)!, SPAN), `00-${TRACE}-${SPAN}-01`);
});
