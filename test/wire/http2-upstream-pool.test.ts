// HTTP/2 connections to upstreams: how many there are, which calls they carry, and what happens to those when one goes.
import assert from 'node:assert/strict';
import type { ServerHttp2Stream } from 'node:http2';
import test, { type TestContext } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, type ForwardingOptions, openClient, startGatewayFor } from '#test/support/forwarding.ts';
import {
  encodeData,
  encodeGoaway,
  encodeHeaders,
  encodePing,
  encodeReset,
  encodeSettings,
  Flag,
  FrameType,
} from '#test/support/http2-frames.ts';
import { type Http2Upstream, type OnStream, startHttp2Upstream } from '#test/support/http2-upstream.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import { type RawHttp2Connection, type RawHttp2Script, startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

type Service = NonNullable<ForwardingOptions['service']>;

interface Bench {
  readonly gateway: TestGateway;
  readonly upstream: Http2Upstream;
  readonly streams: readonly ServerHttp2Stream[];
  /** Over which connection each stream came. */
  readonly carriers: readonly number[];
}

/** Streams are answered by the test, unless `onStream` does. */
async function start(
  t: TestContext,
  {
    streamsMax,
    service,
    clock,
    onStream,
  }: { streamsMax?: number; service?: Service; clock?: FakeClock; onStream?: OnStream } = {},
): Promise<Bench> {
  const streams: ServerHttp2Stream[] = [];
  const carriers: number[] = [];
  const upstream = await startHttp2Upstream(
    t,
    (stream, headers, session) => {
      streams.push(stream);
      carriers.push(session);
      onStream?.(stream, headers, session);
    },
    streamsMax === undefined ? {} : { settings: { maxConcurrentStreams: streamsMax } },
  );
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', ...service },
    ...(clock !== undefined && { clock }),
  });
  t.after(async () => {
    await gateway.stop();
    await eventually(() => upstream.sockets.every(({ closed }) => closed), 'the gateway has closed its connections');
  });
  return { gateway, upstream, streams, carriers };
}

async function startRaw(t: TestContext, script: RawHttp2Script, service: Service = {}, clock?: FakeClock) {
  const upstream = await startRawHttp2Upstream(t, script);
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', ...service },
    ...(clock !== undefined && { clock }),
  });
  t.after(() => gateway.stop());
  return { gateway, upstream };
}

async function get(t: TestContext, gateway: TestGateway, path = '/'): Promise<RawClient> {
  const client = await openClient(t, gateway);
  client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  return client;
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-length': 2 });
  stream.end('ok');
}

const rawAnswer = (stream: number) =>
  Buffer.concat([encodeHeaders(stream, [':status', '200', 'content-length', '2']), encodeData(stream, 'ok', Flag.endStream)]);

test('one connection carries the requests of many clients at a time', async (t) => {
  const { gateway, upstream, streams } = await start(t);
  const clients = await Promise.all(Array.from({ length: 50 }, () => get(t, gateway)));
  await eventually(() => streams.length === 50, 'all requests are there');
  for (const stream of [...streams].reverse()) answer(stream);
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
  assert.equal(upstream.sessions.length, 1);
});

test('requests that come while the first connection is being made wait for it', async (t) => {
  const { gateway, upstream, streams } = await start(t, { onStream: answer });
  const client = await openClient(t, gateway);
  const others = await Promise.all(Array.from({ length: 9 }, () => openClient(t, gateway)));
  for (const each of [client, ...others]) each.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await Promise.all([client, ...others].map((each) => each.until('\r\n\r\nok')));
  assert.equal(streams.length, 10);
  assert.equal(upstream.sessions.length, 1);
});

test('another connection is opened where the upstream allows no more streams', async (t) => {
  const { gateway, upstream, streams, carriers } = await start(t, { streamsMax: 4 });
  const clients: RawClient[] = [];
  for (let i = 0; i < 10; i++) {
    clients.push(await get(t, gateway));
    await eventually(() => streams.length === i + 1, 'the request is there');
  }
  assert.deepEqual(carriers, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
  for (const stream of streams) answer(stream);
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
  assert.equal(upstream.sessions.length, 3);
});

test('a burst at an upstream that allows few streams is spread over connections at once', async (t) => {
  const { gateway, upstream, streams } = await start(t, { streamsMax: 4 });
  const clients = await Promise.all(Array.from({ length: 12 }, () => openClient(t, gateway)));
  for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => streams.length === 12, 'all requests are there');
  assert.equal(upstream.sessions.length, 3);
  for (const stream of streams) answer(stream);
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
});

