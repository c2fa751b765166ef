// Services that take only so many requests at a time, over real sockets: who waits, who goes first, and who is refused.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type Forwarding, type ForwardingOptions, onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const upgradeRequest = 'GET /chat HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo/1\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo/1\r\n\r\n';

/** RFC 9113 §6.5.2. */
const INITIAL_WINDOW_SIZE = 4;

/** So many that each of two threads has some. */
const PLACES = 24;
/** So long that nobody is refused because the machine stands still. */
const queueTimeout = '1m';
const TURNS_MAX = 2_000;

type Concurrency = NonNullable<NonNullable<GatewayInput['services']>[string]['concurrency']>;

/** A request that the upstream has and has not answered yet. */
interface Held {
  readonly path: string;
  readonly connection: UpstreamConnection;
}

interface Setup extends Forwarding {
  readonly held: Held[];
  /** Sends a request on a connection of its own. */
  request(path: string): Promise<RawClient>;
  /** Resolves when the upstream has this many that it has not answered. */
  untilHeld(count: number): Promise<void>;
  /** Resolves with the code of a refusal. */
  codeOf(client: RawClient): Promise<string | undefined>;
}

function pathOf(head: string): string {
  return head.split(' ')[1]!;
}

/** Everything that reaches the upstream is held there. The path's first part is the importance of its route. */
async function start(t: TestContext, concurrency: Concurrency, options: ForwardingOptions = {}): Promise<Setup> {
  const held: Held[] = [];
  const routes: GatewayInput['routes'] = Object.fromEntries(
    (['critical', 'high', 'normal', 'low'] as const).map((importance) => [
      importance,
      { match: { path: `/${importance}/*` }, importance, to: 'main' },
    ]),
  );
  const local = { match: { path: '/-/local' }, to: { respond: { status: 204 } } };
  const others = { match: { path: '/*' }, to: 'main' };
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      held.push({ path: pathOf(head), connection });
    }),
    {
      ...options,
      service: { concurrency: { queueTimeout, ...concurrency }, ...options.service },
      gateway: { routes: { ...routes, local, others } },
    },
  );
  return {
    ...forwarding,
    held,
    async request(path) {
      const client = await forwarding.open();
      client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
      // The next one comes after this one.
      await forwarding.settle();
      return client;
    },
    untilHeld: (count) => eventually(() => held.length === count, `the upstream holds ${count}`),
    codeOf,
  };
}

async function codeOf(client: RawClient): Promise<string | undefined> {
  const answer = await client.until(/\}\n$/);
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /\r\nretry-after: 1\r\n/);
  return /"code":"(\w+)"/.exec(answer)?.[1];
}

test('as many as may run are sent at once, one waits, and one more is refused', async (t) => {
  const { request, untilHeld, held } = await start(t, { max: 2, queue: 1 });
  const first = await request('/1');
  await request('/2');
  await untilHeld(2);
  const third = await request('/3');
  assert.equal(await codeOf(await request('/4')), 'GH_SERVICE_OVERLOADED');
  assert.equal(held.length, 2);
  held[0]!.connection.send(ok);
  await first.until(/ok$/);
  await untilHeld(3);
  held[2]!.connection.send(ok);
  await third.until(/ok$/);
});

test('with a queue of none, whoever finds no place is refused at once', async (t) => {
  const { request, untilHeld } = await start(t, { max: 1, queue: 0 });
  await request('/1');
  await untilHeld(1);
  assert.equal(await codeOf(await request('/critical/2')), 'GH_SERVICE_OVERLOADED');
});

test('the most important of those that wait goes first, and among equals whoever came first', async (t) => {
  const { request, untilHeld, held } = await start(t, { max: 1, queue: 10 });
  await request('/0');
  await untilHeld(1);
  for (const path of ['/low/1', '/normal/2', '/normal/3', '/critical/4', '/high/5']) await request(path);
  for (let count = 1; count <= 5; count++) {
    held[count - 1]!.connection.send(ok);
    await untilHeld(count + 1);
  }
  assert.deepEqual(
    held.map(({ path }) => path),
    ['/0', '/critical/4', '/high/5', '/normal/2', '/normal/3', '/low/1'],
  );
});

test('the least important that came last makes room for somebody more important, and not for an equal', async (t) => {
  const { request, untilHeld, held } = await start(t, { max: 1, queue: 2 });
  await request('/0');
  await untilHeld(1);
  const early = await request('/low/1');
  const late = await request('/low/2');
  assert.equal(await codeOf(await request('/low/3')), 'GH_SERVICE_OVERLOADED');
  await request('/normal/4');
  assert.equal(await codeOf(late), 'GH_SERVICE_OVERLOADED');
  await request('/critical/5');
  assert.equal(await codeOf(early), 'GH_SERVICE_OVERLOADED');
  held[0]!.connection.send(ok);
  await untilHeld(2);
  assert.equal(held[1]!.path, '/critical/5');
});

