import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { LogFields } from '#base/logger.ts';
import { type HttpBytesAnswer, type HttpBytesCall, HttpCallFailed } from '#net/http-call.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { SpanExporter } from './span-exporter.ts';
import type { SpanRecord } from './span-record.ts';

const collector = {
  url: 'http://collector/v1/traces',
  headers: { 'x-key': '7' },
  timeoutMs: 1_000,
  resource: { 'service.name': 'x' },
};
const span: SpanRecord = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentId: undefined,
  isParentRemote: false,
  traceState: undefined,
  name: 'GET /',
  kind: 'server',
  startMs: 1_000,
  endMs: 1_001,
  isError: false,
  attributes: ['a', 1],
};
const spans = (count: number): SpanRecord[] => Array.from({ length: count }, () => span);

interface Timer {
  readonly delayMs: number;
  run(): void;
}

function start() {
  const calls: {
    readonly call: HttpBytesCall;
    answer(status: number, headers?: HttpBytesAnswer['headers']): void;
    fail(): void;
  }[] = [];
  const timers = new Set<Timer>();
  const logged: (LogFields | undefined)[] = [];
  const clock = new FakeClock();
  const exporter = new SpanExporter(collector, {
    clock,
    logger: { log: (_level, _message, fields) => void logged.push(fields) },
    random: () => 1,
    callHttp: (call) =>
      new Promise((resolve, reject) => {
        call.signal?.addEventListener('abort', () => reject(new HttpCallFailed('left')));
        calls.push({
          call,
          answer: (status, headers = {}) => resolve({ status, headers, bytes: Buffer.alloc(0) }),
          fail: () => reject(new HttpCallFailed('ECONNREFUSED')),
        });
      }),
    later(delayMs, run) {
      const timer = { delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const metric = (name: string) =>
    Number(new RegExp(`^gatehouse_trace_spans_${name} (\\d+)$`, 'm').exec(exporter.metricsText)?.[1]);
  return {
    exporter,
    calls,
    clock,
    logged,
    exported: () => metric('exported_total'),
    dropped: (reason: string) => metric(`dropped_total\\{reason="${reason}"\\}`),
    pauses: () => [...timers].map(({ delayMs }) => delayMs),
    endPause() {
      const [timer] = timers;
      timers.delete(timer!);
      timer!.run();
    },
    call: async (count: number) => {
      await eventually(() => calls.length >= count, `call ${count} is made`);
      return calls[count - 1]!;
    },
  };
}

test('spans are sent in messages of a bounded size, one at a time', async () => {
  const { exporter, calls, call, exported } = start();
  exporter.add(spans(limits.spansOfExportMax + 1), 0);
  exporter.add(spans(1), 0);
  const first = await call(1);
  assert.equal(calls.length, 1);
  assert.equal(first.call.url, collector.url);
  assert.deepEqual(first.call.headers, { 'x-key': '7', 'content-type': 'application/x-protobuf' });
  assert.equal(first.call.timeoutMs, 1_000);
  first.answer(200);
  const second = await call(2);
  assert.ok(second.call.body!.length < first.call.body!.length / 10);
  assert.equal(exported(), limits.spansOfExportMax);
  second.answer(202);
  await eventually(() => exported() === limits.spansOfExportMax + 2, 'all are counted');
  assert.equal(calls.length, 2);
});

test('what a collector asks to be sent later is sent later, with more patience after each time', async () => {
  const { exporter, call, calls, exported, pauses, endPause } = start();
  exporter.add(spans(2), 0);
  const expected = [1_000, 2_000, 4_000, 8_000];
  for (const [index, status] of [429, 502, 503, 504].entries()) {
    (await call(index + 1)).answer(status);
    await eventually(() => pauses().length === 1, 'it pauses');
    assert.deepEqual(pauses(), [expected[index]]);
    exporter.add(spans(1), 0);
    assert.equal(calls.length, index + 1);
    endPause();
  }
  (await call(5)).answer(200);
  await eventually(() => exported() === 6, 'all are sent');
  // Patience begins anew.
  exporter.add(spans(1), 0);
  (await call(6)).fail();
  await eventually(() => pauses().length === 1, 'it pauses');
  assert.deepEqual(pauses(), [1_000]);
});

test('a collector may say when, in seconds or as a date, within reason', async () => {
  const { exporter, call, clock, pauses, endPause } = start();
  exporter.add(spans(1), 0);
  const at = new Date(Math.ceil(clock.wallMs() / 1_000) * 1_000 + 20_000);
  const said: readonly [string, (ms: number) => boolean][] = [
    ['7', (ms) => ms === 7_000],
    [at.toUTCString(), (ms) => ms === at.getTime() - clock.wallMs()],
    ['99999', (ms) => ms === 60_000],
    ['soon', (ms) => ms === 8_000],
    ['-1', (ms) => ms === 16_000],
  ];
  for (const [index, [retryAfter, fits]] of said.entries()) {
    (await call(index + 1)).answer(503, { 'retry-after': retryAfter });
    await eventually(() => pauses().length === 1, 'it pauses');
    assert.ok(fits(pauses()[0]!), `${retryAfter}: ${pauses()[0]}`);
    endPause();
  }
});

test('what a collector refuses is dropped, and what is behind it is sent', async () => {
  const { exporter, call, dropped, exported, logged } = start();
  exporter.add(spans(limits.spansOfExportMax + 1), 0);
  (await call(1)).answer(400);
  (await call(2)).answer(200);
  await eventually(() => exported() === 1, 'the rest is sent');
  assert.equal(dropped('refused'), limits.spansOfExportMax);
  assert.deepEqual(logged, [{ spans: limits.spansOfExportMax, reason: 'refused', because: 'the collector answers with 400' }]);
});

test('a collector that is away costs the oldest spans after some time, and no more memory than is allowed', async () => {
  const { exporter, call, dropped, pauses, endPause } = start();
  exporter.add(spans(limits.spansPendingMax), 0);
  exporter.add(spans(3), 4);
  assert.equal(dropped('overflow'), 7);
  for (let count = 1; count <= 6; count++) {
    assert.equal(dropped('unreachable'), 0);
    (await call(count)).fail();
    await eventually(() => pauses().length === 1, 'it pauses');
    if (count < 6) endPause();
  }
  assert.equal(dropped('unreachable'), limits.spansOfExportMax);
  assert.deepEqual(pauses(), [30_000]);
  exporter.add(spans(limits.spansOfExportMax), 0);
  assert.equal(dropped('overflow'), 7);
});

test('the log is told of drops once in a while, of all since', () => {
  const { exporter, clock, logged } = start();
  exporter.add(spans(limits.spansPendingMax), 0);
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

test('at the end there is time for one more message, also in a pause, and none behind it', async () => {
  const { exporter, call, exported, dropped, pauses } = start();
  exporter.add(spans(1), 0);
  (await call(1)).answer(503);
  await eventually(() => pauses().length === 1, 'it pauses');
  const ended = exporter.close(5_000);
  (await call(2)).answer(200);
  await ended;
  assert.deepEqual([exported(), dropped('unreachable')], [1, 0]);
  assert.deepEqual(pauses(), []);
  exporter.add(spans(1), 0);
  assert.deepEqual([exported(), dropped('overflow')], [1, 0]);
});

test('the end waits for a collector that fails, or does not answer, no longer than it may', async () => {
  const failing = start();
  failing.exporter.add(spans(2), 0);
  const ended = failing.exporter.close(5_000);
  (await failing.call(1)).answer(503);
  await ended;
  assert.equal(failing.dropped('unreachable'), 2);
  const silent = start();
  silent.exporter.add(spans(2), 0);
  const { call } = await silent.call(1);
  const late = silent.exporter.close(5_000);
  assert.deepEqual(silent.pauses(), [5_000]);
  silent.endPause();
  await late;
  assert.equal(call.signal?.aborted, true);
  assert.equal(silent.dropped('unreachable'), 2);
});
