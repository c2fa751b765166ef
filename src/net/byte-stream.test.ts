import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { certificates } from '#test/support/certificates.ts';
import { ByteStream } from './byte-stream.ts';
import { ReadBuffers } from './read-buffers.ts';

for (const after of ['in-use', 'kept'] as const) {
  test(`a body buffer that is ${after} after its body is given to nobody else`, async (t) => {
    const buffers = new ReadBuffers();
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const seen: Buffer[] = [];
    const { promise: hasTwo, resolve: onTwo } = Promise.withResolvers<void>();
    const stream: ByteStream = new ByteStream(
      {
        onBytes(bytes) {
          seen.push(bytes);
          // The first read is into the shared buffer, the second into the stream's own.
          if (seen.length === 1) {
            stream.startBodyBuffer();
            stream.write('more');
          } else {
            stream.stopBodyBuffer(after);
            onTwo();
          }
        },
        onEof() {},
        onDrained() {},
        onClosed() {},
      },
      buffers,
      (onread) => ({
        socket: connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread }),
        readsDirectly: true,
      }),
    );
    const [peer] = await accepted;
    t.after(() => {
      peer.destroy();
      stream.destroy();
      server.close();
    });
    peer.on('data', () => peer.write('second'));
    peer.write('first');
    await hasTwo;
    assert.equal(buffers.isShared(seen[0]!), true);
    assert.equal(buffers.isShared(seen[1]!), false);
    assert.notEqual(buffers.borrow().buffer, seen[1]!.buffer);
  });
}

test('what was read before a pause stays as it is, though TLS goes on to hand out what it had decrypted', async (t) => {
  const buffers = new ReadBuffers();
  const server = createTlsServer(certificates.localhost, (peer) => {
    peer.on('error', () => {});
    // Several records at once.
    peer.write(randomBytes(256 * 1024));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { promise: hasComeAfterPause, resolve: onAfterPause } = Promise.withResolvers<void>();
  let reads = 0;
  let kept: Buffer | undefined;
  let copy: Buffer | undefined;
  const stream: ByteStream = new ByteStream(
    {
      onBytes(bytes, end) {
        reads += 1;
        if (reads === 1) stream.startBodyBuffer();
        // The second read is into the stream's own buffer.
        if (reads === 2) {
          kept = bytes.subarray(0, end);
          copy = Buffer.from(kept);
          stream.pause();
        }
        if (reads === 3) onAfterPause();
      },
      onEof() {},
      onDrained() {},
      onClosed() {},
    },
    buffers,
    (onread) => {
      const options = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread };
      return { socket: connectTls({ ...options, servername: 'localhost', ca: certificates.authority }), readsDirectly: true };
    },
  );
  t.after(() => {
    stream.destroy();
    server.close();
  });
  await hasComeAfterPause;
  assert.equal(buffers.isShared(kept!), false);
  assert.ok(kept!.equals(copy!));
});