test('a client that leaves gives its place up, in the line as well as at the service', async (t) => {
  const { request, untilHeld, held, settle } = await start(t, { max: 1, queue: 1 });
  const running = await request('/1');
  await untilHeld(1);
  const waiting = await request('/2');
  waiting.socket.resetAndDestroy();
  await eventually(() => waiting.socket.closed, 'the client has left');
  await settle();
  await request('/3');
  running.socket.resetAndDestroy();
  await untilHeld(2);
  assert.equal(held[1]!.path, '/3');
});

test('whoever has waited for as long as may be is refused', async (t) => {
  const clock = new FakeClock();
  const { request, untilHeld, advance } = await start(t, { max: 1, queue: 1, queueTimeout: '2s' }, { clock });
  await request('/1');
  await untilHeld(1);
  const waiting = await request('/2');
  await advance(1_500);
  assert.equal(waiting.received, '');
  await advance(1_500);
  assert.equal(await codeOf(waiting), 'GH_SERVICE_QUEUE_TIMEOUT');
});

test('the call of gRPC whose deadline passes while it waits is not sent later', async (t) => {
  const clock = new FakeClock();
  const { gateway, request, untilHeld, held, advance, settle } = await start(
    t,
    { max: 1, queue: 1, queueTimeout: '1m' },
    { clock },
  );
  await request('/1');
  await untilHeld(1);
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  client.ask(1, '/2', { method: 'POST', fields: ['content-type', 'application/grpc', 'grpc-timeout', '1S'] });
  await settle();
  await advance(1_500);
  await client.untilAnswered(1);
  held[0]!.connection.send(ok);
  const next = await request('/3');
  await untilHeld(2);
  assert.equal(held[1]!.path, '/3');
  held[1]!.connection.send(ok);
  await next.until(/ok$/);
});

test('a request that is answered while it waits leaves the line at once, though its client does not take the answer', async (t) => {
  const clock = new FakeClock();
  const { gateway, open, request, untilHeld, held, advance, settle } = await start(
    t,
    { max: 1, queue: 1, queueTimeout: '1m' },
    { clock, service: { timeouts: { request: '2s' } } },
  );
  // A tunnel has no time that ends.
  const tunnel = await open();
  tunnel.send(upgradeRequest);
  await untilHeld(1);
  held[0]!.connection.send(switching);
  await tunnel.until(/\r\n\r\n$/);
  const client = await RawHttp2Client.open(t, { port: gateway.port(), settings: { [INITIAL_WINDOW_SIZE]: 0 } });
  client.ask(1, '/late');
  await settle();
  await advance(2_500);
  await eventually(() => client.statusOf(1) === 504, 'its time is up');
  await request('/next');
  tunnel.close();
  await untilHeld(2);
  assert.equal(held[1]!.path, '/next');
});

test('the end of an attempt wakes whoever waits for its endpoint, though its exchange goes on', async (t) => {
  const paused = { on: [503], backoff: { base: '1ms', max: '1ms' }, retryAfterMax: '1m' } as const;
  const { request, untilHeld, held } = await start(t, { perEndpoint: 1, queue: 1 }, { service: { retry: paused } });
  const first = await request('/1');
  await untilHeld(1);
  await request('/2');
  assert.equal(held.length, 1);
  held[0]!.connection.send('HTTP/1.1 503 Busy\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n');
  await untilHeld(2);
  assert.equal(held[1]!.path, '/2');
  assert.equal(first.received, '');
});

test('a failed attempt gives its place back', async (t) => {
  const { request, untilHeld, held } = await start(t, { max: 1, queue: 1 }, { service: { retry: false } });
  const failing = await request('/1');
  await untilHeld(1);
  await request('/2');
  held[0]!.connection.socket.destroy();
  await failing.until('502');
  await untilHeld(2);
});

test('the body of a request that waits is sent when its turn comes', async (t) => {
  const { open, request, untilHeld, held, upstream, settle } = await start(t, { max: 1, queue: 1 });
  await request('/1');
  await untilHeld(1);
  const client = await open();
  client.send('POST /2 HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\nfirst');
  await settle();
  client.send('later');
  await settle();
  held[0]!.connection.send(ok);
  await eventually(
    () => upstream.connections.some(({ received }) => received.endsWith('\r\n\r\nfirstlater')),
    'the body is there',
  );
});

test('a tunnel holds its place until it ends', async (t) => {
  const { open, request, untilHeld, held } = await start(t, { max: 1, queue: 1 });
  const client = await open();
  client.send(upgradeRequest);
  await untilHeld(1);
  held[0]!.connection.send(switching);
  await client.until(/\r\n\r\n$/);
  await request('/2');
  assert.equal(held.length, 1);
  client.close();
  await untilHeld(2);
});

