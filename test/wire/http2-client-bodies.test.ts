// Bodies of HTTP/2 clients, frame by frame: what breaks off never looks whole, and who does not read holds little.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { encodeData, encodeReset, encodeWindowUpdate, Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const post = { method: 'POST', isWhole: false };
const NO_ERROR = 0;
const PROTOCOL_ERROR = 1;
const INTERNAL_ERROR = 2;
const CANCEL = 8;

const breakings: readonly (readonly [how: string, breakOff: (client: RawHttp2Client) => void])[] = [
  ['with CANCEL', (client) => client.send(encodeReset(1, CANCEL))],
  ['without an error', (client) => client.send(encodeReset(1, NO_ERROR))],
  ['by leaving', (client) => void client.socket.destroy()],
  ['by a reset of its connection', (client) => void client.socket.resetAndDestroy()],
  ['by ending its side of the connection', (client) => void client.socket.end()],
];

for (const [how, breakOff] of breakings) {
  test(`a body that the client breaks off ${how} is broken off at the upstream at once`, async (t) => {
    const forwarding = await startForwarding(t, () => undefined);
    const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
    client.ask(1, '/upload', post);
    client.send(encodeData(1, 'begun'));
    const { connections } = forwarding.upstream;
    await eventually(() => connections[0]?.received.endsWith('5\r\nbegun\r\n') === true, 'the upstream has the beginning');
    breakOff(client);
    await eventually(() => connections[0]!.socket.closed, 'the upstream is left');
    // The last chunk would make it whole.
    assert.match(connections[0]!.received, /\r\n\r\n5\r\nbegun\r\n$/);
    const [line] = await forwarding.gateway.stop();
    assert.deepEqual([line!['status'], line!['code'], line!['requestBytes']], [499, 'GH_CLIENT_GONE', 5]);
  });
}

test('a request that is broken off in the packet that brought it never reaches an upstream', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.socket.cork();
  client.ask(1, '/never');
  client.send(encodeReset(1, CANCEL));
  client.ask(3, '/next');
  client.socket.uncork();
  await client.untilAnswered(3);
  assert.equal(forwarding.upstream.connections.length, 1);
  assert.doesNotMatch(forwarding.upstream.connections[0]!.received, /never/);
  const lines = await forwarding.gateway.stop();
  assert.deepEqual(lines.map(({ target, status }) => [target, status]).sort(), [
    ['/never', 499],
    ['/next', 200],
  ]);
});

const brokenAnswers: readonly (readonly [what: string, head: string, fields: readonly string[]])[] = [
  ['of known length', 'content-length: 10', []],
  ['of unknown length', 'transfer-encoding: chunked', []],
  ['of unknown length to a client that takes trailers', 'transfer-encoding: chunked', ['te', 'trailers']],
];

