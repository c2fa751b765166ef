/** A real Prometheus scrapes the gateway, and answers questions about what went through it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventuallyAnswers } from '#test/support/eventually.ts';
import { needs } from '#test/support/programs.ts';
import { PrometheusServer } from '#test/support/prometheus-server.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { startTraceCollector } from '#test/support/trace-collector.ts';

const ASKED = 25;
const PATIENCE_MS = 60_000;

test('Prometheus scrapes requests and durations, and counts on when a thread has died', needs('prometheus'), async (t) => {
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      routes: {
        hello: { match: { path: '/hello' }, to: { respond: { status: 200, text: 'hello' } } },
        broken: { match: { path: '/broken' }, to: { respond: { status: 500 } } },
      },
    },
    { threads: 1 },
  );
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const prometheus = await PrometheusServer.start(t, started.admin.port);
  for (let i = 0; i < ASKED; i++) await ask(gateway.port(), '/hello');
  await ask(gateway.port(), '/broken');
  const requests = 'sum(gatehouse_requests_total{job="gatehouse",route="hello",status="200"})';
  assert.equal(await prometheus.queryUntil(requests, (value) => value >= ASKED), ASKED);
  await prometheus.queryUntil('sum(gatehouse_requests_total{status=~"5.."})', (value) => value === 1);
  const quantile = 'histogram_quantile(0.9, sum by (le) (gatehouse_request_duration_seconds_bucket{route="hello"}))';
  await prometheus.queryUntil(quantile, (value) => value > 0 && value <= 30);
  await prometheus.queryUntil('up{job="gatehouse"}', (value) => value === 1);
  await prometheus.queryUntil('sum(gatehouse_thread_heap_bytes{thread="0",kind="used"})', (value) => value > 0);
  const pool = gateway.control.pool!;
  await pool.kill(pool.threadIds[0]!);
  // Nobody listens until another thread has its configuration.
  await eventuallyAnswers(() => ask(gateway.port(), '/hello'));
  await prometheus.queryUntil(requests, (value) => value > ASKED);
  assert.equal(await prometheus.query('sum(resets(gatehouse_requests_total[5m]))'), 0);
});

test('Prometheus takes traced requests as examples of durations', needs('prometheus'), async (t) => {
  const collector = await startTraceCollector(t);
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      tracing: { to: { otlp: collector.url }, sample: '0%', rules: [{ match: { path: '/traced' }, sample: '100%' }] },
      routes: { hello: { match: { path: '/*' }, to: { respond: { text: 'hello' } } } },
    },
    { threads: 1 },
  );
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  await ask(gateway.port(), '/traced');
  await ask(gateway.port(), '/hello');
  const [span] = await collector.waitFor(1);
  const prometheus = await PrometheusServer.start(t, port);
  const series = 'gatehouse_request_duration_seconds_bucket{route="hello"}';
  const found = await eventuallyAnswers(async () => {
    const exemplars = await prometheus.queryExemplars(series);
    if (exemplars.length === 0) throw new Error('there are none');
    return exemplars;
  }, PATIENCE_MS);
  assert.equal(found.length, 1);
  assert.deepEqual(found[0]!.labels, { trace_id: span!.traceId, span_id: span!.spanId });
  assert.ok(Number(found[0]!.value) > 0);
  // The other form of the page has no place for them.
  const accept = 'application/openmetrics-text;version=1.0.0';
  const [plain, open] = [await ask(port, '/metrics'), await ask(port, '/metrics', { headers: { accept } })];
  assert.equal(plain.body.includes('trace_id'), false);
  assert.equal(open.body.match(/trace_id/g)?.length, 1);
});