test('requests beyond what all connections carry wait their turn, and are refused when too many do', async (t) => {
  const pool = { connections: 1, queue: 1, queueTimeout: '1m' };
  const { gateway, streams } = await start(t, { streamsMax: 2, service: { pool } });
  const first = await get(t, gateway, '/1');
  await eventually(() => streams.length === 1, 'the first is there');
  const second = await get(t, gateway, '/2');
  await eventually(() => streams.length === 2, 'the second is there');
  const third = await get(t, gateway, '/3');
  await (await get(t, gateway, '/-/local')).until('204');
  const fourth = await get(t, gateway, '/4');
  assert.match(await fourth.until('GH_UPSTREAM_QUEUE_FULL'), /^HTTP\/1.1 503/);
  answer(streams[0]!);
  await first.until('\r\n\r\nok');
  await eventually(() => streams.length === 3, 'the third has its turn');
  answer(streams[1]!);
  answer(streams[2]!);
  await second.until('\r\n\r\nok');
  await third.until('\r\n\r\nok');
});

test('a request that waits too long is refused', async (t) => {
  // The first one waits too, while its connection is made.
  const clock = new FakeClock();
  const { gateway, streams } = await start(t, {
    streamsMax: 1,
    clock,
    service: { pool: { connections: 1, queueTimeout: '2s' } },
  });
  await get(t, gateway);
  await eventually(() => streams.length === 1, 'the first is there');
  const waiting = await get(t, gateway);
  await advance(clock, 2_500, gateway);
  assert.match(await waiting.until('GH_UPSTREAM_QUEUE_TIMEOUT'), /^HTTP\/1.1 503/);
});

test('requests at an upstream that allows no streams at all are refused in time', async (t) => {
  const { gateway, upstream } = await startRaw(
    t,
    { greeting: encodeSettings({ 3: 0 }) },
    { pool: { connections: 50, queueTimeout: '300ms' } },
  );
  const client = await get(t, gateway);
  assert.match(await client.until('GH_UPSTREAM_QUEUE_TIMEOUT'), /^HTTP\/1.1 503/);
  assert.ok(upstream.connections.length <= 2, `${upstream.connections.length} connections`);
});

test('a connection without calls is closed when it has been idle for long enough', async (t) => {
  const clock = new FakeClock();
  const { gateway, upstream } = await start(t, { clock, service: { pool: { idle: '60s' } }, onStream: answer });
  await (await get(t, gateway)).until('\r\n\r\nok');
  await advance(clock, 58_000, gateway);
  await (await get(t, gateway)).until('\r\n\r\nok');
  await advance(clock, 58_000, gateway);
  await (await get(t, gateway)).until('\r\n\r\nok');
  assert.equal(upstream.sessions.length, 1);
  await advance(clock, 62_000, gateway);
  await eventually(() => upstream.sockets[0]!.closed, 'the connection is closed');
  await (await get(t, gateway)).until('\r\n\r\nok');
  assert.equal(upstream.sessions.length, 2);
});

test('an upstream that goes away in peace answers what it has, and gets nothing new', async (t) => {
  const { gateway, upstream, streams, carriers } = await start(t);
  const first = await get(t, gateway);
  await eventually(() => streams.length === 1, 'the first is there');
  upstream.sessions[0]!.goaway(0, streams[0]!.id);
  await eventually(() => {
    void get(t, gateway);
    return streams.length > 1;
  }, 'another is there');
  assert.equal(carriers.at(-1), 1);
  answer(streams[0]!);
  await first.until('\r\n\r\nok');
  await eventually(() => upstream.sockets[0]!.closed, 'the connection is closed');
});

