// How connections of HTTP/2 begin and end: the preface, idleness, draining, and clients that go too far.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type Forwarding, type ForwardingOptions, onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import {
  encodeData,
  encodeFrame,
  encodeGoaway,
  encodePing,
  encodeReset,
  encodeSettings,
  encodeSettingsAck,
  encodeWindowUpdate,
  Flag,
  type Frame,
  FrameType,
  PREFACE,
} from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import { RawClient } from '#test/support/raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;
const SETTINGS_TIMEOUT = 4;
const REFUSED_STREAM = 7;
const CANCEL = 8;
const ENHANCE_YOUR_CALM = 11;

type Listener = NonNullable<NonNullable<ForwardingOptions['gateway']>['listeners']>[string];

function start(
  t: TestContext,
  listener: Partial<Listener>,
  options: { clock?: FakeClock; onRequest?: (connection: UpstreamConnection, head: string) => void } = {},
): Promise<Forwarding> {
  const { clock, onRequest = (connection) => connection.send(ok) } = options;
  const listeners = { web: { address: '127.0.0.1:0', ...listener } };
  return startForwarding(t, onEachRequest(onRequest), { gateway: { listeners }, ...(clock !== undefined && { clock }) });
}

const preface = Buffer.concat([Buffer.from(PREFACE), encodeSettings()]);

test('the preface is noticed however it is split', async (t) => {
  const { gateway } = await start(t, {});
  for (let at = 1; at <= PREFACE.length; at++) {
    const client = await RawClient.open(gateway.port());
    client.send(preface.subarray(0, at));
    await new Promise<void>((resolve) => setImmediate(resolve));
    client.send(preface.subarray(at));
    // Settings, of a length that is not 0.
    await client.until(/^\0\0[^\0]\x04\0\0\0\0\0/);
    client.close();
  }
});

test('what begins like the preface and is none is answered as HTTP/1.1', async (t) => {
  const { gateway } = await start(t, {});
  for (const [text, status] of [
    ['PRI * HTTP/2.0\r\nhost: shop\r\n\r\n', 505],
    ['PRI / HTTP/1.1\r\nhost: shop\r\n\r\n', 200],
    ['P / HTTP/1.1\r\nhost: shop\r\n\r\n', 200],
  ] as const) {
    const client = await RawClient.open(gateway.port());
    for (const char of text) client.send(char);
    await client.until(`HTTP/1.1 ${status} `);
    client.close();
  }
});

test('the preface counts on a fresh connection only', async (t) => {
  const { gateway } = await start(t, {});
  const client = await RawClient.open(gateway.port());
  client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await client.until('ok');
  client.send(preface);
  await client.until('HTTP/1.1 505 ');
  client.close();
});

test('where HTTP/2 is switched off, its preface is answered 505', async (t) => {
  const { gateway } = await start(t, { http2: false });
  const client = await RawClient.open(gateway.port());
  client.send(preface);
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 505 /);
  client.close();
});

test('an offer to change to HTTP/2 is passed over', async (t) => {
  const { gateway, upstream } = await start(t, {});
  const client = await RawClient.open(gateway.port());
  client.send(
    'GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n',
  );
  await client.until('HTTP/1.1 200 ');
  assert.doesNotMatch(upstream.connections[0]!.received, /upgrade|http2-settings/i);
  client.close();
});

test('a client that does not agree to the settings in time loses its connection', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, { timeouts: { head: '1s' } }, { clock, onRequest: () => undefined });
  const agreeing = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port(), acknowledges: false });
  for (const asking of [agreeing, client]) asking.ask(1, '/slow');
  await untilConnections(forwarding, 2);
  await forwarding.advance(1_500);
  await client.untilClosed();
  assert.equal(client.goaway?.code, SETTINGS_TIMEOUT);
  assert.equal(agreeing.goaway, undefined);
});

test('a client that says nothing behind its preface is left after the time for a head', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, { timeouts: { head: '1s', keepAlive: '50s' } }, { clock });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  await forwarding.advance(1_500);
  await client.untilClosed();
  assert.deepEqual(client.goaway, { lastStream: 0, code: NO_ERROR });
});

