import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test from 'node:test';
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
