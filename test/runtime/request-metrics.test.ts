/** What `/metrics` says of traffic: counted by all threads, whatever clients and services invent, and whatever becomes of a thread. */
import assert from 'node:assert/strict';
import { request as ask1 } from 'node:http';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { limits } from '#base/limits.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { checkMetrics, MetricsPage } from '#test/support/metrics-page.ts';
import { needs } from '#test/support/programs.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const ASKED = 40;
const PATIENCE_MS = 60_000;

interface Bench {
  readonly gateway: TestGateway;
  readonly adminPort: number;
  readonly upstreamUrl: string;
  page(headers?: Readonly<Record<string, string>>): Promise<MetricsPage>;
  /** Looks at the page again and again until it is as wanted. */
  untilPage(holds: (page: MetricsPage) => boolean, what: string): Promise<MetricsPage>;
}

/** The service answers with the status that the path ends with, and not at all to `/wait`. */
async function startBench(t: TestContext, threads: number, input: Partial<GatewayInput> = {}, clock?: FakeClock): Promise<Bench> {
  const upstream = await startRawUpstream((connection, chunk) => {
    const [, path = ''] = chunk.split(' ');
    if (path.endsWith('/wait')) return;
    const status = /\/(\d{3})$/.exec(path)?.[1] ?? '200';
    connection.send(`HTTP/1.1 ${status} It\r\ncontent-length: 4\r\n\r\nbody`);
  });
  t.after(() => upstream.close());
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      services: { orders: { endpoints: [upstream.url] } },
      routes: {
        orders: { match: { path: '/orders/*' }, to: 'orders' },
        own: { match: { path: '/own' }, to: { respond: { status: 200, text: 'own' } } },
      },
      ...input,
    },
    { threads, ...(clock !== undefined && { clock }) },
  );
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const page = (headers?: Readonly<Record<string, string>>) => MetricsPage.load(port, headers);
  return {
    gateway,
    adminPort: port,
    upstreamUrl: upstream.url,
    page,
    untilPage: (holds, what) => MetricsPage.loadUntil(port, holds, what),
  };
}