test('a connection without requests is left after the time for the next one, and not before', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, { timeouts: { head: '1s', keepAlive: '30s' } }, { clock });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/');
  await client.untilAnswered(1);
  await forwarding.advance(25_000);
  client.ask(3, '/');
  await client.untilAnswered(3);
  await forwarding.advance(25_000);
  assert.equal(client.goaway, undefined);
  await forwarding.advance(6_000);
  await client.untilClosed();
  assert.deepEqual(client.goaway, { lastStream: 3, code: NO_ERROR });
});

test('a connection whose request takes long is not idle', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, { timeouts: { head: '1s', keepAlive: '2s' } }, { clock, onRequest: () => undefined });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/slow');
  await eventually(() => forwarding.upstream.connections.length === 1, 'the upstream has the request');
  await forwarding.advance(20_000);
  assert.equal(client.goaway, undefined);
  forwarding.upstream.connections[0]!.send(ok);
  await client.untilAnswered(1);
});

test('a client that does not close its side is closed after a while', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, { timeouts: { head: '1s', keepAlive: '2s', linger: '5s' } }, { clock });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.socket.allowHalfOpen = true;
  client.ask(1, '/');
  await client.untilAnswered(1);
  await forwarding.advance(3_000);
  await eventually(() => client.goaway !== undefined, 'the client is told');
  await forwarding.advance(6_000);
  await eventually(() => forwarding.gateway.control.plane!.connectionCount === 0, 'the connection is closed');
});

/** The one that names the last request; the first says only that the connection will end. */
const isFinal = ({ type, payload }: Frame) => type === FrameType.goaway && payload.readUInt32BE(0) !== 0x7fff_ffff;

test('when the gateway drains, what runs is answered, what comes is not looked at, and the connection ends', async (t) => {
  const forwarding = await start(t, {}, { onRequest: () => undefined });
  const { gateway, upstream } = forwarding;
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  const idle = await RawHttp2Client.open(t, { port: gateway.port() });
  client.ask(1, '/slow');
  await eventually(() => upstream.connections.length === 1, 'the upstream has the request');
  const drained = gateway.control.drain();
  await client.until(isFinal, 'the GOAWAY that names the last request');
  assert.deepEqual(client.goaway, { lastStream: 1, code: NO_ERROR });
  client.ask(3, '/late');
  await idle.untilClosed();
  upstream.connections[0]!.send(ok);
  await client.untilAnswered(1);
  assert.equal(client.bodyOf(1), 'ok');
  await client.untilClosed();
  await drained;
  assert.equal(client.statusOf(3), undefined);
  assert.equal(upstream.connections.length, 1);
});

test('a request that was sent before the client knew of the draining is answered', async (t) => {
  const forwarding = await start(t, {}, { onRequest: () => undefined });
  const { gateway, upstream } = forwarding;
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  client.answersPings = false;
  client.ask(1, '/slow');
  await untilConnections(forwarding, 1);
  const drained = gateway.control.drain();
  await client.until(({ type }) => type === FrameType.goaway, 'GOAWAY');
  assert.deepEqual(client.goaway, { lastStream: 0x7fff_ffff, code: NO_ERROR });
  const { payload } = await client.until(({ type }) => type === FrameType.ping, 'PING');
  // Under way when the gateway said so.
  client.ask(3, '/late');
  client.send(encodePing(Flag.ack, payload));
  await client.until(isFinal, 'the GOAWAY that names the last request');
  assert.deepEqual(client.goaway, { lastStream: 3, code: NO_ERROR });
  for (const connection of await untilConnections(forwarding, 2)) connection.send(ok);
  await client.untilClosed();
  await drained;
  assert.deepEqual([client.bodyOf(1), client.bodyOf(3), upstream.connections.length], ['ok', 'ok', 2]);
});

test('a client that does not answer is told all the same which request was the last one', async (t) => {
  const clock = new FakeClock();
  const forwarding = await start(t, {}, { clock, onRequest: () => undefined });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.answersPings = false;
  client.ask(1, '/slow');
  await untilConnections(forwarding, 1);
  const drained = forwarding.gateway.control.drain();
  await client.until(({ type }) => type === FrameType.goaway, 'GOAWAY');
  clock.advance(1_500);
  await client.until(isFinal, 'the GOAWAY that names the last request');
  forwarding.upstream.connections[0]!.send(ok);
  await client.untilClosed();
  await drained;
  assert.equal(client.bodyOf(1), 'ok');
});

