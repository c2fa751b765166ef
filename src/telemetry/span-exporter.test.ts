import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { LogFields } from '#base/logger.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { findText, listMessages, readProtobuf } from '#test/support/protobuf-fields.ts';
import type { OtlpOutcome } from './otlp/otlp-transport.ts';
import { type SpanBatch, SpanBatchWriter } from './otlp-spans.ts';
import { type SpanDestination, SpanExporter } from './span-exporter.ts';

/** Spans of threads, as far as whoever sends them looks at them. */
function batch(count: number, bytes = Buffer.alloc(10 * count)): SpanBatch {
  return { bytes: new Uint8Array(bytes), count };
}

const full = limits.spansOfExportMax;
const sent: OtlpOutcome = { kind: 'sent', answer: Buffer.alloc(0) };
const lost = (status?: number): OtlpOutcome => ({ kind: 'lost', reason: 'because', status });

function writeSpan(name: string): SpanBatch {
  const writer = new SpanBatchWriter();
  const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', parentId: undefined };
  const times = { startMs: 1_000, endMs: 1_001 };
  writer.begin({ ...ids, ...times, isParentRemote: false, traceState: undefined, name, kind: 'server', isError: false });
  writer.end();
  writer.closeBatch();
  return writer.take()[0]!;
}

interface Message {
  readonly bytes: Buffer;
  answer(outcome: OtlpOutcome): void;
}

/** A collector that answers when a test says so. */
function openDestination(messages: Message[], said: string[]): SpanDestination {
  return {
    resource: { 'service.name': 'x' },
    transport: {
      send: (message) => new Promise((answer) => messages.push({ bytes: Buffer.from(message), answer })),
      hurry: () => void said.push('hurry'),
      close: () => void said.push('close'),
    },
  };
}

function start() {
  const messages: Message[] = [];
  const said: string[] = [];
  const logged: (LogFields | undefined)[] = [];
  const timers: (() => void)[] = [];
  const clock = new FakeClock();
  const exporter = new SpanExporter(openDestination(messages, said), {
    clock,
    logger: { log: (_level, _message, fields) => void logged.push(fields) },
    later(_delayMs, run) {
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    },
  });
  const metric = (name: string) =>
    Number(new RegExp(`^gatehouse_trace_spans_${name} (\\d+)$`, 'm').exec(exporter.metricsText)?.[1]);
  return {
    exporter,
    messages,
    said,
    logged,
    timers,
    clock,
    exported: () => metric('exported_total'),
    dropped: (reason: string) => metric(`dropped_total\\{reason="${reason}"\\}`),
    message: async (count: number) => {
      await eventually(() => messages.length >= count, `message ${count} is sent`);
      return messages[count - 1]!;
    },
  };
}

test('spans are sent in messages of a bounded size, one at a time', async () => {
  const { exporter, messages, message, exported } = start();
  exporter.add([batch(full), batch(1)], 0);
  exporter.add([batch(1)], 0);
  const first = await message(1);
  assert.equal(messages.length, 1);
  first.answer(sent);
  const second = await message(2);
  assert.ok(second.bytes.length < first.bytes.length / 10);
  assert.equal(exported(), full);
  second.answer(sent);
  await eventually(() => exported() === full + 2, 'all are counted');
  assert.equal(messages.length, 2);
});

test('what a collector does not take is dropped by its reason, and what is behind it is sent', async () => {
  const { exporter, message, dropped, exported, logged } = start();
  const outcomes: readonly [OtlpOutcome, string][] = [
    [lost(400), 'refused'],
    [lost(503), 'unreachable'],
    [lost(429), 'unreachable'],
    [lost(), 'unreachable'],
  ];
  const size = full;
  exporter.add([...outcomes.map(() => batch(size)), batch(1)], 0);
  for (const [index, [outcome]] of outcomes.entries()) (await message(index + 1)).answer(outcome);
  (await message(5)).answer(sent);
  await eventually(() => exported() === 1, 'the rest is sent');
  assert.deepEqual([dropped('refused'), dropped('unreachable'), dropped('overflow')], [size, 3 * size, 0]);
  assert.deepEqual(logged, [{ spans: size, reason: 'refused', because: 'because' }]);
});

test('what a collector has left out of a message is counted', async () => {
  const { exporter, message, dropped, exported } = start();
  exporter.add([batch(5)], 0);
  // ExportTraceServiceResponse { partial_success { rejected_spans: 2 } }
  (await message(1)).answer({ kind: 'sent', answer: Buffer.from([0x0a, 0x02, 0x08, 0x02]) });
  await eventually(() => exported() === 3, 'the others are counted');
  assert.equal(dropped('refused'), 2);
  exporter.add([batch(1)], 0);
  (await message(2)).answer({ kind: 'sent', answer: Buffer.from([0xff, 0xff, 0xff]) });
  await eventually(() => exported() === 4, 'nonsense changes nothing');
});

