// Windows and turns of HTTP/2 (RFC 9113 §5.2, §6.9): who gets how much of a connection, and how much either side may hold.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { type Forwarding, type ForwardingOptions, onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { encodeData, encodeSettings, encodeWindowUpdate, Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';

const INITIAL_WINDOW = 4;
const FRAME_BYTES_MAX = 5;
const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const AMPLE = 0x7000_0000;

/** Answers with as many bytes as the path says. */
function startSized(t: TestContext, options: ForwardingOptions = {}): Promise<Forwarding> {
  const answer = onEachRequest((connection, head) => {
    const length = Number(/^GET \/(\d+)/m.exec(head.split('\r\n\r\n').at(-1)!)![1]);
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
    connection.socket.write(Buffer.alloc(length, 'x'));
  });
  return startForwarding(t, answer, options);
}

async function open(t: TestContext, { gateway }: Forwarding, settings: Record<number, number> = {}): Promise<RawHttp2Client> {
  return await RawHttp2Client.open(t, { port: gateway.port(), settings });
}

function receivedBytes(client: RawHttp2Client, stream: number): number {
  let bytes = 0;
  for (const frame of client.frames) if (frame.stream === stream && frame.type === FrameType.data) bytes += frame.payload.length;
  return bytes;
}

/** Everything that the gateway had to say by now has come. */
async function settle(client: RawHttp2Client, forwarding: Forwarding): Promise<void> {
  await forwarding.settle();
  const before = client.frames.length;
  client.send(encodeSettings());
  await eventually(
    () => client.frames.slice(before).some(({ type, flags }) => type === FrameType.settings && flags === 1),
    'an answer',
  );
}

test('an answer comes as far as the window of its stream, and goes on by as much as that is opened', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 10 });
  client.ask(1, '/100');
  let expected = 10;
  for (const increment of [0, 1, 25, 64]) {
    if (increment > 0) client.send(encodeWindowUpdate(1, increment));
    expected = Math.min(100, expected + increment);
    await eventually(() => receivedBytes(client, 1) >= expected, `${expected} bytes have come`);
    await settle(client, forwarding);
    assert.equal(receivedBytes(client, 1), expected);
  }
  await client.untilAnswered(1);
});

test('answers come as far as the window of the connection, in turns, and go on by as much as that is opened', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: AMPLE });
  const streams = [1, 3, 5];
  for (const stream of streams) client.ask(stream, '/100000');
  const sum = () => streams.reduce((bytes, stream) => bytes + receivedBytes(client, stream), 0);
  await eventually(() => sum() === 65_535, 'the window is full');
  await settle(client, forwarding);
  assert.equal(sum(), 65_535);
  client.send(encodeWindowUpdate(0, 3 * 16_384));
  await eventually(() => sum() === 65_535 + 3 * 16_384, 'what was asked for has come');
  for (const stream of streams) assert.ok(receivedBytes(client, stream) >= 16_384, 'each has had a turn');
  client.send(encodeWindowUpdate(0, AMPLE));
  for (const stream of streams) await client.untilAnswered(stream);
  assert.equal(sum(), 300_000);
});

test('a window that the client makes smaller while an answer comes counts from its beginning', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 1_000 });
  client.ask(1, '/5000');
  await eventually(() => receivedBytes(client, 1) === 1_000, 'the window is full');
  // 1000 less than nothing.
  client.send(encodeSettings({ [INITIAL_WINDOW]: 0 }));
  client.send(encodeWindowUpdate(1, 1_000));
  await settle(client, forwarding);
  assert.equal(receivedBytes(client, 1), 1_000);
  client.send(encodeWindowUpdate(1, 1));
  await eventually(() => receivedBytes(client, 1) === 1_001, 'one byte has come');
  client.ask(3, '/3');
  await settle(client, forwarding);
  assert.equal(receivedBytes(client, 3), 0);
  client.send(encodeSettings({ [INITIAL_WINDOW]: 4_999 }));
  await client.untilAnswered(1);
  await client.untilAnswered(3);
  assert.deepEqual([receivedBytes(client, 1), receivedBytes(client, 3)], [5_000, 3]);
});

test('an answer without a body needs no window, nor does the end of one that has been sent', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 0 });
  client.ask(1, '/0');
  await client.untilAnswered(1);
  client.ask(3, '/4');
  client.send(encodeWindowUpdate(3, 4));
  await client.untilAnswered(3);
  assert.equal(client.bodyOf(3), 'xxxx');
});

test('frames of an answer are 16 KiB at most, whatever the client would take', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: AMPLE, [FRAME_BYTES_MAX]: 1_000_000 });
  client.send(encodeWindowUpdate(0, AMPLE));
  client.ask(1, '/300000');
  client.send(encodeSettings({ [FRAME_BYTES_MAX]: 16_384 }));
  client.ask(3, '/300000');
  await client.untilAnswered(1);
  await client.untilAnswered(3);
  assert.deepEqual([receivedBytes(client, 1), receivedBytes(client, 3)], [300_000, 300_000]);
  assert.ok(client.frames.every(({ payload }) => payload.length <= 16_384));
});