test('a client that says that it will leave has its requests answered, and the connection ends', async (t) => {
  const forwarding = await start(t, {}, { onRequest: () => undefined });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/slow');
  await untilConnections(forwarding, 1);
  client.send(encodeGoaway(0, NO_ERROR));
  await client.until(isFinal, 'GOAWAY');
  assert.equal(client.isClosed, false);
  forwarding.upstream.connections[0]!.send(ok);
  await client.untilClosed();
  assert.deepEqual([client.bodyOf(1), client.goaway], ['ok', { lastStream: 1, code: NO_ERROR }]);
});

test('requests beyond those that may run at a time are refused to who does not know better, so that they may be sent again', async (t) => {
  const forwarding = await start(t, { http2: { streams: 2 } }, { onRequest: () => undefined });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port(), acknowledges: false });
  for (const stream of [1, 3, 5]) client.ask(stream, `/${stream}`);
  await client.untilAnswered(5);
  assert.equal(client.resetCodeOf(5), REFUSED_STREAM);
  for (const connection of await untilConnections(forwarding, 2)) connection.send(ok);
  await client.untilAnswered(1);
  await client.untilAnswered(3);
  client.ask(7, '/7');
  await untilConnections(forwarding, 1, '/7');
  client.send(encodeReset(7, CANCEL));
});

test('a client that has agreed to a number of requests and begins more loses its connection', async (t) => {
  const forwarding = await start(t, { http2: { streams: 2 } }, { onRequest: () => undefined });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  for (const stream of [1, 3, 5]) client.ask(stream, `/${stream}`);
  await client.untilClosed();
  assert.equal(client.goaway?.code, PROTOCOL_ERROR);
});

test('as many requests at a time as may run are answered, over and over', async (t) => {
  const STREAMS = 4;
  const ROUNDS = 200;
  const forwarding = await start(t, { http2: { streams: STREAMS } });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  let next = 1;
  let answered = 0;
  // As soon as the end of an answer is there, another request takes its place.
  client.onFrame = ({ flags, type }) => {
    if (type !== FrameType.data || (flags & Flag.endStream) === 0) return;
    answered += 1;
    if (next <= 2 * STREAMS * ROUNDS) client.ask(next, '/');
    next += 2;
  };
  for (; next <= 2 * STREAMS; next += 2) client.ask(next, '/');
  await eventually(() => answered === STREAMS * ROUNDS || client.isClosed, 'all are answered');
  assert.deepEqual([answered, client.isClosed], [STREAMS * ROUNDS, false]);
  assert.ok(client.frames.every(({ type }) => type !== FrameType.rstStream));
});

async function untilConnections({ upstream }: Forwarding, count: number, path = ' /'): Promise<UpstreamConnection[]> {
  const found = () => upstream.connections.filter(({ received }) => received.includes(path));
  await eventually(() => found().length >= count, `the upstream has ${count} requests`);
  return found();
}

const tooMuch: readonly (readonly [what: string, goTooFar: (client: RawHttp2Client) => void, reason: string])[] = [
  [
    'requests broken off',
    (client) => {
      for (let i = 0; i < 12; i++) {
        client.ask(2 * i + 1, '/');
        client.send(encodeReset(2 * i + 1, CANCEL));
      }
    },
    'too many requests broken off',
  ],
  [
    'PING frames',
    (client) => {
      for (let i = 0; i < 1_001; i++) client.send(encodePing());
    },
    'too many control frames',
  ],
  [
    'SETTINGS frames',
    (client) => {
      for (let i = 0; i < 1_001; i++) client.send(encodeSettings({ 3: i }));
    },
    'too many control frames',
  ],
  ['priorities', (client) => flood(client, encodeFrame(FrameType.priority, 0, 1, Buffer.alloc(5))), 'too many control frames'],
  ['windows of the connection', (client) => flood(client, encodeWindowUpdate(0, 1)), 'too many control frames'],
  [
    'windows of a stream',
    (client) => {
      client.ask(1, '/');
      flood(client, encodeWindowUpdate(1, 1));
    },
    'too many control frames',
  ],
  [
    'empty frames of data',
    (client) => {
      client.ask(1, '/', { method: 'POST', isWhole: false });
      flood(client, encodeData(1, ''));
    },
    'too many control frames',
  ],
  [
    'frames of padding',
    (client) => {
      client.ask(1, '/', { method: 'POST', isWhole: false });
      flood(client, encodeData(1, '\x01\0', Flag.padded));
    },
    'too many control frames',
  ],
  ['frames that nobody knows', (client) => flood(client, encodeFrame(0xee, 0, 0)), 'too many control frames'],
  [
    'requests that it has the gateway break off',
    (client) => {
      for (let i = 0; i < 12; i++) {
        client.ask(2 * i + 1, '/');
        client.send(encodeWindowUpdate(2 * i + 1, 0x7fff_ffff));
      }
    },
    'too many requests broken off',
  ],
  [
    'requests that are malformed',
    (client) => {
      for (let i = 0; i < 12; i++) client.ask(2 * i + 1, '/', { fields: ['connection', 'close'] });
    },
    'too many requests broken off',
  ],
];