test('what runs still counts after a reload, with the limit of the new configuration', async (t) => {
  const { gateway, upstream, request, untilHeld, held } = await start(t, { max: 1, queue: 1 });
  await request('/1');
  await untilHeld(1);
  const services = { main: { endpoints: [upstream.url], concurrency: { max: 2, queue: 0, queueTimeout } } };
  const routes = { all: { match: { path: '/*' }, to: 'main' }, local: { match: { path: '/-/local' }, to: { respond: {} } } };
  assert.deepEqual(await gateway.reconfigure({ services, routes }), []);
  const second = await request('/2');
  await untilHeld(2);
  assert.equal(await codeOf(await request('/3')), 'GH_SERVICE_OVERLOADED');
  held[1]!.connection.send(ok);
  await second.until(/ok$/);
});

test('an endpoint that has as many as it may gives way to another one, and then requests wait', async (t) => {
  const held: Held[] = [];
  const hold = onEachRequest((connection, head) => void held.push({ path: pathOf(head), connection }));
  const other = await startRawUpstream(hold);
  t.after(() => other.close());
  const upstream = await startRawUpstream(hold);
  t.after(() => upstream.close());
  const { request, untilHeld } = await start(
    t,
    { perEndpoint: 1, queue: 1 },
    { service: { endpoints: [upstream.url, other.url], concurrency: { perEndpoint: 1, queue: 1, queueTimeout } } },
  );
  await request('/1');
  await request('/2');
  await eventually(() => held.length === 2, 'each endpoint has one');
  assert.notEqual(held[0]!.connection.socket.localPort, held[1]!.connection.socket.localPort);
  await request('/3');
  assert.equal(await codeOf(await request('/4')), 'GH_SERVICE_OVERLOADED');
  const [, second] = held;
  second!.connection.send(ok);
  await eventually(() => held.length === 3, 'the one that waited has the place');
  assert.equal(held[2]!.connection.socket.localPort, second!.connection.socket.localPort);
  await untilHeld(0);
});

/** Data threads, whose clients wait for each other's places. */
async function startThreads(t: TestContext, concurrency: Concurrency) {
  const held: Held[] = [];
  const upstream: RawUpstream = await startRawUpstream(
    onEachRequest((connection, head) => void held.push({ path: pathOf(head), connection })),
  );
  t.after(() => upstream.close());
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [upstream.url], concurrency } },
      routes: { all: { match: { path: '/*' }, to: 'main' } },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  return { gateway, held };
}

test('a thread that is always busy does not keep the only place from the others', async (t) => {
  const { gateway, held } = await startThreads(t, { max: 1, queue: 100, queueTimeout: '1m' });
  const clients = await openMany(t, gateway.port(), PLACES);
  const send = (index: number) => clients[index]!.send(`GET /${index} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  for (const index of clients.keys()) send(index);
  // Whoever was answered comes again at once, so that no thread ever runs out of those that wait.
  const served = new Set<string>();
  for (let turn = 0; served.size < PLACES; turn++) {
    await eventually(() => held.length > turn, 'the next one has its place');
    const { path, connection } = held[turn]!;
    const client = clients[Number(path.slice(1))]!;
    served.add(path);
    client.take();
    connection.send(ok);
    await client.until(/ok$/);
    send(Number(path.slice(1)));
    assert.ok(turn < TURNS_MAX, `after ${turn} turns only ${served.size} of ${PLACES} were served`);
  }
});

test('threads share the places: never more run, and nobody who waits is forgotten', async (t) => {
  const { gateway, held } = await startThreads(t, { max: 2, queue: 30, queueTimeout: '1m' });
  const clients = await openMany(t, gateway.port(), 24);
  for (const [index, client] of clients.entries()) client.send(`GET /${index} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  for (let answered = 0; answered < 24; answered++) {
    await eventually(() => held.length >= Math.min(24, answered + 2), 'the next one has its place');
    assert.ok(held.length <= answered + 2, 'no more than two run');
    held[answered]!.connection.send(ok);
  }
  await Promise.all(clients.map((client) => client.until(/ok$/)));
});

test('the places of a thread that dies are free again, and those of the others are not', async (t) => {
  const { gateway, held } = await startThreads(t, { max: PLACES, queue: 0 });
  const clients = await openMany(t, gateway.port(), PLACES);
  for (const client of clients) client.send('GET /first HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => held.length === PLACES, 'all places are taken');
  const pool = gateway.control.pool!;
  await pool.kill(pool.threadIds[0]!);
  await eventually(() => clients.some(({ hasEnded, error }) => hasEnded || error !== undefined), 'its clients have lost it');
  await eventually(() => pool.threadIds.length === 2, 'there are two threads again');
  const [probe] = await openMany(t, gateway.port(), 1);
  probe!.send('GET /probe HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => held.length === PLACES + 1, 'another one has a place');
  const lost = clients.filter(({ hasEnded, error }) => hasEnded || error !== undefined);
  const others = await openMany(t, gateway.port(), lost.length);
  for (const client of others) client.send('GET /second HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => others.some(({ received }) => received !== ''), 'one is too many');
  await eventually(() => held.length === PLACES + lost.length, 'the others have places');
  assert.equal(others.filter(({ received }) => received !== '').length, 1);
});

async function openMany(t: TestContext, port: number, count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.open(port)));
  t.after(() => clients.forEach((client) => void client.close()));
  return clients;
}