for (const threads of [0, 2])
  test(`requests are counted by listener, route, service, method and status, with ${threads} data threads`, async (t) => {
    const { gateway, upstreamUrl, page, untilPage } = await startBench(t, threads);
    const port = gateway.port();
    for (let i = 0; i < ASKED; i++) await ask(port, '/orders/200');
    await ask(port, '/orders/503');
    await ask(port, '/orders/201', { method: 'POST', body: 'x'.repeat(100) });
    await ask(port, '/own');
    await ask(port, '/nowhere');
    const client = await RawClient.open(port);
    t.after(() => client.close());
    client.send('NO HTTP\r\n\r\n');
    await client.until('400 Bad Request');
    // A client may have its answer before it is counted.
    const all = ASKED + 5;
    await untilPage((now) => now.sum('gatehouse_requests_total') === all, 'all requests are counted');
    // A page may be read while a thread is in the midst of counting the last one.
    await eventuallyAnswers(async () => {
      const counted = await page();
      const requests = (labels: string) => counted.value(`gatehouse_requests_total{${labels}}`);
      assert.equal(requests('listener="web",route="orders",service="orders",method="GET",status="200"'), ASKED);
      assert.equal(requests('listener="web",route="orders",service="orders",method="GET",status="503"'), 1);
      assert.equal(requests('listener="web",route="orders",service="orders",method="POST",status="201"'), 1);
      assert.equal(requests('listener="web",route="own",service="",method="GET",status="200"'), 1);
      assert.equal(requests('listener="web",route="",service="",method="GET",status="404"'), 1);
      assert.equal(counted.sum('gatehouse_requests_total', 'status="400"'), 1);
      assert.equal(counted.sum('gatehouse_requests_in_flight'), 0);
      const ofOrders = '{listener="web",route="orders",service="orders"';
      assert.equal(counted.value(`gatehouse_request_duration_seconds_bucket${ofOrders},le="+Inf"}`), ASKED + 2);
      assert.equal(counted.value(`gatehouse_request_duration_seconds_count${ofOrders}}`), ASKED + 2);
      assert.ok(counted.value(`gatehouse_request_duration_seconds_sum${ofOrders}}`)! > 0);
      assert.equal(counted.value(`gatehouse_request_body_bytes_total${ofOrders}}`), 100);
      assert.equal(counted.value(`gatehouse_response_body_bytes_total${ofOrders}}`), 4 * (ASKED + 2));
      assert.equal(counted.value('gatehouse_request_size_bytes_bucket{listener="web",le="256"}'), ASKED + 5);
      assert.equal(counted.value('gatehouse_request_size_bytes_sum{listener="web"}'), 100);
      assert.equal(counted.sum('gatehouse_errors_total', 'code="GH_GATEWAY_NO_ROUTE"'), 1);
      assert.equal(counted.value('gatehouse_upstream_duration_seconds_count{service="orders"}'), ASKED + 2);
      const endpoint = `service="orders",endpoint="${upstreamUrl}"`;
      assert.equal(counted.value(`gatehouse_endpoint_attempts_total{${endpoint},outcome="2xx"}`), ASKED + 1);
      assert.equal(counted.value(`gatehouse_endpoint_attempts_total{${endpoint},outcome="5xx"}`), 1);
      assert.equal(counted.sum('gatehouse_upstream_connection_uses_total'), ASKED + 2);
      assert.ok(counted.sum('gatehouse_connections_accepted_total', 'protocol="http1"') >= ASKED + 5);
      assert.equal(counted.value('gatehouse_configuration_version'), 1);
      assert.equal(counted.value('gatehouse_configuration_objects{kind="routes"}'), 2);
      assert.equal(counted.list('gatehouse_event_loop_utilization_ratio').length, Math.max(1, threads));
    });
    await untilPage(({ text }) => /gatehouse_thread_heap_bytes\{thread="0",kind="used"\} [1-9]/.test(text), 'memory is told');
  });

test('what is under way is told by route and service until it is over', async (t) => {
  const { gateway, page, untilPage } = await startBench(t, 1);
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send('GET /orders/wait HTTP/1.1\r\nhost: x\r\n\r\n');
  const inFlight = 'gatehouse_requests_in_flight{listener="web",route="orders"}';
  const running = 'gatehouse_service_requests_running{service="orders"}';
  await untilPage((now) => now.value(inFlight) === 1 && now.value(running) === 1, 'it is under way');
  assert.equal((await page()).sum('gatehouse_requests_total', 'route="orders"'), 0);
  await client.close();
  const gone = 'gatehouse_requests_total{listener="web",route="orders",service="orders",method="GET",status="499"}';
  const isOver = (now: MetricsPage) => now.value(inFlight) === 0 && now.value(running) === 0 && now.value(gone) === 1;
  await untilPage(isOver, 'it is over');
});

test('what a thread has counted is not lost with it, and what was under way there is over', async (t) => {
  const { gateway, page, untilPage } = await startBench(t, 1);
  for (let i = 0; i < ASKED; i++) await ask(gateway.port(), '/orders/200');
  await untilPage((now) => now.sum('gatehouse_requests_total') === ASKED, 'all requests are counted');
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send('GET /orders/wait HTTP/1.1\r\nhost: x\r\n\r\n');
  const inFlight = 'gatehouse_requests_in_flight{listener="web",route="orders"}';
  await untilPage((now) => now.value(inFlight) === 1, 'a request is under way');
  const pool = gateway.control.pool!;
  const [killed] = pool.threadIds;
  await pool.kill(killed!);
  const series = 'gatehouse_requests_total{listener="web",route="orders",service="orders",method="GET",status="200"}';
  const between = await page();
  assert.deepEqual([between.value(series), between.value(inFlight)], [ASKED, 0]);
  await eventually(() => pool.threadIds.length === 1 && pool.threadIds[0] !== killed, 'another thread is there', PATIENCE_MS);
  // Nobody listens until it has its configuration.
  await eventuallyAnswers(() => ask(gateway.port(), '/orders/200'));
  const after = await untilPage((now) => now.value(series)! > ASKED, 'what the new thread counts is added');
  assert.equal(after.list('gatehouse_event_loop_utilization_ratio').length, 1);
});