for (const { method, head, body } of [
  { method: 'GET', head: '', body: '' },
  { method: 'POST', head: 'content-length: 5\r\n', body: 'hello' },
  { method: 'POST', head: 'transfer-encoding: chunked\r\n', body: '5\r\nhello\r\n0\r\n\r\n' },
]) {
  const name = `${method} ${head === '' ? 'without a body' : `with ${head.trim()}`}`;

  test(`${name} that an upstream refuses unseen is sent over another connection`, async (t) => {
    let refusals = 0;
    const { gateway, upstream } = await startRaw(t, {
      onRequest(stream, connection) {
        if (refusals++ === 0) connection.send(encodeReset(stream, 7));
      },
      onFrame(frame, connection) {
        if (connection.index === 1 && (frame.flags & Flag.endStream) !== 0 && frame.type <= FrameType.headers)
          connection.send(rawAnswer(frame.stream));
      },
    });
    const client = await openClient(t, gateway);
    client.send(`${method} / HTTP/1.1\r\nhost: shop\r\n${head}\r\n${body}`);
    await client.until('\r\n\r\nok');
    const sent = upstream.connections[1]!.frames.filter(({ type }) => type === FrameType.data);
    assert.equal(Buffer.concat(sent.map(({ payload }) => payload)).toString(), body === '' ? '' : 'hello');
  });

  test(`${name} beyond the last stream of an upstream that goes is sent over another connection`, async (t) => {
    const { gateway } = await startRaw(t, {
      onRequest(_stream, connection) {
        if (connection.index === 0) connection.send(encodeGoaway(0, 0));
      },
      onFrame(frame, connection) {
        if (connection.index === 1 && (frame.flags & Flag.endStream) !== 0 && frame.type <= FrameType.headers)
          connection.send(rawAnswer(frame.stream));
      },
    });
    const client = await openClient(t, gateway);
    client.send(`${method} / HTTP/1.1\r\nhost: shop\r\n${head}\r\n${body}`);
    await client.until('\r\n\r\nok');
  });
}

test('a POST that is refused again and again is sent as often as the settings say', async (t) => {
  let refusals = 0;
  const { gateway, upstream } = await startRaw(t, {
    onRequest: (stream, connection) => connection.send(refusals++ < 3 ? encodeReset(stream, 7) : rawAnswer(stream)),
  });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 0\r\n\r\n');
  await client.until('\r\n\r\nok');
  assert.equal(upstream.connections.flatMap(({ streams }) => streams).length, 4);
});

test('without further attempts, what is refused a second time is not tried again', async (t) => {
  const events = { onRequest: (stream: number, connection: RawHttp2Connection) => connection.send(encodeReset(stream, 7)) };
  const { gateway, upstream } = await startRaw(t, events, { retry: false });
  const client = await get(t, gateway);
  assert.match(await client.until('GH_UPSTREAM_UNPROCESSED'), /^HTTP\/1.1 503/);
  assert.equal(upstream.connections.flatMap(({ streams }) => streams).length, 2);
});

test('a request whose body is too long to be kept is not sent again', async (t) => {
  const { gateway, upstream } = await startRaw(t, {
    greeting: encodeSettings({ 4: 1_000_000 }),
    onFrame(frame, connection) {
      const received = connection.frames.reduce(
        (sum, { type, payload }) => sum + (type === FrameType.data ? payload.length : 0),
        0,
      );
      if (frame.type === FrameType.data && received > 65_000) connection.send(encodeReset(frame.stream, 7));
    },
  });
  const client = await openClient(t, gateway);
  client.send(`POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 200000\r\n\r\n${'x'.repeat(100_000)}`);
  assert.match(await client.until('GH_UPSTREAM_UNPROCESSED'), /^HTTP\/1.1 503/);
  assert.equal(upstream.connections.flatMap(({ streams }) => streams).length, 1);
});

for (const [name, ending] of [
  ['is reset', (connection: RawHttp2Connection) => connection.destroy()],
  ['ends with an error', (connection: RawHttp2Connection) => connection.send(encodeGoaway(0x7fff_ffff, 11))],
] as const) {
  test(`a GET over a reused connection that ${name} is sent once more, and a POST is not`, async (t) => {
    const { gateway, upstream } = await startRaw(t, {
      onRequest(stream, connection) {
        if (connection.streams.length === 1) connection.send(rawAnswer(stream));
        else ending(connection);
      },
    });
    await (await get(t, gateway)).until('\r\n\r\nok');
    await (await get(t, gateway)).until('\r\n\r\nok');
    assert.equal(upstream.connections.length, 2);
    const client = await openClient(t, gateway);
    client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 2\r\n\r\nhi');
    assert.match(await client.until('GH_UPSTREAM_LOST_BEFORE_ANSWER'), /^HTTP\/1.1 502/);
    assert.equal(upstream.connections.length, 2);
  });
}

test('without further attempts, a request over a fresh connection that is lost is not sent again', async (t) => {
  const events = { onRequest: (_stream: number, connection: RawHttp2Connection) => connection.destroy() };
  const { gateway, upstream } = await startRaw(t, events, { retry: false });
  const client = await get(t, gateway);
  assert.match(await client.until('GH_UPSTREAM_LOST_BEFORE_ANSWER'), /^HTTP\/1.1 502/);
  assert.equal(upstream.connections.length, 1);
});