for (const [what, head, fields] of brokenAnswers) {
  test(`an answer ${what} that the upstream breaks off is reset, and never ended`, async (t) => {
    const forwarding = await startForwarding(
      t,
      onEachRequest((connection) => {
        connection.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${head.startsWith('transfer') ? '3\r\nabc\r\n' : 'abc'}`);
      }),
    );
    const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
    client.ask(1, '/', { fields });
    await eventually(() => client.bodyOf(1) === 'abc', 'the client has the beginning');
    forwarding.upstream.connections[0]!.socket.destroy();
    await client.untilAnswered(1);
    assert.equal(client.resetCodeOf(1), INTERNAL_ERROR);
    assert.ok(client.frames.every(({ type, flags }) => type !== FrameType.data || (flags & Flag.endStream) === 0));
    client.ask(3, '/');
    await eventually(() => client.statusOf(3) === 200, 'the connection goes on');
    client.send(encodeReset(3, CANCEL));
  });
}

test('what a client does not read is not read of the upstream, and the rest of the connection goes on', async (t) => {
  const ANSWER_BYTES = 64 * 1024 * 1024;
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      if (head.includes(' /small ')) return void connection.send(ok);
      connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${ANSWER_BYTES}\r\n\r\n`);
      connection.socket.write(Buffer.alloc(ANSWER_BYTES));
    }),
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  // The window of the connection is opened, and that of the stream is not.
  client.send(encodeWindowUpdate(0, 1_000_000));
  client.ask(1, '/large');
  const received = () => client.frames.reduce((sum, { stream, payload }) => sum + (stream === 1 ? payload.length : 0), 0);
  await eventually(() => received() > 65_000, 'the window is full');
  client.ask(3, '/small');
  await client.untilAnswered(3);
  assert.equal(client.bodyOf(3), 'ok');
  // What the sockets' buffers and one read buffer of ours take.
  const { socket } = forwarding.upstream.connections[0]!;
  await eventually(() => socket.writableLength > ANSWER_BYTES / 2, 'the upstream waits');
  client.send(encodeWindowUpdate(0, 0x7000_0000), encodeWindowUpdate(1, 0x7000_0000));
  await client.untilAnswered(1);
  const data = client.frames.filter(({ stream, type }) => stream === 1 && type === FrameType.data);
  assert.equal(
    data.reduce((sum, { payload }) => sum + payload.length, 0),
    ANSWER_BYTES,
  );
});

test('what the upstream does not read is not read of the client', async (t) => {
  const WINDOW_BYTES = 64 * 1024;
  let upload: UpstreamConnection | undefined;
  const forwarding = await startForwarding(
    t,
    (connection) => {
      if (upload === undefined) connection.socket.pause();
      upload = connection;
    },
    { gateway: { listeners: { web: { address: '127.0.0.1:0', http2: { windowBytes: '64KiB' } } } } },
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/upload', post);
  let windowBytes = WINDOW_BYTES;
  let seenFrames = 0;
  let sentBytes = 0;
  const countWindow = () => {
    for (const { type, stream, payload } of client.frames.slice(seenFrames))
      if (type === FrameType.windowUpdate && stream === 1) windowBytes += payload.readUInt32BE(0);
    seenFrames = client.frames.length;
  };
  const send = () => {
    countWindow();
    while (windowBytes >= 16_384) {
      client.send(encodeData(1, Buffer.alloc(16_384)));
      windowBytes -= 16_384;
      sentBytes += 16_384;
    }
  };
  send();
  await eventually(() => upload !== undefined, 'the upstream has the head');
  // Until nothing more may be sent, however long one waits: the window stays shut.
  for (let before = -1; before !== sentBytes; ) {
    before = sentBytes;
    for (let turn = 0; turn < 20; turn++) await forwarding.settle();
    send();
  }
  assert.ok(sentBytes < 16 * 1024 * 1024, `${sentBytes} bytes were taken`);
  upload!.socket.resume();
  await eventually(() => {
    countWindow();
    return windowBytes > 0;
  }, 'the window is opened again');
  client.send(encodeReset(1, CANCEL));
});

test('many uploads that are refused early leave the connection as it is', async (t) => {
  const forwarding = await startForwarding(t, () => undefined, {
    route: { match: { path: '/full' }, to: { respond: { status: 413 } } },
  });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const COUNT = 300;
  for (let i = 0; i < COUNT; i++) {
    const stream = 2 * i + 1;
    client.ask(stream, '/full', post);
    client.send(encodeData(stream, 'some'));
    await client.until((frame) => frame.stream === stream && (frame.flags & Flag.endStream) !== 0, 'the answer');
    // On its way already when the gateway has said that it wants no more.
    client.send(encodeData(stream, 'more'), encodeData(stream, 'and more'));
    await eventually(() => client.resetCodeOf(stream) === NO_ERROR, 'the client is asked not to go on');
  }
  assert.equal(client.isClosed, false);
  assert.equal(client.goaway, undefined);
});

test('an upload that is refused early and comes to its end all the same gets the whole answer', async (t) => {
  const forwarding = await startForwarding(t, () => undefined, {
    route: { match: { path: '/full' }, to: { respond: { status: 413, text: 'too much' } } },
  });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port(), settings: { 4: 0 } });
  client.ask(1, '/full', { ...post, fields: ['content-length', '8'] });
  await client.until(({ stream }) => stream === 1, 'the head of the answer');
  client.send(encodeData(1, 'some'), encodeData(1, 'more', Flag.endStream));
  client.ask(3, '/full', { ...post, fields: ['content-length', '4'] });
  client.send(encodeData(3, 'and more'));
  await client.untilAnswered(3);
  assert.equal(client.resetCodeOf(3), PROTOCOL_ERROR);
  client.send(encodeWindowUpdate(1, 100));
  await client.untilAnswered(1);
  await forwarding.settle();
  assert.deepEqual([client.statusOf(1), client.bodyOf(1), client.resetCodeOf(1)], [413, 'too much', undefined]);
});