/** One more than may come without anything else. */
function flood(client: RawHttp2Client, frame: Buffer): void {
  client.send(...Array<Buffer>(10_001).fill(frame));
}

for (const [what, goTooFar, reason] of tooMuch) {
  test(`a client that sends too many ${what} is told to calm down, and the log says so`, async (t) => {
    const forwarding = await start(t, { http2: { resetsPerMinute: 10 } }, { onRequest: () => undefined });
    const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
    goTooFar(client);
    await client.untilClosed();
    assert.equal(client.goaway?.code, ENHANCE_YOUR_CALM);
    const event = forwarding.gateway.events.find(({ message }) => message === 'HTTP/2 connection ended');
    assert.deepEqual(event?.fields, { listener: 'web', clientAddress: '127.0.0.1', reason });
  });
}

test('what is too much in a minute is not when time passes, or when requests are answered', async (t) => {
  const clock = new FakeClock();
  const listener = { http2: { resetsPerMinute: 10 }, timeouts: { head: '1s', keepAlive: '10m' } };
  const forwarding = await start(t, listener, { clock });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  let stream = 1;
  const breakOff = async (count: number) => {
    for (let i = 0; i < count; i++, stream += 2) {
      client.ask(stream, '/');
      client.send(encodeReset(stream, CANCEL));
    }
    await forwarding.settle();
  };
  await breakOff(10);
  await forwarding.advance(61_000);
  await breakOff(10);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1_000; i++) client.send(encodePing());
    client.ask(stream, '/');
    await client.untilAnswered(stream);
    stream += 2;
  }
  for (let i = 0; i < 1_000; i++) client.send(encodePing());
  await forwarding.settle();
  assert.equal(client.goaway, undefined);
});

test('a head that is too large is answered 431, and the connection goes on', async (t) => {
  const forwarding = await start(t, { http2: { headerListBytes: '4KiB' } });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/', { fields: ['x-large', 'v'.repeat(4_096)] });
  await client.untilAnswered(1);
  assert.equal(client.statusOf(1), 431);
  assert.match(client.bodyOf(1), /GH_CLIENT_HEAD_TOO_LARGE/);
  client.ask(3, '/', { fields: ['x-large', 'v'.repeat(3_500)] });
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 200);
});

test('a head with too many fields is answered 431, and the connection goes on', async (t) => {
  const forwarding = await start(t, { limits: { fieldCount: 10 } });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const fields = (count: number) => Array.from({ length: count }, (_, i) => [`x-${i}`, 'v']).flat();
  client.ask(1, '/', { fields: fields(12) });
  await client.untilAnswered(1);
  assert.equal(client.statusOf(1), 431);
  assert.match(client.bodyOf(1), /GH_CLIENT_HEAD_TOO_LARGE/);
  client.ask(3, '/', { fields: fields(10) });
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 200);
});

test('a connection that ends in the middle of a frame ends nothing else', async (t) => {
  const forwarding = await start(t, {});
  for (const bytes of [preface, Buffer.concat([preface, encodeSettingsAck(), encodePing()])]) {
    for (let at = PREFACE.length; at < bytes.length; at += 3) {
      const client = await RawClient.open(forwarding.gateway.port());
      client.send(bytes.subarray(0, at));
      await client.until(/\x04/);
      client.close();
    }
  }
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/');
  await client.untilAnswered(1);
});
