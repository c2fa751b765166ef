import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ByteStream } from './byte-stream.ts';
import { isKnownVersion, writesDirectly } from './direct-write.ts';
import { ReadBuffers } from './read-buffers.ts';

/** More than two sockets' buffers hold. */
const MUCH_BYTES = 16 * 1024 * 1024;

for (const [version, isKnown] of [
  ['24.12.0', false],
  ['26.9.1', false],
  ['26.10.0', true],
  ['26.12.3', true],
  ['27.0.0', false],
] as const) {
  test(`writes go past the socket with Node ${version}: ${isKnown}`, () => assert.equal(isKnownVersion(version), isKnown));
}

test('the Node that this runs with is one of them', () => assert.equal(writesDirectly, true));

/** A stream whose peer reads when it is told to. */
async function openPair(
  t: TestContext,
): Promise<{ stream: ByteStream; peer: Socket; drained: Promise<void>; closed: Promise<Error | undefined> }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { promise: drained, resolve: onDrained } = Promise.withResolvers<void>();
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<Error | undefined>();
  const stream = new ByteStream({ onBytes() {}, onEof() {}, onDrained, onClosed }, new ReadBuffers(), (onread) => ({
    socket: connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread }),
    readsDirectly: true,
  }));
  const [[peer]] = await Promise.all([accepted, once(stream.socket, 'connect')]);
  peer.on('error', () => {});
  t.after(() => {
    peer.destroy();
    stream.destroy();
    server.close();
  });
  return { stream, peer, drained, closed };
}

async function readAll(peer: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of peer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('what the operating system takes is written, and nothing of it passes the socket', async (t) => {
  const { stream, peer } = await openPair(t);
  assert.equal(stream.write('text \xe9'), true);
  assert.equal(stream.write(Buffer.from(' and bytes')), true);
  assert.equal(stream.isWritePending, false);
  assert.equal(stream.socket.writableLength, 0);
  stream.end();
  assert.equal((await readAll(peer)).toString('latin1'), 'text \xe9 and bytes');
});

for (const kind of ['text', 'bytes'] as const) {
  test(`${kind} that a slow peer has not taken: its end is told, and later writes and the end of the stream follow`, async (t) => {
    const { stream, peer, drained } = await openPair(t);
    const much = Buffer.alloc(MUCH_BYTES, 'abcdefg');
    assert.equal(stream.write(kind === 'text' ? much.toString('latin1') : much), false);
    assert.equal(stream.isWritePending, true);
    assert.ok(stream.unsentBytes > 0);
    // Nobody should, but somebody may.
    assert.equal(stream.write('behind'), false);
    stream.write(Buffer.from(' it'));
    const read = readAll(peer);
    await drained;
    assert.equal(stream.isWritePending, false);
    assert.equal(stream.write(Buffer.alloc(MUCH_BYTES, 'z')), false);
    stream.end();
    const seen = await read;
    assert.ok(seen.equals(Buffer.concat([much, Buffer.from('behind it'), Buffer.alloc(MUCH_BYTES, 'z')])));
  });
}

test('a peer that resets ends the stream with the reason, whether a write waits or not', async (t) => {
  for (const waits of [true, false]) {
    const { stream, peer, closed } = await openPair(t);
    if (waits) assert.equal(stream.write(Buffer.alloc(MUCH_BYTES)), false);
    // Without reading, only a write can find out.
    stream.pause();
    peer.resetAndDestroy();
    await once(peer, 'close');
    if (!waits) stream.write('to nobody');
    const error = (await closed) as NodeJS.ErrnoException;
    assert.match(error.code ?? '', /^(ECONNRESET|EPIPE)$/);
  }
});

test('a stream that is destroyed while a write waits closes once and without an error', async (t) => {
  const { stream, closed } = await openPair(t);
  assert.equal(stream.write(Buffer.alloc(MUCH_BYTES)), false);
  stream.destroy();
  assert.equal(await closed, undefined);
  assert.doesNotThrow(() => stream.write('too late'));
});
