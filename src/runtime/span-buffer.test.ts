import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import { noClient } from '#forward/no-client.ts';
import { Exchange } from '#http/exchange.ts';
import { ExchangeTrace } from '#http/exchange-trace.ts';
import { TracePropagation } from '#http/trace-propagation.ts';
import { Redactor } from '#telemetry/lines/redactor.ts';
import { injectedRequest } from '#test/support/asked-request.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { findText, listMessages, readProtobuf } from '#test/support/protobuf-fields.ts';
import { type ObservedSpans, SpanBuffer } from './span-buffer.ts';

/** Spans that are told of before the timer tells. */
const EARLY = 20 * limits.spansOfExportMax;
const means = { propagation: new TracePropagation(['w3c']), nextSpanId: () => 'b7ad6b7169203331' };
const received = { state: undefined, hasFields: false };
const start = {
  spanId: '00f067aa0ba902b7',
  parentId: undefined,
  isParentRemote: false,
  isSampled: true,
  isRandom: false,
  received,
};

function open(t: TestContext) {
  const clock = new FakeClock();
  const told: ObservedSpans[] = [];
  const handedOver: (readonly ArrayBuffer[])[] = [];
  const buffer = new SpanBuffer(new Redactor(), {
    clock,
    tell(observed, memory) {
      told.push(observed);
      handedOver.push(memory);
    },
  });
  t.after(() => buffer.close());
  const begin = (url = '/', fields: readonly string[] = []) =>
    new Exchange(noClient, noClient, injectedRequest(url, fields), { requestId: 'r', startedMs: clock.monotonicMs() });
  let count = 0;
  /** Each in a trace of its own. */
  const add = (exchange = begin()) => {
    const traceId = String(++count).padStart(32, '0');
    buffer.add(exchange, new ExchangeTrace({ ...start, traceId }, means));
    return traceId;
  };
  return {
    buffer,
    clock,
    told,
    handedOver,
    begin,
    add,
    counts: () => told.map(({ batches, lost }) => [batches.map(toCount), lost]),
  };
}

const toCount = ({ count }: { readonly count: number }) => count;

/** As messages hold them. */
function readSpans({ batches }: ObservedSpans) {
  return batches.flatMap(({ bytes }) => listMessages(readProtobuf(Buffer.from(bytes)), 2));
}

const readTraceIds = (observed: ObservedSpans) => readSpans(observed).map((span) => (span.get(1)![0] as Buffer).toString('hex'));

test('a thread tells of many spans at once, so often, then holds some, counts what it drops, and has room again when it has told', (t) => {
  const { buffer, add, counts } = open(t);
  for (let i = 0; i < EARLY + limits.threadSpansPendingMax + 7; i++) add();
  buffer.flush();
  add();
  buffer.flush();
  buffer.flush();
  const full = Array.from({ length: limits.threadSpansPendingMax / limits.spansOfExportMax }, () => limits.spansOfExportMax);
  assert.deepEqual(counts(), [...Array.from({ length: 20 }, () => [[limits.spansOfExportMax], 0]), [full, 7], [[1], 0]]);
});

test('spans that clients have made long take no more memory than may wait', (t) => {
  const { buffer, begin, add, told } = open(t);
  const long = '€'.repeat(2_000);
  const exchange = begin(`/${long}?${long}`, ['user-agent', long]);
  for (let i = 0; i < 2_000; i++) add(exchange);
  buffer.flush();
  const bytes = told.map(({ batches }) => batches.map((batch) => batch.bytes.length));
  const room = 20_000;
  assert.ok(bytes.flat().every((each) => each <= limits.spansOfExportBytesMax + room));
  const waited = bytes.at(-1)!.reduce((sum, each) => sum + each, 0);
  assert.ok(waited >= limits.threadSpansPendingBytesMax && waited < limits.threadSpansPendingBytesMax + room);
  const spans = told.flatMap(({ batches }) => batches.map(toCount)).reduce((sum, each) => sum + each, 0);
  assert.equal(spans + told.reduce((sum, { lost }) => sum + lost, 0), 2_000);
});

test('what is told is memory that is handed over, and that nobody writes to any more', (t) => {
  const { buffer, add, told, handedOver } = open(t);
  const ids = [add(), add()];
  buffer.flush();
  const other = add();
  buffer.flush();
  assert.deepEqual(told.map(readTraceIds), [ids, [other]]);
  assert.deepEqual(
    handedOver,
    told.map(({ batches }) => batches.map(({ bytes }) => bytes.buffer)),
  );
  assert.deepEqual(
    handedOver.flat().map(({ byteLength }) => byteLength),
    told.flatMap(({ batches }) => batches.map(({ bytes }) => bytes.length)),
  );
});

test('a thread that ends tells of what it has', (t) => {
  const { buffer, add, told } = open(t);
  const ids = [add(), add(), add()];
  buffer.close();
  buffer.close();
  assert.deepEqual(told.map(readTraceIds), [ids]);
});

test('what becomes of an exchange when it is over changes nothing of its span', (t) => {
  const { buffer, begin, add, told } = open(t);
  const exchange = begin('/before');
  add(exchange);
  exchange.request = injectedRequest('/after', []);
  exchange.status = 500;
  buffer.flush();
  const [span] = readSpans(told[0]!);
  const values = listMessages(span!, 9).map((pair) => [findText(pair, 1), findText(listMessages(pair, 2)[0]!, 1)]);
  assert.equal(Object.fromEntries(values)['url.path'], '/before');
  assert.equal(span!.get(15), undefined);
});

test('times of spans are those of the day, however the calendar was set before', (t) => {
  const { buffer, clock, begin, add, told } = open(t);
  const exchange = begin();
  clock.jumpWallTo(clock.wallMs() + 3_600_000);
  clock.advance(1_500);
  exchange.finish(clock.monotonicMs());
  add(exchange);
  buffer.flush();
  const [span] = readSpans(told[0]!);
  const [startMs, endMs] = [7, 8].map((field) => Number(span!.get(field)![0]) / 1e6);
  assert.ok(Math.abs(endMs! - clock.wallMs()) < 1 && Math.abs(endMs! - startMs! - 1_500) < 1);
});

test('of many exchanges few are examples: the latest of each bucket, no tunnel, and none whose spans had no room', (t) => {
  const { buffer, clock, begin, add, told } = open(t);
  const addOf = (durationMs: number, isTunnel = false) => {
    const exchange = begin();
    clock.advance(durationMs);
    exchange.finish(clock.monotonicMs());
    exchange.isTunnel = isTunnel;
    return add(exchange);
  };
  addOf(1);
  const fast = addOf(1);
  const slow = addOf(1_500);
  addOf(60_000, true);
  buffer.flush();
  const [{ exemplars }] = told as [ObservedSpans];
  assert.deepEqual(
    exemplars.map(({ traceId, spanId, labels, durationMs, endMs }) => [traceId, spanId, labels, durationMs, endMs > 0]),
    [
      [fast, start.spanId, ['web', '', ''], 1, true],
      [slow, start.spanId, ['web', '', ''], 1_500, true],
    ],
  );
  for (let i = 0; i < EARLY + limits.threadSpansPendingMax; i++) addOf(1);
  addOf(1_500);
  buffer.flush();
  assert.deepEqual([told.at(-1)!.lost, told.at(-1)!.exemplars.map(({ durationMs }) => durationMs)], [1, [1]]);
});