test('methods, hosts and statuses that somebody invents do not make more series', async (t) => {
  const { gateway, untilPage } = await startBench(t, 0);
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  const methods = Array.from({ length: 300 }, (_, i) => `INVENTED${i}`);
  for (const [i, method] of methods.entries()) client.send(`${method} /own HTTP/1.1\r\nhost: host${i}.example\r\n\r\n`);
  for (let i = 0; i < 400; i++) client.send(`GET /orders/${200 + i} HTTP/1.1\r\nhost: x\r\n\r\n`);
  client.send('GET /own HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await client.untilEnd();
  const all = methods.length + 400 + 1;
  const counted = await untilPage((now) => now.sum('gatehouse_requests_total') === all, 'all requests are counted');
  const own = 'gatehouse_requests_total{listener="web",route="own",service="",method="other",status="200"}';
  assert.equal(counted.value(own), methods.length);
  const ofOrders = counted.list('gatehouse_requests_total').filter(([series]) => series.includes('route="orders"'));
  assert.ok(ofOrders.length <= limits.metricStatusesMax + 6, `${ofOrders.length} series`);
  assert.equal(counted.sum('gatehouse_requests_total', 'route="orders"'), 400);
  assert.ok(counted.sum('gatehouse_requests_total', 'route="orders"', 'status="4xx"') > 0);
  assert.ok(!counted.text.includes('INVENTED') && !counted.text.includes('example'));
});

test('routes for which there is no room are counted together, and it is told that there are some', async (t) => {
  const count = limits.metricRoutesMax + 20;
  const routes = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`r${i}`, { match: { path: `/r${i}` }, to: { respond: { status: 204 } } }] as const),
  );
  const { gateway, untilPage } = await startBench(t, 0, { routes });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  for (let i = 0; i < count; i++) client.send(`GET /r${i} HTTP/1.1\r\nhost: x\r\n\r\n`);
  client.send('GET /r0 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await client.untilEnd();
  const counted = await untilPage((now) => now.sum('gatehouse_requests_total') === count + 1, 'all requests are counted');
  assert.equal(counted.list('gatehouse_request_duration_seconds_count').length, limits.metricRoutesMax + 1);
  const other = '{listener="_other",route="_other",service="_other"}';
  assert.equal(counted.value(`gatehouse_request_duration_seconds_count${other}`), 20);
  assert.ok(counted.value('gatehouse_metrics_overflow_total')! >= 20);
  assert.equal(counted.sum('gatehouse_requests_in_flight'), 0);
});

test('handshakes are counted by version and by whether a session was resumed, and those that fail', async (t) => {
  const { localhostCert: cert, localhostKey: key } = certificatePaths;
  const listeners = { web: { address: '127.0.0.1:0', tls: { certificates: [{ cert, key }] } } };
  const { gateway, untilPage } = await startBench(t, 1, { listeners });
  const visit = (session?: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      let given = session;
      const options = { port: gateway.port(), servername: 'localhost', ca: certificates.authority, ...(session && { session }) };
      const socket = connectTls(options);
      socket.on('session', (made: Buffer) => (given = made));
      socket.on('error', reject).on('close', () => (given === undefined ? reject(new Error('no session')) : resolve(given)));
      socket.end('GET /own HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n').resume();
    });
  await visit(await visit());
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send('this is no handshake\r\n\r\n');
  const of = (resumed: boolean) => `gatehouse_tls_handshakes_total{listener="web",version="1.3",resumed="${resumed}"}`;
  const failures = 'gatehouse_tls_handshake_failures_total{listener="web"}';
  await untilPage(
    (now) => now.value(of(false)) === 1 && now.value(of(true)) === 1 && now.value(failures) === 1,
    'three handshakes are counted',
  );
});