const badSettings: readonly (readonly [what: string, settings: Record<number, number>, code: number])[] = [
  ['frames that are smaller than they may be', { [FRAME_BYTES_MAX]: 16_383 }, PROTOCOL_ERROR],
  ['frames that are larger than they may be', { [FRAME_BYTES_MAX]: 0x100_0000 }, PROTOCOL_ERROR],
  ['a window that is larger than it may be', { [INITIAL_WINDOW]: 0x8000_0000 }, FLOW_CONTROL_ERROR],
  ['a push that is neither on nor off', { 2: 2 }, PROTOCOL_ERROR],
];

for (const [what, settings, code] of badSettings) {
  test(`a client that asks for ${what} loses its connection`, async (t) => {
    const forwarding = await startSized(t);
    const client = await open(t, forwarding);
    client.send(encodeSettings(settings));
    await client.untilClosed();
    assert.equal(client.goaway?.code, code);
  });
}

test('windows that are opened too far end their stream, or the connection', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 10 });
  client.ask(1, '/100');
  await eventually(() => receivedBytes(client, 1) === 10, 'the window is full');
  client.send(encodeWindowUpdate(1, 0x7fff_ffff), encodeWindowUpdate(1, 0x7fff_ffff));
  await eventually(() => client.resetCodeOf(1) === FLOW_CONTROL_ERROR, 'the stream is reset');
  assert.equal(client.isClosed, false);
  client.send(encodeWindowUpdate(0, 0x7fff_ffff));
  await client.untilClosed();
  assert.equal(client.goaway?.code, FLOW_CONTROL_ERROR);
});

test('a small answer does not wait for the end of a large one', async (t) => {
  const LARGE_BYTES = 64 * 1024 * 1024;
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: AMPLE });
  client.send(encodeWindowUpdate(0, AMPLE));
  client.ask(1, `/${LARGE_BYTES}`);
  await eventually(() => receivedBytes(client, 1) > 100_000, 'the large answer comes');
  client.ask(3, '/3');
  await client.untilAnswered(3);
  assert.ok(client.frames.every(({ stream, flags }) => stream !== 1 || (flags & Flag.endStream) === 0));
  client.socket.destroy();
});

test('large answers have their turns', async (t) => {
  const LARGE_BYTES = 4 * 1024 * 1024;
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 0 });
  const streams = [1, 3, 5, 7];
  for (const stream of streams) client.ask(stream, `/${LARGE_BYTES}`);
  await eventually(() => streams.every((stream) => client.statusOf(stream) === 200), 'all have begun');
  client.send(encodeSettings({ [INITIAL_WINDOW]: AMPLE }), encodeWindowUpdate(0, AMPLE));
  await client.untilAnswered(1);
  // When the first has ended, the others are not far behind.
  const end = client.frames.findIndex(({ stream, flags, type }) => stream === 1 && type === FrameType.data && (flags & 1) !== 0);
  const before = client.frames.slice(0, end);
  for (const stream of streams) {
    const frames = before.filter((frame) => frame.type === FrameType.data && frame.stream === stream).length;
    assert.ok(frames > 0.5 * (LARGE_BYTES / 16_384), `${frames} frames of stream ${stream}`);
  }
});

test('uploads that nobody takes are held as far as the window of the connection, and go on when they are taken', async (t) => {
  const WINDOW_BYTES = 64 * 1024;
  const CONNECTION_BYTES = 128 * 1024;
  const http2 = { windowBytes: '64KiB', connectionWindowBytes: '128KiB' };
  let receivedBytes = 0;
  const forwarding = await startForwarding(
    t,
    (connection, chunk) => {
      receivedBytes += chunk.length;
      if (connection.received.endsWith('the end')) connection.send('HTTP/1.1 204 No Content\r\n\r\n');
    },
    {
      gateway: { listeners: { web: { address: '127.0.0.1:0', http2 } } },
      service: { pool: { connections: 1, queueTimeout: '60s' } },
    },
  );
  const client = await open(t, forwarding);
  const opened = (stream: number) => {
    const updates = client.frames.filter((frame) => frame.type === FrameType.windowUpdate && frame.stream === stream);
    return updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
  };
  const before = opened(0);
  assert.equal(before, CONNECTION_BYTES - 65_535);
  client.ask(1, '/slow', { method: 'GET' });
  await eventually(() => receivedBytes > 0, 'the one connection is in use');
  for (const stream of [3, 5]) {
    client.ask(stream, '/upload', { method: 'POST', fields: ['content-length', `${WINDOW_BYTES + 7}`], isWhole: false });
    for (let sent = 0; sent < WINDOW_BYTES; sent += 16_384) client.send(encodeData(stream, Buffer.alloc(16_384)));
  }
  await settle(client, forwarding);
  assert.deepEqual([opened(0), opened(3), opened(5)], [before, 0, 0]);
  forwarding.upstream.connections[0]!.send('HTTP/1.1 204 No Content\r\n\r\n');
  for (const stream of [3, 5]) {
    await eventually(() => opened(stream) > 0, 'more may be sent');
    client.send(encodeData(stream, 'the end', Flag.endStream));
    await client.untilAnswered(stream);
    assert.equal(client.statusOf(stream), 204);
  }
  assert.ok(opened(0) - before >= CONNECTION_BYTES / 2);
});

