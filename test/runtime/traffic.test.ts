/** What the admin API says of traffic: rates, durations and threads, now and for five minutes. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { RouteTraffic, TrafficPoint, TrafficView } from '#admin/traffic-administration.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const ASKED = 30;
const BODY = 'pong';

interface Bench {
  readonly gateway: TestGateway;
  readonly adminPort: number;
  show<Value>(path: string): Promise<Value>;
}

async function startBench(t: TestContext, threads: number): Promise<Bench> {
  const upstream = await startRawUpstream((connection) =>
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`),
  );
  t.after(() => upstream.close());
  const input: Partial<GatewayInput> = {
    admin: { address: '127.0.0.1:0' },
    services: { orders: { endpoints: [upstream.url] }, stock: { endpoints: ['http://127.0.0.1:1'] } },
    routes: {
      orders: { match: { path: '/orders/*' }, to: 'orders' },
      teapot: { match: { path: '/teapot' }, to: { respond: { status: 418 } } },
      broken: { match: { path: '/broken' }, to: { respond: { status: 500 } } },
    },
  };
  const gateway = await startTestGateway(input, { threads });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  return {
    gateway,
    adminPort: port,
    async show<Value>(path: string) {
      const { status, body } = await ask(port, path);
      assert.equal(status, 200, body);
      return JSON.parse(body) as Value;
    },
  };
}

for (const threads of [0, 2])
  test(`traffic is told by route and service, with its errors, with ${threads} data threads`, async (t) => {
    const { gateway, show } = await startBench(t, threads);
    for (let i = 0; i < ASKED; i++) assert.equal((await ask(gateway.port(), '/orders/1')).status, 200);
    await ask(gateway.port(), '/teapot');
    await ask(gateway.port(), '/broken');
    await ask(gateway.port(), '/nothing-here');
    // A client may have its answer before it is counted.
    await eventuallyAnswers(async () => assertView(await show<TrafficView>('/api/traffic'), Math.max(1, threads)));
  });

function assertView(view: TrafficView, threads: number): void {
  assert.deepEqual(
    view.routes.map(({ name }) => name),
    ['orders', 'broken', 'teapot'],
  );
  const [orders, broken, teapot] = view.routes;
  assert.ok(orders !== undefined && broken !== undefined && teapot !== undefined);
  assert.ok(orders.requestsPerSecond > broken.requestsPerSecond);
  assert.equal(Math.round(orders.requestsPerSecond / broken.requestsPerSecond), ASKED);
  assert.equal(broken.errorsPerSecond, broken.requestsPerSecond);
  assert.equal(teapot.clientErrorsPerSecond, teapot.requestsPerSecond);
  assert.ok(orders.bytesOutPerSecond > 0 && orders.p50Ms > 0 && orders.p50Ms <= orders.p99Ms);
  assert.equal(Math.round(view.total.clientErrorsPerSecond / teapot.requestsPerSecond), 2);
  assert.equal(orders.inFlight, 0);
  assert.equal(view.total.inFlight, 0);
  const services = new Map(view.services.map((service) => [service.name, service]));
  assert.deepEqual([...services.keys()], ['orders', 'stock']);
  assert.ok(services.get('orders')!.requestsPerSecond > 0 && services.get('stock')!.requestsPerSecond === 0);
  assert.equal(view.threads.length, threads);
  assert.ok(view.process.rssBytes > 0);
}

test('a route tells its statuses, and one that is not there is not found', async (t) => {
  const { gateway, show, adminPort } = await startBench(t, 0);
  await ask(gateway.port(), '/teapot');
  await ask(gateway.port(), '/teapot');
  await eventuallyAnswers(async () =>
    assert.deepEqual((await show<RouteTraffic>('/api/routes/teapot/traffic')).statuses, { 418: 2 }),
  );
  assert.deepEqual((await show<RouteTraffic>('/api/routes/broken/traffic')).statuses, {});
  const { status, body } = await ask(adminPort, '/api/routes/nobody/traffic');
  assert.deepEqual([status, JSON.parse(body).code], [404, 'GH_ADMIN_NO_ROUTE']);
});

test('a stream tells the history, then every second what is new, until its client leaves', async (t) => {
  const { gateway, adminPort } = await startBench(t, 0);
  let text = '';
  const request = get({ host: '127.0.0.1', port: adminPort, path: '/api/traffic/stream', agent: false }, (response) => {
    assert.equal(response.headers['content-type'], 'text/event-stream');
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    response.on('error', () => undefined);
  });
  t.after(() => request.destroy());
  request.on('error', () => undefined);
  await eventually(() => toEvents(text).length >= 2, 'the first events are there', 60_000);
  await ask(gateway.port(), '/teapot');
  await eventually(() => toEvents(text).some(hasTeapot), 'an event tells of the request', 60_000);
  const [first, ...others] = toEvents(text);
  assert.ok(first !== undefined);
  assert.equal(first.name, 'history');
  assert.ok(Array.isArray((first.data as { readonly points: TrafficPoint[] }).points));
  assert.ok(others.every(({ name }) => name === 'traffic'));
  const { point } = others.at(-1)!.data as { readonly point: TrafficPoint };
  assert.ok(point.at.endsWith('Z') && point.requestsPerSecond >= 0);
});

interface Event {
  readonly name: string;
  readonly data: unknown;
}

/** Those that are whole. */
function toEvents(text: string): Event[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => {
      const [, name = '', data = ''] = /^event: (\S+)\ndata: (.*)$/.exec(event) ?? [];
      return { name, data: JSON.parse(data) };
    });
}

function hasTeapot({ name, data }: Event): boolean {
  return name === 'traffic' && (data as TrafficView).routes.some(({ name: route }) => route === 'teapot');
}
