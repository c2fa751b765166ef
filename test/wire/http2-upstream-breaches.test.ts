// Upstreams that send wrong frames: what a mistake ends, what both sides are told of it, and what it leaves alone.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { readAnswers } from '#test/support/answers.ts';
import { eventually } from '#test/support/eventually.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import {
  encodeData,
  encodeFrame,
  encodeGoaway,
  encodeHeaders,
  encodePing,
  encodeReset,
  encodeSettings,
  encodeWindowUpdate,
  Flag,
  type Frame,
  FrameType,
} from '#test/support/http2-frames.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import { type RawHttp2Connection, type RawHttp2Script, startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

/** RFC 9113 §7. */
const codes = { none: 0, protocol: 1, flowControl: 3, streamClosed: 5, frameSize: 6, cancel: 8, compression: 9, calm: 11 };

async function start(t: TestContext, script: RawHttp2Script) {
  const upstream = await startRawHttp2Upstream(t, script);
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', retry: false },
  });
  t.after(() => gateway.stop());
  return { gateway, upstream };
}

async function ask(t: TestContext, gateway: TestGateway, path: string, method = 'GET'): Promise<RawClient> {
  const client = await openClient(t, gateway);
  client.send(`${method} ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  return client;
}

const framesOf = ({ frames }: RawHttp2Connection, type: number): Frame[] => frames.filter((frame) => frame.type === type);
const head = (id: number, ...fields: string[]) => encodeHeaders(id, [':status', '200', ...fields]);
const whole = (id: number, ...fields: string[]) =>
  encodeHeaders(id, [':status', '200', ...fields], Flag.endHeaders | Flag.endStream);
const uint32 = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);

interface StreamBreach {
  readonly name: string;
  readonly send: (stream: number) => Buffer;
  readonly method?: string;
  /** What the upstream is told. */
  readonly code: number;
  readonly error: 'MALFORMED_ANSWER' | 'TRUNCATED_BODY';
}

const streamBreaches: readonly StreamBreach[] = [
  {
    name: 'opens the window of a stream by nothing',
    send: (id) => encodeWindowUpdate(id, 0),
    code: codes.protocol,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'opens the window of a stream too far',
    send: (id) => encodeWindowUpdate(id, 0x7fff_ffff),
    code: codes.flowControl,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'sends a priority of another length',
    send: (id) => encodeFrame(FrameType.priority, 0, id, Buffer.alloc(4)),
    code: codes.frameSize,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'announces a body and ends with the head',
    send: (id) => whole(id, 'content-length', '5'),
    code: codes.protocol,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'announces a length that no number holds',
    send: (id) => head(id, 'content-length', '9'.repeat(20)),
    code: codes.protocol,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'sends a field of HTTP/1 connections without a value',
    send: (id) => whole(id, 'keep-alive', ''),
    code: codes.protocol,
    error: 'MALFORMED_ANSWER',
  },
  {
    name: 'sends a body with a 204',
    send: (id) => Buffer.concat([encodeHeaders(id, [':status', '204']), encodeData(id, 'x')]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends a body to HEAD',
    method: 'HEAD',
    send: (id) => Buffer.concat([head(id, 'content-length', '1'), encodeData(id, 'x')]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends more than it has announced',
    send: (id) => Buffer.concat([head(id, 'content-length', '2'), encodeData(id, 'xyz')]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends less than it has announced',
    send: (id) => Buffer.concat([head(id, 'content-length', '4'), encodeData(id, 'xyz', Flag.endStream)]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends less than it has announced before trailers',
    send: (id) =>
      Buffer.concat([
        head(id, 'content-length', '4'),
        encodeData(id, 'xyz'),
        encodeHeaders(id, ['x-a', '1'], Flag.endHeaders | Flag.endStream),
      ]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  { name: 'sends two heads', send: (id) => Buffer.concat([head(id), whole(id)]), code: codes.protocol, error: 'TRUNCATED_BODY' },
  {
    name: 'sends early hints behind the head',
    send: (id) => Buffer.concat([head(id), encodeHeaders(id, [':status', '103'])]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends trailers with capitals',
    send: (id) => Buffer.concat([head(id), encodeHeaders(id, ['X-A', '1'], Flag.endHeaders | Flag.endStream)]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
  {
    name: 'sends trailers of a connection',
    send: (id) => Buffer.concat([head(id), encodeHeaders(id, ['connection', 'x-a'], Flag.endHeaders | Flag.endStream)]),
    code: codes.protocol,
    error: 'TRUNCATED_BODY',
  },
];

for (const { name, send, method = 'GET', code, error } of streamBreaches) {
  test(`an upstream that ${name} loses that stream alone`, async (t) => {
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        if (stream > 1) connection.send(send(stream));
      },
    });
    const neighbour = await ask(t, gateway, '/neighbour');
    await eventually(() => upstream.connections[0]?.streams.length === 1, 'the neighbour is there');
    const client = await ask(t, gateway, '/', method);
    const connection = upstream.connections[0]!;
    await eventually(() => framesOf(connection, FrameType.rstStream).length === 1, 'the stream is reset');
    const [reset] = framesOf(connection, FrameType.rstStream);
    assert.deepEqual([reset!.stream, reset!.payload.readUInt32BE(0)], [3, code]);
    if (error === 'MALFORMED_ANSWER') await client.until('GH_UPSTREAM_MALFORMED_ANSWER"');
    else await client.untilEnd();
    connection.send(head(1, 'content-length', '2'), encodeData(1, 'ok', Flag.endStream));
    await neighbour.until('\r\n\r\nok');
    assert.deepEqual(framesOf(connection, FrameType.goaway), []);
    const lines = await gateway.stop();
    assert.deepEqual(
      lines.map((line) => line['code']).filter((it) => it !== undefined),
      [`GH_UPSTREAM_${error}`],
    );
  });
}

test('an upstream that sends a slow client more than its window allows loses that stream alone', async (t) => {
  const part = encodeData(3, Buffer.alloc(16_000, 'x'));
  const { gateway, upstream } = await start(t, {
    onRequest(stream, connection) {
      if (stream === 1) return;
      connection.send(head(stream));
      for (let i = 0; i < 1_500; i++) connection.send(part);
    },
  });
  const neighbour = await ask(t, gateway, '/neighbour');
  await eventually(() => upstream.connections[0]?.streams.length === 1, 'the neighbour is there');
  const slow = await openClient(t, gateway);
  slow.socket.pause();
  slow.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  const connection = upstream.connections[0]!;
  await eventually(() => framesOf(connection, FrameType.rstStream).length === 1, 'the stream is reset');
  assert.equal(framesOf(connection, FrameType.rstStream)[0]!.payload.readUInt32BE(0), codes.flowControl);
  connection.send(head(1, 'content-length', '2'), encodeData(1, 'ok', Flag.endStream));
  await neighbour.until('\r\n\r\nok');
  slow.socket.resume();
  await slow.untilEnd();
});

interface ConnectionBreach {
  readonly name: string;
  readonly send: (stream: number) => Buffer;
  readonly code: number;
  readonly reason: RegExp;
}

const setting = (id: number, value: number) => encodeSettings({ [id]: value });
const block = (...bytes: number[]) => Buffer.from(bytes);

const connectionBreaches: readonly ConnectionBreach[] = [
  { name: 'asks for pushed answers', send: () => setting(2, 1), code: codes.protocol, reason: /setting/ },
  { name: 'neither offers nor refuses WebSockets', send: () => setting(8, 2), code: codes.protocol, reason: /setting/ },
  { name: 'sets windows that cannot be', send: () => setting(4, 0x8000_0000), code: codes.flowControl, reason: /window/ },
  { name: 'sets frames that are too small', send: () => setting(5, 16_383), code: codes.protocol, reason: /setting/ },
  {
    name: 'sends half a setting',
    send: () => encodeFrame(FrameType.settings, 0, 0, Buffer.alloc(5)),
    code: codes.frameSize,
    reason: /length/,
  },
  {
    name: 'sends very many settings',
    send: () => encodeFrame(FrameType.settings, 0, 0, Buffer.alloc(6 * 33)),
    code: codes.calm,
    reason: /too many settings/,
  },
  {
    name: 'sends a PING of another length',
    send: () => encodeFrame(FrameType.ping, 0, 0, Buffer.alloc(7)),
    code: codes.frameSize,
    reason: /length/,
  },
  {
    name: 'opens the window of the connection by nothing',
    send: () => encodeWindowUpdate(0, 0),
    code: codes.protocol,
    reason: /by nothing/,
  },
  {
    name: 'opens the window of the connection too far',
    send: () => encodeWindowUpdate(0, 0x7fff_ffff),
    code: codes.flowControl,
    reason: /too large/,
  },
  {
    name: 'opens the window of a stream that nobody has begun',
    send: () => encodeWindowUpdate(99, 1),
    code: codes.protocol,
    reason: /not begun/,
  },
  { name: 'resets a stream that nobody has begun', send: () => encodeReset(99, 8), code: codes.protocol, reason: /not begun/ },
  { name: 'answers on a stream that nobody has begun', send: () => whole(99), code: codes.protocol, reason: /not begun/ },
  { name: 'begins a stream', send: () => whole(2), code: codes.protocol, reason: /not begun/ },
  {
    name: 'sends an answer twice',
    send: (id) => Buffer.concat([whole(id), whole(id)]),
    code: codes.streamClosed,
    reason: /has ended/,
  },
  {
    name: 'sends data behind the end of an answer',
    send: (id) => Buffer.concat([whole(id), encodeData(id, 'x')]),
    code: codes.streamClosed,
    reason: /has ended/,
  },
  {
    name: 'continues no head',
    send: (id) => encodeFrame(FrameType.continuation, Flag.endHeaders, id, block(0x88)),
    code: codes.protocol,
    reason: /CONTINUATION/,
  },
  {
    name: 'puts something else into a head',
    send: (id) => Buffer.concat([encodeFrame(FrameType.headers, 0, id, block(0x88)), encodePing()]),
    code: codes.protocol,
    reason: /CONTINUATION/,
  },
  {
    name: 'sends a head in very many pieces',
    send: (id) =>
      Buffer.concat([
        encodeFrame(FrameType.headers, 0, id, block(0x88)),
        ...Array.from({ length: 140 }, () => encodeFrame(FrameType.continuation, 0, id)),
      ]),
    code: codes.calm,
    reason: /too many CONTINUATION/,
  },
  {
    name: 'sends a head that does not end',
    send: (id) =>
      Buffer.concat([
        encodeFrame(FrameType.headers, 0, id, Buffer.alloc(16_000)),
        ...Array.from({ length: 20 }, () => encodeFrame(FrameType.continuation, 0, id, Buffer.alloc(16_000))),
      ]),
    code: codes.calm,
    reason: /too large a head/,
  },
  {
    name: 'pads beyond the end of a frame',
    send: (id) => Buffer.concat([head(id), encodeFrame(FrameType.data, Flag.padded, id, block(9, 0))]),
    code: codes.protocol,
    reason: /padding/,
  },
  {
    name: 'lets a stream depend on itself',
    send: (id) => encodeFrame(FrameType.priority, 0, id, Buffer.concat([uint32(id), block(1)])),
    code: codes.protocol,
    reason: /depends/,
  },
  {
    name: 'makes the table larger than it may be',
    send: (id) => encodeFrame(FrameType.headers, Flag.endHeaders, id, block(0x3f, 0xe2, 0x1f, 0x88)),
    code: codes.compression,
    reason: /unpacked/,
  },
  {
    name: 'names a field that is in no table',
    send: (id) => encodeFrame(FrameType.headers, Flag.endHeaders, id, block(0x88, 0xfe)),
    code: codes.compression,
    reason: /unpacked/,
  },
  {
    name: 'asks thousands of times whether we are there',
    send: () => Buffer.concat(Array.from({ length: 1_100 }, () => encodePing())),
    code: codes.calm,
    reason: /control frames/,
  },
];

for (const { name, send, code, reason } of connectionBreaches) {
  test(`an upstream that ${name} loses the connection, and the next request finds another`, async (t) => {
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        if (connection.index > 0) connection.send(whole(stream));
        else if (stream > 1) connection.send(send(stream));
      },
    });
    const neighbour = await ask(t, gateway, '/neighbour');
    await eventually(() => upstream.connections[0]?.streams.length === 1, 'the neighbour is there');
    void (await ask(t, gateway, '/'));
    assert.match(await neighbour.until('GH_UPSTREAM_MALFORMED_ANSWER"'), /^HTTP\/1.1 502/);
    const connection = upstream.connections[0]!;
    await eventually(() => framesOf(connection, FrameType.goaway).length === 1, 'the upstream is told');
    const [goaway] = framesOf(connection, FrameType.goaway);
    assert.deepEqual([goaway!.payload.readUInt32BE(0), goaway!.payload.readUInt32BE(4)], [0, code]);
    await (await ask(t, gateway, '/next')).until('HTTP/1.1 200');
    assert.equal(upstream.connections.length, 2);
    const lines = await gateway.stop();
    const line = lines.find((each) => each['code'] === 'GH_UPSTREAM_MALFORMED_ANSWER');
    assert.match((line!['detail'] as { reason: string }).reason, reason);
  });
}

test('frames that mean nothing, or came too late, do no harm', async (t) => {
  const { gateway, upstream } = await start(t, {
    onRequest(stream, connection) {
      if (stream === 1) return connection.send(encodeReset(1, 2));
      connection.send(
        encodeReset(1, 2),
        encodeWindowUpdate(1, 5),
        encodeFrame(0xee, 0xff, stream, Buffer.alloc(100)),
        encodeFrame(FrameType.priority, 0, 77, Buffer.concat([uint32(0), block(1)])),
        encodeFrame(FrameType.headers, Flag.endHeaders | Flag.padded, stream, block(3, 0x88, 0, 0, 0)),
        encodeData(stream, ''),
        encodeFrame(FrameType.data, Flag.padded, stream, Buffer.concat([block(4), Buffer.from('ab'), Buffer.alloc(4)])),
        encodeSettings({ 153: 1 }),
        encodeFrame(FrameType.data, Flag.padded | Flag.endStream, stream, Buffer.concat([block(0), Buffer.from('cd')])),
      );
    },
  });
  await (await ask(t, gateway, '/1')).until('GH_UPSTREAM_TRUNCATED_HEAD"');
  await (await ask(t, gateway, '/2')).until('\r\n\r\n4\r\nabcd\r\n0\r\n\r\n');
  assert.equal(upstream.connections.length, 1);
  assert.deepEqual(framesOf(upstream.connections[0]!, FrameType.goaway), []);
});

test('what still comes on a stream that was given up is passed over', async (t) => {
  const { gateway, upstream } = await start(t, {
    onRequest(stream, connection) {
      connection.send(head(stream), encodeData(stream, 'begun'));
    },
    onFrame({ type, stream }, connection) {
      if (type !== FrameType.rstStream) return;
      connection.send(encodeData(stream, 'late'), encodeHeaders(stream, ['x-a', '1'], Flag.endHeaders | Flag.endStream));
    },
  });
  const leaving = await ask(t, gateway, '/1');
  await leaving.until('begun');
  leaving.socket.resetAndDestroy();
  await eventually(() => framesOf(upstream.connections[0]!, FrameType.rstStream).length === 1, 'the stream is reset');
  await (await ask(t, gateway, '/2')).until('begun');
  assert.equal(upstream.connections.length, 1);
});

test('an answer means the same however its bytes are split', async (t) => {
  const answer = (id: number) =>
    Buffer.concat([
      encodeHeaders(id, [':status', '103', 'link', '</a>']),
      head(id, 'x-b', 'b'),
      encodeData(id, 'hel'),
      encodeFrame(FrameType.data, Flag.padded, id, Buffer.concat([block(2), Buffer.from('lo'), Buffer.alloc(2)])),
      encodeHeaders(id, ['x-sum', '1'], Flag.endHeaders | Flag.endStream),
    ]);
  let splitAt = 0;
  const { gateway, upstream } = await start(t, {
    onRequest(stream, connection) {
      const bytes = answer(stream);
      connection.send(bytes.subarray(0, splitAt));
      setImmediate(() => connection.send(bytes.subarray(splitAt)));
    },
  });
  const client = await openClient(t, gateway);
  const { length } = answer(1);
  for (splitAt = 1; splitAt < length; splitAt += 1) {
    client.send('GET / HTTP/1.1\r\nhost: shop\r\nte: trailers\r\nconnection: te\r\n\r\n');
    const text = await client.until('x-sum: 1\r\n\r\n');
    client.take();
    assert.match(text, /^HTTP\/1.1 103 .*?\r\n\r\nHTTP\/1.1 200 .*\r\nx-b: b\r\n/s);
    const body = text.slice(text.indexOf('\r\n\r\n', text.indexOf(' 200 ')) + 4).replaceAll(/(?:^|\r\n)\d\r\n/g, '');
    assert.equal(body.replaceAll('\r\n', ''), 'hellox-sum: 1');
  }
  assert.equal(upstream.connections.length, 1);
});

test('answers whose frames alternate do not mix', async (t) => {
  const letters = ['x', 'y', 'z'];
  const streams: number[] = [];
  const { gateway } = await start(t, {
    onRequest(stream, connection) {
      streams.push(stream);
      if (streams.length < letters.length) return;
      const frames: Buffer[] = streams.map((id) => head(id));
      for (let round = 0; round < 40; round++) {
        for (const [at, id] of streams.entries()) {
          // Now two in a row, now one.
          for (let i = 0; i <= (round + at) % 2; i++) frames.push(encodeData(id, letters[at]!.repeat(3_000)));
        }
      }
      for (const id of streams) frames.push(encodeData(id, '.', Flag.endStream));
      connection.send(...frames);
    },
  });
  const clients: RawClient[] = [];
  for (const letter of letters) {
    clients.push(await ask(t, gateway, `/${letter}`));
    await eventually(() => streams.length === clients.length, 'the request is there');
  }
  for (const [at, client] of clients.entries()) {
    await client.until('.\r\n0\r\n\r\n');
    const [answer] = readAnswers(client.received).answers;
    assert.equal(answer?.body, `${letters[at]!.repeat(180_000)}.`);
  }
});

test('requests that repeat themselves become short, unless the upstream wants no table', async (t) => {
  for (const [greeting, isShort] of [
    [encodeSettings(), true],
    [encodeSettings({ 1: 0 }), false],
  ] as const) {
    const { gateway, upstream } = await start(t, { greeting, onRequest: (id, connection) => connection.send(whole(id)) });
    const client = await openClient(t, gateway);
    for (let i = 0; i < 6; i++) {
      client.send(`GET /a HTTP/1.1\r\nhost: shop\r\nx-long: ${'abc'.repeat(100)}\r\n\r\n`);
      await client.until('\r\n\r\n');
      client.take();
    }
    const lengths = framesOf(upstream.connections[0]!, FrameType.headers).map(({ payload }) => payload.length);
    assert.equal(lengths.at(-1)! < lengths[0]! / 4, isShort, lengths.join());
  }
});

test('an answer that has begun goes on although its upstream says that it has not looked at the request', async (t) => {
  const { gateway, upstream } = await start(t, {
    onRequest: (stream, connection) => connection.send(head(stream), encodeData(stream, 'begun'), encodeGoaway(0, codes.none)),
  });
  const client = await ask(t, gateway, '/');
  await client.until('begun');
  upstream.connections[0]!.send(encodeData(1, 'ended', Flag.endStream));
  await client.until('ended\r\n0\r\n\r\n');
});

/** Sends an answer that its client leaves unread for now, and says how that upstream ends then. */
for (const { name, end } of [
  { name: 'resets its stream', end: (connection: RawHttp2Connection) => connection.send(encodeReset(1, codes.none)) },
  { name: 'closes the connection', end: (connection: RawHttp2Connection) => connection.destroy() },
  { name: 'breaks the rules', end: (connection: RawHttp2Connection) => connection.send(encodeWindowUpdate(0, 0)) },
]) {
  test(`an answer that is whole reaches a slow client whole, also when its upstream ${name} behind it`, async (t) => {
    const part = Buffer.alloc(16_000, 'x');
    const parts = 60;
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        connection.send(head(stream, 'content-length', String(parts * part.length)));
        connection.send(...Array.from({ length: parts - 1 }, () => encodeData(stream, part)));
        connection.send(encodeData(stream, part, Flag.endStream));
      },
      // It is sent behind the answer, so what is answered to it is, too.
      onFrame({ type, flags }, connection) {
        if (type === FrameType.ping && (flags & Flag.ack) !== 0) end(connection);
      },
    });
    const client = await openClient(t, gateway);
    client.socket.pause();
    // Of the body nothing more comes: the answer is there before its request is whole.
    client.send('POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: 10\r\n\r\n12345');
    await eventually(() => upstream.connections[0]?.streams.length === 1, 'the request is there');
    upstream.connections[0]!.send(encodePing());
    await (await ask(t, gateway, '/-/local')).until('204');
    client.socket.resume();
    const bodyBytes = () => client.received.length - client.received.indexOf('\r\n\r\n') - 4;
    await eventually(() => bodyBytes() === parts * part.length, 'the answer is there');
  });
}
