/** An address at which connecting takes for ever: its queue of connections that nobody accepts is full. Linux only. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

// Its thread listens and then stops for good, so it accepts nothing.
const listening = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer();
  server.listen({ host: workerData.host, port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

export async function startBlackhole(t: TestContext, host = '127.0.0.1', port = 0): Promise<{ readonly port: number }> {
  const worker = new Worker(listening, { eval: true, workerData: { host, port } });
  const sockets: Socket[] = [];
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await worker.terminate();
  });
  const [bound] = (await once(worker, 'message')) as [number];
  // Connections until one is not made: the queue is full then.
  let isFull = false;
  while (!isFull) {
    const socket = connect({ host, port: bound });
    sockets.push(socket);
    socket.on('error', () => {
      // The end of the worker's thread resets it.
    });
    isFull = !(await isMadeSoon(socket));
  }
  return { port: bound };
}

/** On the loopback interface a connection that can be made is made within a millisecond or so. */
function isMadeSoon(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    // Where this process has stood still, the connection may be made although it has not heard of it: it listens once more.
    socket.setTimeout(100, () => setImmediate(() => resolve(!socket.connecting)));
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(true);
    });
  });
}