test('all requests of a lost connection fail or are repeated, and later ones find another', async (t) => {
  let lost = false;
  const { gateway, upstream } = await startRaw(t, {
    onRequest(stream, connection) {
      if (connection.index === 0 && connection.streams.length === 1) connection.send(rawAnswer(stream));
      else if (connection.index > 0) connection.send(rawAnswer(stream));
      else if (connection.streams.length === 6) {
        lost = true;
        connection.destroy();
      }
    },
  });
  await (await get(t, gateway)).until('\r\n\r\nok');
  const clients = await Promise.all(Array.from({ length: 5 }, () => get(t, gateway)));
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
  assert.ok(lost);
  assert.equal(upstream.connections.length, 2);
});

test('an upstream that says nothing for long is asked whether it is there, once', async (t) => {
  const clock = new FakeClock();
  let pings = 0;
  const { gateway, upstream } = await startRaw(
    t,
    {
      onFrame(frame, connection) {
        if (frame.type !== FrameType.ping || (frame.flags & Flag.ack) !== 0) return;
        pings += 1;
        connection.send(encodePing(Flag.ack, frame.payload));
      },
    },
    { timeouts: { firstByte: '1h' } },
    clock,
  );
  const client = await get(t, gateway);
  await eventually(() => upstream.connections[0]?.streams.length === 1, 'the request is there');
  await advance(clock, 22_000, gateway);
  await eventually(() => pings === 1, 'it is asked');
  await advance(clock, 22_000, gateway);
  await advance(clock, 22_000, gateway);
  assert.equal(pings, 1);
  await advance(clock, 300_000, gateway);
  await eventually(() => pings === 2, 'it is asked again after minutes');
  upstream.connections[0]!.send(rawAnswer(upstream.connections[0]!.streams[0]!));
  await client.until('\r\n\r\nok');
});

test('an upstream that does not answer a PING is gone', async (t) => {
  const clock = new FakeClock();
  const { gateway, upstream } = await startRaw(t, {}, { timeouts: { firstByte: '1h' }, retry: false }, clock);
  const client = await get(t, gateway);
  await eventually(() => upstream.connections[0]?.streams.length === 1, 'the request is there');
  await advance(clock, 22_000, gateway);
  await eventually(() => upstream.connections[0]!.frames.some(({ type }) => type === FrameType.ping), 'it is asked');
  await advance(clock, 12_000, gateway);
  assert.match(await client.until('GH_UPSTREAM_LOST_BEFORE_ANSWER'), /^HTTP\/1.1 502/);
  const lines = await gateway.stop();
  assert.deepEqual(lines.at(-1)?.['detail'], { reason: 'no answer to PING' });
});

test('a connection of a service that is gone from the configuration closes behind its last call', async (t) => {
  const { gateway, upstream, streams } = await start(t);
  const client = await get(t, gateway);
  await eventually(() => streams.length === 1, 'the request is there');
  assert.deepEqual(await gateway.reconfigure({ routes: { all: { match: {}, to: { respond: { status: 204 } } } } }), []);
  answer(streams[0]!);
  await client.until('\r\n\r\nok');
  await eventually(() => upstream.sockets[0]!.closed, 'the connection is closed');
});

test('the more answers a connection carries, the less each may be ahead of its client', async (t) => {
  const { gateway, upstream } = await startRaw(t, {});
  const windows = () =>
    upstream.connections[0]!.frames.filter(({ type, flags }) => type === FrameType.settings && (flags & Flag.ack) === 0)
      .flatMap(({ payload }) => Array.from({ length: payload.length / 6 }, (_, i) => payload.subarray(i * 6, i * 6 + 6)))
      .filter((entry) => entry.readUInt16BE(0) === 4)
      .map((entry) => entry.readUInt32BE(2) / 1024);
  const clients = [];
  for (let count = 0; count < 300; count += 20) {
    clients.push(...(await Promise.all(Array.from({ length: 20 }, () => get(t, gateway)))));
    await eventually(() => upstream.connections[0]?.streams.length === count + 20, 'the requests are there');
  }
  assert.deepEqual(windows(), [1024, 256, 64]);
  const [connection] = upstream.connections;
  for (const stream of connection!.streams) connection!.send(rawAnswer(stream));
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
  await eventually(() => windows().at(-1) === 1024, 'each may be as far ahead as at first');
});

test('a thousand streams run over one connection', async (t) => {
  const { gateway, upstream, streams } = await start(t);
  const clients = await Promise.all(Array.from({ length: 1000 }, () => get(t, gateway)));
  await eventually(() => streams.length === 1000, 'all requests are there');
  for (const stream of streams) answer(stream);
  await Promise.all(clients.map((client) => client.until('\r\n\r\nok')));
  assert.equal(upstream.sessions.length, 1);
});