/** Time passes for the gateway while the client does what it does. */
async function startSlow(t: Parameters<typeof startForwarding>[0], onRequest: (connection: UpstreamConnection) => void) {
  const clock = new FakeClock();
  const timeouts = { head: '1s', bodyIdle: '20s', keepAlive: '100s' } as const;
  const forwarding = await startForwarding(t, onEachRequest(onRequest), {
    clock,
    gateway: { listeners: { web: { address: '127.0.0.1:0', timeouts } } },
  });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  return { forwarding, client };
}

const LARGE_BYTES = 4 * 1024 * 1024;

function sendLarge(connection: UpstreamConnection): void {
  connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE_BYTES}\r\n\r\n`);
  connection.socket.write(Buffer.alloc(LARGE_BYTES));
}

test('a client that reads nothing of its answer for a while loses it, and keeps its connection', async (t) => {
  const { forwarding, client } = await startSlow(t, sendLarge);
  client.ask(1, '/large');
  await eventually(() => client.bodyOf(1).length >= 65_535, 'the window is full');
  await forwarding.advance(21_000);
  await client.untilAnswered(1);
  assert.equal(client.resetCodeOf(1), INTERNAL_ERROR);
  await eventually(() => forwarding.upstream.connections[0]!.socket.closed, 'the upstream is left');
  assert.equal(client.isClosed, false);
  const [line] = (await forwarding.gateway.stop()).filter(({ target }) => target === '/large');
  assert.equal(line!['code'], 'GH_CLIENT_REPLY_TIMEOUT');
});

test('a client that reads slowly gets its answer', async (t) => {
  const { forwarding, client } = await startSlow(t, sendLarge);
  client.ask(1, '/large');
  let readBytes = 65_535;
  await eventually(() => client.bodyOf(1).length >= readBytes, 'the window is full');
  for (let i = 0; i < 6; i++) {
    await forwarding.advance(15_000);
    client.send(encodeWindowUpdate(0, 65_536), encodeWindowUpdate(1, 65_536));
    readBytes += 65_536;
    await eventually(() => client.bodyOf(1).length >= readBytes, 'what was asked for has come');
  }
  client.send(encodeWindowUpdate(0, LARGE_BYTES), encodeWindowUpdate(1, LARGE_BYTES));
  await client.untilAnswered(1);
  assert.equal(client.bodyOf(1).length, LARGE_BYTES);
});

test('a body that stands still is answered 408', async (t) => {
  const { forwarding, client } = await startSlow(t, () => undefined);
  client.ask(1, '/upload', post);
  client.send(encodeData(1, 'begun'));
  await eventually(() => forwarding.upstream.connections[0]?.received.includes('begun') === true, 'the upstream has it');
  await forwarding.advance(15_000);
  client.send(encodeData(1, 'a little'));
  await eventually(() => forwarding.upstream.connections[0]!.received.includes('a little'), 'the upstream has more');
  await forwarding.advance(15_000);
  assert.equal(client.statusOf(1), undefined);
  await forwarding.advance(10_000);
  await client.untilAnswered(1);
  assert.equal(client.statusOf(1), 408);
  assert.match(client.bodyOf(1), /GH_CLIENT_BODY_TIMEOUT/);
  await eventually(() => client.resetCodeOf(1) === NO_ERROR, 'the client is asked not to go on');
});
