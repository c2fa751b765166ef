// A service of which no endpoint can be picked: its clients hear of it at once, and nobody is dialled.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const FAST_MS = 50;

/** Two endpoints that make connections but fail their one check, and a gateway that knows. */
async function startUnhealthy(t: TestContext, service: Omit<ServiceInput, 'endpoints'>) {
  const answerCheck: Parameters<typeof startRawUpstream>[0] = ({ send }) =>
    send('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n');
  const upstreams = [await startRawUpstream(answerCheck), await startRawUpstream(answerCheck)];
  t.after(() => Promise.all(upstreams.map((upstream) => upstream.close())));
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0' }, bytes: { address: '127.0.0.1:0', tcp: { to: 'bytes' } } },
    services: {
      main: { endpoints: upstreams.map(({ port }) => `http://127.0.0.1:${port}`), ...service },
      bytes: { endpoints: upstreams.map(({ port }) => `tcp://127.0.0.1:${port}`), health: { path: '/', every: '1h' } },
    },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
  });
  t.after(() => gateway.stop());
  const states = () => gateway.control.describeHealth().flatMap(({ endpoints }) => endpoints.map(({ state }) => state));
  await eventually(() => states().every((state) => state === 'unhealthy'), 'every endpoint is unhealthy');
  return { gateway, upstreams };
}

/** How long it took. The best of some tries, because others use this machine too. */
async function measure(action: () => Promise<void>): Promise<number> {
  const tookMs: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedMs = performance.now();
    await action();
    tookMs.push(performance.now() - startedMs);
  }
  return Math.min(...tookMs);
}

async function assertFast(upstreams: readonly RawUpstream[], action: () => Promise<void>): Promise<void> {
  const before = upstreams.map(({ connections }) => connections.length);
  const tookMs = await measure(action);
  assert.ok(tookMs < FAST_MS, `${tookMs} ms`);
  assert.deepEqual(
    upstreams.map(({ connections }) => connections.length),
    before,
    'nobody is dialled',
  );
}

async function endGateway(gateway: TestGateway): Promise<Set<unknown>> {
  return new Set((await gateway.stop()).map(({ code }) => code));
}

/** The reset may come so soon that the connection has never been there for the client. */
function untilLost(port: number): Promise<NodeJS.ErrnoException> {
  const socket = connectTcp(port, '127.0.0.1');
  return new Promise((resolve, reject) => {
    socket.on('error', resolve);
    socket.on('end', () => reject(new Error('the connection ended without a reset')));
    socket.resume();
  });
}

const health = { path: '/healthz', every: '1h' };

test('over HTTP it is a 503', async (t) => {
  const { gateway, upstreams } = await startUnhealthy(t, { health });
  await assertFast(upstreams, async () => {
    const { status, body } = await ask(gateway.port(), '/');
    assert.deepEqual([status, JSON.parse(body).code], [503, 'GH_SERVICE_NO_ENDPOINT']);
  });
  assert.deepEqual(await endGateway(gateway), new Set(['GH_SERVICE_NO_ENDPOINT']));
});

test('over gRPC it is UNAVAILABLE', async (t) => {
  const { gateway, upstreams } = await startUnhealthy(t, { protocol: 'http2', health: { grpc: true, every: '1h' } });
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.destroy());
  await assertFast(upstreams, async () => {
    const fields = { ':method': 'POST', ':path': '/shop.Shop/Get', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(fields);
    stream.end('message');
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.equal(headers['grpc-status'], '14');
    assert.match(String(headers['grpc-message']), /GH_SERVICE_NO_ENDPOINT/);
    stream.resume();
    await once(stream, 'close');
  });
});

test('a connection whose bytes would be passed on is reset', async (t) => {
  const { gateway, upstreams } = await startUnhealthy(t, { health });
  await assertFast(upstreams, async () => {
    assert.equal((await untilLost(gateway.port('bytes'))).code, 'ECONNRESET');
  });
  assert.deepEqual(await endGateway(gateway), new Set(['GH_SERVICE_NO_ENDPOINT']));
});

test('endpoints that were only left out for their failures are tried where no other is left', async (t) => {
  const upstream = await startRawUpstream(({ send }) => send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  const failing = await startRawUpstream(({ send }) => send('HTTP/1.1 502 Bad\r\ncontent-length: 0\r\n\r\n'));
  t.after(() => Promise.all([upstream.close(), failing.close()]));
  const outliers = { consecutiveFailures: 1, maxEjected: '100%', ejection: '1h', ejectionMax: '1h' };
  const routes = { all: { match: { path: '/*' }, to: 'main' } };
  const gateway = await startTestGateway({ services: { main: { endpoints: [failing.url, upstream.url], outliers } }, routes });
  t.after(() => gateway.stop());
  const statuses = new Set<number>();
  for (let i = 0; i < 4; i++) statuses.add((await ask(gateway.port(), '/')).status);
  assert.deepEqual(statuses, new Set([502, 200]));
  for (let i = 0; i < 4; i++) assert.equal((await ask(gateway.port(), '/')).status, 200);
  const services = { main: { endpoints: [failing.url], outliers } };
  assert.deepEqual(await gateway.reconfigure({ services, routes }), []);
  assert.equal((await ask(gateway.port(), '/')).status, 502);
  assert.ok(gateway.control.describeHealth()[0]!.endpoints[0]!.ejectedForMs > 0);
});
