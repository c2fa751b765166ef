// Endpoints that fail, as clients notice it: a few times, and then no more.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance } from '#test/support/forwarding.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

async function startGateway(t: TestContext, service: ServiceInput, options: TestGatewayOptions = {}): Promise<TestGateway> {
  const isBytes = String(service.endpoints[0]).startsWith('tcp:');
  const gateway = await startTestGateway(
    {
      listeners: { web: { address: '127.0.0.1:0', ...(isBytes ? { tcp: { to: 'main' } } : { timeouts: { head: '1s' } }) } },
      // Further attempts would hide from the client what an endpoint does.
      services: { main: { ...(!isBytes && { retry: false }), ...service } },
      ...(!isBytes && {
        routes: {
          all: { match: { path: '/*' }, to: 'main' },
          local: { match: { path: '/-/local' }, to: { respond: { status: 204 } } },
        },
      }),
    },
    options,
  );
  t.after(() => gateway.stop());
  return gateway;
}

/** No time passes, so that no ejection ends however long the requests take. */
const stillness = () => ({ clock: new FakeClock() });

async function startGood(t: TestContext): Promise<string> {
  const upstream = await startRawUpstream(({ send }) => send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
  t.after(() => upstream.close());
  return upstream.url;
}

/** The statuses of so many requests, one after the other. */
async function askMany(gateway: TestGateway, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push((await ask(gateway.port(), '/')).status);
  return statuses;
}

function countFailed(statuses: readonly number[]): number {
  return statuses.filter((status) => status !== 200).length;
}

/** What a failing endpoint does with each connection. */
const faults: Readonly<Record<string, (socket: Socket) => void>> = {
  'resets connections': (socket) => socket.once('data', () => socket.resetAndDestroy()),
  'closes connections without an answer': (socket) => socket.once('data', () => socket.end()),
  'breaks off within the head': (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nx')),
  'answers 503': (socket) => socket.on('data', () => socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n')),
};

for (const [name, onConnection] of Object.entries(faults)) {
  test(`an endpoint that ${name} fails five requests, and then none`, async (t) => {
    const server = createServer((socket) => onConnection(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as { port: number };
    const gateway = await startGateway(t, { endpoints: [`http://127.0.0.1:${port}`, await startGood(t)] }, stillness());
    assert.equal(countFailed(await askMany(gateway, 30)), 5);
  });
}

test('an endpoint that takes all the time that a request has fails five requests, and then none', async (t) => {
  const clock = new FakeClock();
  // The time of a request passes when this endpoint has it, and at no other moment.
  const silent = await startRawUpstream(() => clock.advance(3_500));
  t.after(() => silent.close());
  const endpoints: [string, string] = [silent.url, await startGood(t)];
  const gateway = await startGateway(t, { endpoints, timeouts: { request: '3s' } }, { clock });
  const statuses = await askMany(gateway, 20);
  assert.deepEqual(
    statuses.filter((status) => status !== 200),
    [504, 504, 504, 504, 504],
  );
});

test('a client that sends its request slowly speaks against no endpoint', async (t) => {
  const clock = new FakeClock();
  const reading = await startRawUpstream(() => undefined);
  t.after(() => reading.close());
  const endpoints: [string, string] = [reading.url, await startGood(t)];
  const outliers = { consecutiveFailures: 1 };
  const gateway = await startGateway(t, { endpoints, outliers, timeouts: { request: '3s' } }, { clock });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nslow');
  await eventually(() => reading.connections[0]?.received.endsWith('slow') === true, 'the beginning is there');
  clock.advance(3_500);
  await client.until('504');
  const { endpoints: known } = gateway.control.describeHealth()[0]!;
  assert.deepEqual(
    known.map(({ ejectedForMs }) => ejectedForMs),
    [0, 0],
  );
});

test('with `outliers: false`, it goes on failing', async (t) => {
  const failing = await startRawUpstream(({ send }) => send('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
  t.after(() => failing.close());
  const gateway = await startGateway(t, { endpoints: [failing.url, await startGood(t)], outliers: false });
  assert.equal(countFailed(await askMany(gateway, 30)), 15);
});

test('an endpoint that is back is tried again, and stays if it answers', async (t) => {
  const clock = new FakeClock();
  let status = 503;
  const failing = await startRawUpstream(({ send }) => send(`HTTP/1.1 ${status} Told\r\ncontent-length: 0\r\n\r\n`));
  t.after(() => failing.close());
  const gateway = await startGateway(t, { endpoints: [failing.url, await startGood(t)] }, { clock });
  assert.equal(countFailed(await askMany(gateway, 30)), 5);
  await advance(clock, 10_500, gateway);
  assert.equal(countFailed(await askMany(gateway, 10)), 1);
  await advance(clock, 20_500, gateway);
  status = 200;
  assert.equal(countFailed(await askMany(gateway, 10)), 0);
  status = 503;
  assert.equal(countFailed(await askMany(gateway, 10)), 5);
});

test('over HTTP/2, streams that are reset count', async (t) => {
  const good = await startHttp2Upstream(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.end();
  });
  const failing = await startHttp2Upstream(t, (stream) => {
    stream.on('error', () => undefined);
    stream.close(2);
  });
  const gateway = await startGateway(t, { endpoints: [failing.url, good.url], protocol: 'http2' }, stillness());
  assert.equal(countFailed(await askMany(gateway, 30)), 5);
});

test('where bytes are passed on, endpoints that are not reached count, and are not tried any more', async (t) => {
  const good = await startRawUpstream(({ send }) => send('ok'));
  t.after(() => good.close());
  // Nobody listens at the first.
  const endpoints: [string, string] = ['tcp://127.0.0.1:1', `tcp://127.0.0.1:${good.port}`];
  const gateway = await startGateway(t, { endpoints }, stillness());
  for (let i = 0; i < 20; i++) {
    const client = await RawClient.open(gateway.port());
    client.send('hello');
    await client.until('ok');
    client.close();
  }
  const attempts = (await gateway.stop()).map((line) => line['attempts']);
  assert.deepEqual(
    attempts.filter((count) => count === 2),
    [2, 2, 2, 2, 2],
  );
});
