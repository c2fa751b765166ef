import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import { noClient } from '#forward/no-client.ts';
import { Exchange } from '#http/exchange.ts';
import { injectedRequest } from '#test/support/asked-request.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import type { ObservedSpans } from './span-buffer.ts';
import { Tracing } from './tracing.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

function start(t: TestContext, settings: Partial<TracingSettings>, chances: readonly number[]) {
  const told: ObservedSpans[] = [];
  let drawn = 0;
  const clock = new FakeClock();
  const whole: TracingSettings = {
    to: { url: 'http://127.0.0.1:9', headers: {}, timeout: 1_000, retryFor: 0, gzip: false },
    sample: 0,
    rules: [],
    trust: 'proxies',
    propagate: ['w3c'],
    resource: {},
    ...settings,
  };
  const tracing = new Tracing(whole, {
    clock,
    chance: () => chances[drawn++ % chances.length]!,
    tell: (each) => void told.push(each),
  });
  t.after(() => tracing.close());
  const begin = (fields: readonly string[] = [], url = '/', requestId = 'r', isFromProxy = false) => {
    const request = injectedRequest(url, fields);
    const forwardingFields = { ...request.forwardingFields, isFromProxy };
    const startedMs = clock.monotonicMs();
    const exchange = new Exchange(noClient, noClient, { ...request, forwardingFields }, { requestId, startedMs });
    tracing.begin(exchange, { routeName: 'all' });
    return exchange;
  };
  return { tracing, told, begin, clock, drawn: () => drawn };
}

test('as many requests are traced as the share says', (t) => {
  const { begin } = start(t, { sample: 0.25 }, [0, 0.249, 0.25, 0.999]);
  const isTraced = Array.from({ length: 8 }, () => begin().trace?.isSampled);
  assert.deepEqual(isTraced, [true, true, false, false, true, true, false, false]);
});

test('all and none are drawn from nothing', (t) => {
  const all = start(t, { sample: 1 }, [0.999]);
  assert.equal(all.begin().trace?.isSampled, true);
  const none = start(t, { sample: 0 }, [0]);
  assert.equal(none.begin().trace?.isSampled, false);
  assert.deepEqual([all.drawn(), none.drawn()], [0, 0]);
});

test('a rule has a share of its own, and a request that fits none has the usual one', (t) => {
  const rules = [
    { matches: undefined, routes: ['other'], sample: 1 },
    { matches: [{ headers: { 'x-rare': { present: true } } }], routes: ['all'], sample: 0.5 },
  ] as unknown as TracingSettings['rules'];
  const { begin } = start(t, { sample: 0.1, rules }, [0.3]);
  assert.equal(begin().trace?.isSampled, false);
  assert.equal(begin(['x-rare', '1']).trace?.isSampled, true);
});

test('only an exchange that is traced has a journal, and only then is anything told', (t) => {
  const { tracing, begin, told } = start(t, { sample: 0.5 }, [0.1, 0.9]);
  const [traced, other] = [begin(), begin()];
  assert.ok(traced.journal !== undefined && other.journal === undefined);
  tracing.finish(other);
  tracing.flush();
  assert.equal(told.length, 0);
  tracing.finish(traced);
  tracing.flush();
  assert.deepEqual(
    told.map(({ batches, lost }) => [batches.map(({ count }) => count), lost]),
    [[[1], 0]],
  );
});

test('what passes as it is has no trace at all', (t) => {
  const { begin } = start(t, { sample: 0 }, [0]);
  assert.equal(begin(['traceparent', `00-${TRACE}-${PARENT}-00`]).trace, undefined);
});

test('ids are new for each exchange and each of its spans', (t) => {
  const { begin } = start(t, { sample: 1 }, [0]);
  const ids = new Set<string>();
  for (let i = 0; i < 1_000; i++) {
    const trace = begin().trace!;
    assert.match(trace.traceId, /^[0-9a-f]{32}$/);
    assert.match(trace.spanId, /^[0-9a-f]{16}$/);
    for (const id of [trace.traceId, trace.spanId, trace.nextSpanId()]) ids.add(id);
  }
  assert.equal(ids.size, 3_000);
});

test("a trace that begins here has the id of its request, unless that may be somebody else's or is no id of a trace", (t) => {
  const { begin } = start(t, { sample: 0.5 }, [0.1, 0.9]);
  const id = '187d01dae94f48fa3b5845cc8ba74a2f';
  assert.deepEqual([begin([], '/', id).trace?.traceId, begin([], '/', id).trace?.traceId], [id, id]);
  for (const other of [begin([], '/', id, true), begin([], '/', 'order-7'), begin([], '/', '')]) {
    assert.match(other.trace!.traceId, /^[0-9a-f]{32}$/);
    assert.notEqual(other.trace!.traceId, id);
  }
  assert.equal(begin(['traceparent', `00-${TRACE}-${PARENT}-01`], '/', id).trace?.traceId, TRACE);
});

test('what is not recorded is told to a service with a span of its own where it goes on, and in what it asks for itself', (t) => {
  const { begin } = start(t, { sample: 0 }, [0]);
  const [first, second] = [begin().trace!, begin().trace!];
  for (const trace of [first, second]) {
    assert.equal(trace.toHttp1Text(), `\r\ntraceparent: 00-${trace.traceId}-${trace.spanId}-00`);
    assert.deepEqual(trace.toFields(), ['traceparent', `00-${trace.traceId}-${trace.spanId}-00`]);
    assert.equal(trace.sendTo(undefined, 'GET', '/'), trace);
  }
  assert.notEqual(first.traceId, second.traceId);
  const child = first.createChild();
  assert.deepEqual([child.traceId, child.parentId, child.isSampled], [first.traceId, first.spanId, false]);
  assert.notEqual(child.spanId, first.spanId);
  const continued = begin(['traceparent', `00-${TRACE}-${PARENT}-01`]).trace!;
  assert.equal(continued.toHttp1Text(), `\r\ntraceparent: 00-${TRACE}-${continued.spanId}-00`);
  assert.notEqual(continued.spanId, PARENT);
  assert.notEqual(continued.spanId, first.spanId);
});

test('an exchange has so many spans for requests to services, and no more', (t) => {
  const { tracing, begin, told } = start(t, { sample: 1 }, [0]);
  const exchange = begin();
  const attempt = {
    service: { definition: { name: 'all' } },
    endpoint: { url: 'http://10.0.0.1:3000' },
    startedMs: 1,
    headMs: 0,
    endedMs: 2,
    status: 200,
    grpcStatus: -1,
    error: undefined,
    isCancelled: false,
    wasReused: false,
  };
  for (let i = 0; i < limits.spansOfExchangeMax + 5; i++) exchange.trace!.noteAttempt({ ...attempt }, i);
  tracing.finish(exchange);
  tracing.flush();
  assert.equal(told[0]!.batches[0]!.count, 1 + limits.spansOfExchangeMax);
});
