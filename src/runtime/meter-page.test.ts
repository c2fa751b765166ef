import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { OTHER_LABEL, ThreadMeter } from '#base/meter.ts';
import { toOpenMetrics } from '#base/metric-text.ts';
import { MetricsPage } from '#test/support/metrics-page.ts';
import { meterFamilies } from './meter-families.ts';
import { meteredMetrics } from './meter-metrics.ts';
import { MeterPage } from './meter-page.ts';
import { RequestMeter } from './request-meter.ts';
import { ThreadMeters } from './thread-meters.ts';

function setUp(threads: number) {
  const meters = new ThreadMeters();
  const page = new MeterPage();
  const open = (thread: number) => new RequestMeter(new ThreadMeter(meters.provide(thread)).resume(meterFamilies));
  return {
    meters,
    open,
    requests: Array.from({ length: threads }, (_, thread) => open(thread)),
    page,
    write: () => new MetricsPage([...page.write(meters)].join(''), {}),
  };
}

function run(meter: RequestMeter, route: string, durationMs = 7): void {
  const request = { listener: 'web', method: 'GET' };
  const plan = { routeName: route };
  meter.begin({ request }, plan);
  meter.finish({
    attempts: 1,
    error: undefined,
    finishedMs: 1_000 + durationMs,
    isTunnel: false,
    plan,
    request,
    requestBytes: 0,
    responseBytes: 1,
    serviceName: undefined,
    startedMs: 1_000,
    status: 200,
  });
}

test('what several threads have counted is added up, and buckets hold what is in those before them', () => {
  const { requests, write } = setUp(3);
  for (const [i, meter] of requests.entries()) for (let n = 0; n <= i; n++) run(meter, 'orders', 10 ** n);
  const page = write();
  const labels = 'listener="web",route="orders",service=""';
  assert.equal(page.value(`gatehouse_requests_total{${labels},method="GET",status="200"}`), 6);
  const below = (le: string) => page.value(`gatehouse_request_duration_seconds_bucket{${labels},le="${le}"}`);
  assert.deepEqual(['0.001', '0.005', '0.01', '0.05', '0.1', '+Inf'].map(below), [3, 3, 5, 5, 6, 6]);
  assert.equal(page.value(`gatehouse_request_duration_seconds_count{${labels}}`), 6);
  assert.equal(page.value(`gatehouse_request_duration_seconds_sum{${labels}}`)!.toFixed(6), '0.123000');
});

test('threads that have room for different routes do not make more series together than there may be', () => {
  const { requests, page: written, write } = setUp(2);
  for (const [i, meter] of requests.entries()) for (let n = 0; n < limits.metricRoutesMax; n++) run(meter, `thread-${i}-${n}`);
  const page = write();
  assert.equal(page.list('gatehouse_request_duration_seconds_count').length, limits.metricRoutesMax + 1);
  assert.equal(page.sum('gatehouse_request_duration_seconds_count'), 2 * limits.metricRoutesMax);
  assert.equal(page.sum('gatehouse_request_duration_seconds_count', `route="${OTHER_LABEL}"`), limits.metricRoutesMax);
  assert.equal(write().text, page.text);
  // Each had a histogram, a number of requests, and one of those under way.
  assert.ok(written.overflowCount >= 2 * limits.metricRoutesMax);
});

test('a thread that follows another one adds to what that has counted', () => {
  const { meters, requests, open, write } = setUp(1);
  run(requests[0]!, 'orders');
  requests[0]!.begin({ request: { listener: 'web', method: 'GET' } }, { routeName: 'orders' });
  assert.equal(write().sum('gatehouse_requests_in_flight'), 1);
  meters.forget(0);
  assert.equal(write().sum('gatehouse_requests_in_flight'), 0);
  run(open(0), 'orders');
  assert.equal(write().sum('gatehouse_requests_total'), 2);
  assert.equal(write().sum('gatehouse_requests_in_flight'), 0);
});

test('labels that hold anything are written so that they can be read', () => {
  const { requests, write } = setUp(1);
  run(requests[0]!, 'a "b" \\ c\nd');
  assert.ok(write().text.includes('route="a \\"b\\" \\\\ c\\nd"'));
});

test('in OpenMetrics, counters have their name without its end, and nothing else is different', () => {
  const { requests, write } = setUp(1);
  run(requests[0]!, 'orders');
  const { text } = write();
  const open = toOpenMetrics(text);
  assert.deepEqual(
    open.split('\n').filter((line) => !line.startsWith('# ')),
    text.split('\n').filter((line) => !line.startsWith('# ')),
  );
  assert.match(open, /^# TYPE gatehouse_requests counter$/m);
  for (const { name, type } of meteredMetrics) assert.equal(name.endsWith('_total'), type === 'counter', name);
});