test('connections whose bytes are passed on are counted by listener and endpoint', async (t) => {
  const upstream = await startRawUpstream((connection) => connection.send('pong'));
  t.after(() => upstream.close());
  const endpoint = upstream.url.replace('http:', 'tcp:');
  const { gateway, untilPage } = await startBench(t, 1, {
    listeners: { raw: { address: '127.0.0.1:0', tcp: { to: 'bytes' } } },
    services: { bytes: { endpoints: [endpoint] } },
    routes: {},
  });
  const client = await RawClient.open(gateway.port('raw'));
  t.after(() => client.close());
  client.send('ping');
  await client.until('pong');
  await untilPage(
    (now) =>
      now.value('gatehouse_connections_accepted_total{listener="raw",protocol="bytes"}') === 1 &&
      now.value('gatehouse_connections{listener="raw"}') === 1 &&
      now.value(`gatehouse_endpoint_attempts_total{service="bytes",endpoint="${endpoint}",outcome="connected"}`) === 1,
    'the connection is told',
  );
  await client.close();
  await untilPage((now) => now.value('gatehouse_connections{listener="raw"}') === 0, 'it is gone');
});

test('a reload that is refused is counted, and one that is applied makes nothing less', async (t) => {
  const { gateway, untilPage } = await startBench(t, 1);
  for (let i = 0; i < ASKED; i++) await ask(gateway.port(), '/own');
  const own = { match: { path: '/own' }, to: { respond: { status: 200, text: 'other' } } } as const;
  assert.notDeepEqual(await gateway.reconfigure({ routes: { own: { ...own, to: 'nobody' } } }), []);
  assert.deepEqual(await gateway.reconfigure({ admin: { address: '127.0.0.1:0' }, routes: { own } }), []);
  await ask(gateway.port(), '/own');
  const series = 'gatehouse_requests_total{listener="web",route="own",service="",method="GET",status="200"}';
  const counted = await untilPage((now) => now.value(series) === ASKED + 1, 'all requests are counted');
  assert.equal(counted.value('gatehouse_configuration_reloads_total{outcome="refused"}'), 1);
  assert.equal(counted.value('gatehouse_configuration_reloads_total{outcome="applied"}'), 2);
  assert.equal(counted.value('gatehouse_configuration_version'), 2);
});

for (const threads of [0, 2])
  test(`a route that is removed is told for a while, and then gives its room to others, with ${threads} data threads`, async (t) => {
    const clock = new FakeClock();
    const { gateway, page, untilPage } = await startBench(t, threads, {}, clock);
    const advance = (ms: number) => {
      clock.advance(ms);
      // Where this thread serves, deadlines count from where its clock is.
      gateway.control.plane?.advanceTimers();
    };
    const toRoutes = (count: number) => ({
      admin: { address: '127.0.0.1:0' as const },
      routes: Object.fromEntries(
        Array.from({ length: 3 }, (_, i) => [
          `r${count}-${i}`,
          { match: { path: `/r${count}-${i}` }, to: { respond: { status: 204 } } } as const,
        ]),
      ),
    });
    const routesOf = (now: MetricsPage) => {
      const counted = [...now.list('gatehouse_requests_total'), ...now.list('gatehouse_request_duration_seconds_count')];
      return new Set(counted.map(([series]) => /route="(.*?)"/.exec(series)![1]));
    };
    for (let count = 0; count < 5; count++) {
      assert.deepEqual(await gateway.reconfigure(toRoutes(count)), []);
      for (let i = 0; i < 3; i++) await ask(gateway.port(), `/r${count}-${i}`);
      const isTold = (now: MetricsPage) => now.sum('gatehouse_requests_total', `route="r${count}-`) === 3;
      const now = await untilPage(isTold, 'the requests are told');
      // Those before are there until their time is over.
      assert.equal(routesOf(now).size, count === 0 ? 3 : 6);
      if (count < 4) advance(limits.removedSeriesMs);
    }
    advance(limits.removedSeriesMs - 1);
    assert.equal(routesOf(await page()).size, 6);
    advance(1);
    assert.equal(routesOf(await page()).size, 3);
    await untilPage((now) => now.list('gatehouse_requests_in_flight').length === 3, 'threads have forgotten them');
    // What comes back begins with nothing.
    assert.deepEqual(await gateway.reconfigure(toRoutes(0)), []);
    await ask(gateway.port(), '/r0-0');
    await untilPage((now) => now.sum('gatehouse_requests_total', 'route="r0-0"') === 1, 'it counts anew');
  });