const excesses: readonly (readonly [what: string, streams: readonly number[], end: object])[] = [
  ['its stream', [1], { reset: FLOW_CONTROL_ERROR, goaway: undefined }],
  ['the connection', [1, 3, 5], { reset: undefined, goaway: FLOW_CONTROL_ERROR }],
];

for (const [what, streams, end] of excesses) {
  test(`data beyond the window of ${what} ends that`, async (t) => {
    const http2 = { windowBytes: '64KiB', connectionWindowBytes: '128KiB' };
    const forwarding = await startForwarding(t, () => undefined, {
      gateway: { listeners: { web: { address: '127.0.0.1:0', http2 } } },
      service: { pool: { connections: 1, queueTimeout: '60s' } },
    });
    const client = await open(t, forwarding);
    client.ask(99, '/slow');
    await eventually(() => forwarding.upstream.connections.length === 1, 'the one connection is in use');
    for (const stream of streams) {
      client.ask(100 + stream, '/upload', { method: 'POST', isWhole: false });
      for (let sent = 0; sent < 65_536; sent += 16_384) client.send(encodeData(100 + stream, Buffer.alloc(16_384)));
    }
    if (streams.length === 1) client.send(encodeData(101, 'x'));
    const isOver = () => client.resetCodeOf(101) !== undefined || client.goaway !== undefined;
    await eventually(isOver, 'the gateway has had enough');
    assert.deepEqual({ reset: client.resetCodeOf(101), goaway: client.goaway?.code }, end);
  });
}

test('data that nobody uses is given back to the window of the connection', async (t) => {
  const http2 = { windowBytes: '64KiB', connectionWindowBytes: '64KiB' };
  const forwarding = await startForwarding(t, () => undefined, {
    gateway: { listeners: { web: { address: '127.0.0.1:0', http2 } } },
  });
  const client = await open(t, forwarding);
  // Of each kind more than the window has room for: beyond what was announced, and padding.
  for (let stream = 1; stream < 21; stream += 2) {
    client.ask(stream, '/upload', { method: 'POST', fields: ['content-length', '1'], isWhole: false });
    client.send(encodeData(stream, Buffer.alloc(16_384)));
    await client.untilAnswered(stream);
    assert.equal(client.resetCodeOf(stream), PROTOCOL_ERROR);
  }
  client.ask(21, '/upload', { method: 'POST', isWhole: false });
  const padded = Buffer.alloc(257);
  padded[0] = 255;
  for (let i = 0; i < 300; i++) client.send(encodeData(21, padded, Flag.padded));
  await settle(client, forwarding);
  assert.deepEqual([client.goaway, client.resetCodeOf(21)], [undefined, undefined]);
});

test('a client that goes away in the middle of an answer leaves nothing behind', async (t) => {
  const forwarding = await startSized(t);
  const client = await open(t, forwarding, { [INITIAL_WINDOW]: 100_000 });
  for (const stream of [1, 3]) client.ask(stream, '/10000000');
  await eventually(() => receivedBytes(client, 1) + receivedBytes(client, 3) === 65_535, 'the window is full');
  client.socket.resetAndDestroy();
  const { connections } = forwarding.upstream;
  await eventually(() => connections.every(({ socket }) => socket.closed), 'the upstream is left');
  const lines = await forwarding.gateway.stop();
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]),
    [
      [200, 'GH_CLIENT_GONE'],
      [200, 'GH_CLIENT_GONE'],
    ],
  );
});

test('a client that does not read is not read either, so that its answers do not pile up', async (t) => {
  const COUNT = 4_000;
  const forwarding = await startForwarding(t, () => undefined, {
    gateway: { listeners: { web: { address: '127.0.0.1:0', http2: { streams: 10_000 } } } },
    route: {
      match: { path: '/large' },
      to: { respond: { status: 204 } },
      policies: { headers: { response: { set: { 'x-large': 'v'.repeat(8_000) } } } },
    },
  });
  const client = await open(t, forwarding);
  client.socket.pause();
  const fields = ['x-large', 'v'.repeat(4_000)];
  for (let i = 0; i < COUNT; i++) client.ask(2 * i + 1, '/large', { fields });
  const leftBytes = () => client.socket.bytesWritten - client.socket.writableLength;
  await eventually(() => leftBytes() > 1_000_000, 'the gateway reads');
  // Until the gateway takes nothing more, however long one waits.
  for (let before = -1; before !== leftBytes(); ) {
    before = leftBytes();
    for (let turn = 0; turn < 20; turn++) await forwarding.settle();
  }
  assert.ok(client.socket.writableLength > 0, 'the gateway has read everything');
  client.socket.resume();
  await client.untilAnswered(2 * COUNT - 1);
  assert.equal(client.frames.filter(({ type }) => type === FrameType.headers).length, COUNT);
});