test('so many spans wait, and no more', async () => {
  const { exporter, dropped, message } = start();
  const batches = Array.from({ length: limits.spansPendingMax / full }, () => batch(full));
  exporter.add(batches, 0);
  exporter.add([batch(3)], 4);
  assert.equal(dropped('overflow'), 7);
  (await message(1)).answer(sent);
  await message(2);
  exporter.add([batch(full), batch(1)], 0);
  assert.equal(dropped('overflow'), 8);
});

test('so many bytes wait, and no more, and a message has only so many', async () => {
  const { exporter, dropped, message, messages } = start();
  const large = Buffer.alloc(limits.spansOfExportBytesMax);
  const count = limits.spansPendingBytesMax / large.length;
  exporter.add(
    Array.from({ length: count + 2 }, () => batch(1, large)),
    0,
  );
  assert.equal(dropped('overflow'), 2);
  (await message(1)).answer(sent);
  await message(2);
  assert.ok(messages.every(({ bytes }) => bytes.length < large.length + 1_000));
  exporter.add([batch(1, large), batch(1, large)], 0);
  assert.equal(dropped('overflow'), 3);
});

test('spans of several threads are sent in one message, each as its thread has written it', async () => {
  const { exporter, message, exported } = start();
  exporter.add([batch(1)], 0);
  const [one, other] = ['thread 1', 'thread 2'].map((name) => writeSpan(name));
  exporter.add([one!], 0);
  exporter.add([other!, batch(full - 2, Buffer.alloc(0))], 0);
  exporter.add([batch(1)], 0);
  (await message(1)).answer(sent);
  const second = await message(2);
  const [resourceSpans] = listMessages(readProtobuf(second.bytes), 1);
  const [scopeSpans] = listMessages(resourceSpans!, 2);
  assert.deepEqual(
    listMessages(scopeSpans!, 2).map((span) => findText(span, 5)),
    ['thread 1', 'thread 2'],
  );
  second.answer(sent);
  await eventually(() => exported() === 1 + full, 'spans are counted as threads have counted them');
});

test('the log is told of drops once in a while, of all since', () => {
  const { exporter, clock, logged } = start();
  exporter.add([], 1);
  for (let i = 0; i < 100; i++) exporter.add([], 2);
  assert.equal(logged.length, 1);
  clock.advance(10_000);
  exporter.add([], 1);
  assert.deepEqual(
    logged.map((fields) => fields?.['spans']),
    [1, 201],
  );
});

test('another collector is asked from the next message on', async () => {
  const { exporter, message, messages, said, exported } = start();
  exporter.add([batch(full), batch(1)], 0);
  const first = await message(1);
  const others: Message[] = [];
  exporter.follow(openDestination(others, []));
  assert.deepEqual(said, ['hurry']);
  first.answer(sent);
  await eventually(() => others.length === 1, 'the other one is asked');
  others[0]!.answer(sent);
  await eventually(() => exported() === full + 1, 'all are sent');
  assert.equal(messages.length, 1);
});

test('at the end, what there is is sent without pauses, and nothing behind it', async () => {
  const { exporter, message, said, exported, dropped, timers } = start();
  exporter.add([batch(full), batch(1)], 0);
  const ended = exporter.close(5_000);
  assert.deepEqual(said, ['hurry']);
  (await message(1)).answer(sent);
  (await message(2)).answer(sent);
  await ended;
  assert.deepEqual([exported(), dropped('unreachable')], [full + 1, 0]);
  assert.deepEqual([said, timers.length], [['hurry', 'close'], 0]);
  exporter.add([batch(1)], 1);
  assert.deepEqual([exported(), dropped('overflow')], [full + 1, 0]);
});

test('the end waits for a collector that does not answer no longer than it may', async () => {
  const { exporter, message, said, dropped, timers } = start();
  exporter.add([batch(2)], 0);
  await message(1);
  const ended = exporter.close(5_000);
  timers[0]!();
  await ended;
  assert.equal(dropped('unreachable'), 2);
  assert.deepEqual(said, ['hurry', 'close']);
});

test('the end leaves nothing with a collector that was asked before', async () => {
  const { exporter, message, said } = start();
  exporter.add([batch(1)], 0);
  await message(1);
  const saidOfOther: string[] = [];
  exporter.follow(openDestination([], saidOfOther));
  await exporter.close(0);
  assert.deepEqual([said, saidOfOther], [['hurry', 'close'], ['close']]);
});

test('at the end, the log is told of drops that it has not been told of', async () => {
  const { exporter, logged } = start();
  exporter.add([], 1);
  exporter.add([batch(2)], 3);
  await exporter.close(0);
  assert.deepEqual(logged, [
    { spans: 1, reason: 'overflow', because: 'there is no room' },
    { spans: 5, reason: 'unreachable', because: 'the gateway ends' },
  ]);
});

test('the end that may not wait sends nothing', async () => {
  const { exporter, message, said, dropped } = start();
  exporter.add([batch(2)], 0);
  await message(1);
  await exporter.close(0);
  assert.equal(dropped('unreachable'), 2);
  assert.deepEqual(said, ['close']);
});