test('a request that runs on a route that is removed is told as under way until it is over', async (t) => {
  const clock = new FakeClock();
  const { gateway, page, untilPage } = await startBench(t, 1, {}, clock);
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send('GET /orders/wait HTTP/1.1\r\nhost: x\r\n\r\n');
  const inFlight = 'gatehouse_requests_in_flight{listener="web",route="orders"}';
  await untilPage((now) => now.value(inFlight) === 1, 'it is under way');
  const other = { match: { path: '/other' }, to: { respond: { status: 204 } } } as const;
  assert.deepEqual(await gateway.reconfigure({ admin: { address: '127.0.0.1:0' }, routes: { other } }), []);
  clock.advance(limits.removedSeriesMs);
  await page();
  for (let i = 0; i < ASKED; i++) await ask(gateway.port(), '/other');
  const counted = await untilPage((now) => now.sum('gatehouse_requests_total', 'route="other"') === ASKED, 'others are counted');
  assert.equal(counted.value(inFlight), 1);
  await client.close();
  await untilPage((now) => now.value(inFlight) === undefined, 'its place is free');
});

test('promtool has nothing to say about the page', needs('promtool'), async (t) => {
  const { gateway, page } = await startBench(t, 1);
  await ask(gateway.port(), '/orders/200');
  await ask(gateway.port(), '/nowhere');
  const { text, headers, names } = await page();
  assert.equal(headers['content-type'], 'text/plain; version=0.0.4');
  assert.equal(await checkMetrics(text), '');
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.ok(name.startsWith('gatehouse_'), name);
});

test('who asks for OpenMetrics gets it, and who can unpack it gets it compressed', async (t) => {
  const { gateway, page, untilPage, adminPort } = await startBench(t, 0);
  await ask(gateway.port(), '/own');
  await untilPage((now) => now.sum('gatehouse_requests_total') === 1, 'it is counted');
  // As Prometheus asks.
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
  const open = await page({ accept });
  assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.ok(open.text.endsWith('\n# EOF\n'));
  assert.match(open.text, /^# TYPE gatehouse_requests counter$/m);
  assert.match(open.text, /^gatehouse_requests_total\{/m);
  assert.doesNotMatch(open.text, /^# (TYPE|HELP) \S+_total /m);
  const plain = await page({ accept: 'text/plain' });
  assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4');
  assert.ok(!plain.text.includes('# EOF'));
  const packed = await askBytes(adminPort, { 'accept-encoding': 'gzip, deflate' });
  assert.equal(packed.encoding, 'gzip');
  assert.ok(gunzipSync(packed.bytes).toString().includes('gatehouse_requests_total{'));
  assert.equal((await askBytes(adminPort, { 'accept-encoding': 'gzip;q=0, identity' })).encoding, undefined);
});

function askBytes(port: number, headers: Record<string, string>) {
  return new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
    ask1({ host: '127.0.0.1', port, path: '/metrics', headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ encoding: response.headers['content-encoding'], bytes: Buffer.concat(parts) }));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}
