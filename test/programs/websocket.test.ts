import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

/** A server that echoes, behind a gateway. */
async function start(
  t: TestContext,
  onConnection?: (socket: WebSocket) => void,
): Promise<{ gateway: TestGateway; server: WebSocketServer }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  server.on(
    'connection',
    onConnection ?? ((socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))),
  );
  await once(server, 'listening');
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] },
    gateway: {
      listeners: {
        web: { address: '127.0.0.1:0' },
        secure: {
          address: '127.0.0.1:0',
          tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] },
        },
      },
    },
  });
  return { gateway, server };
}

async function connect(t: TestContext, url: string, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols, { ca: certificates.authority });
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

async function echo(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answered = once(socket, 'message') as Promise<[RawData, boolean]>;
  socket.send(message);
  const [data, isBinary] = await answered;
  assert.equal(isBinary, typeof message !== 'string');
  return data as Buffer;
}

for (const scheme of ['ws', 'wss'] as const) {
  test(`${scheme}: messages of all sizes come back as they were sent`, async (t) => {
    const { gateway } = await start(t);
    const port = gateway.port(scheme === 'ws' ? 'web' : 'secure');
    const socket = await connect(t, `${scheme}://localhost:${port}/`.replace('ws://localhost', 'ws://127.0.0.1'));
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 8 * 1024 * 1024]) {
      const bytes = Buffer.alloc(size, 'gatehouse');
      assert.ok((await echo(socket, bytes)).equals(bytes), `${size} bytes`);
    }
    assert.equal((await echo(socket, 'grüße')).toString(), 'grüße');
  });
}

test('the close code and reason of the client reach the server, and its own come back', async (t) => {
  let closed: [number, string] | undefined;
  const { gateway } = await start(t, (socket) => {
    socket.on('close', (code, reason) => {
      closed = [code, reason.toString()];
    });
  });
  const socket = await connect(t, `ws://127.0.0.1:${gateway.port()}/`);
  socket.close(4001, 'enough');
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [4001, 'enough']);
  await eventually(() => closed !== undefined, 'the server has heard of it');
  assert.deepEqual(closed, [4001, 'enough']);
});

test('the close code and reason of the server reach the client', async (t) => {
  const { gateway } = await start(t, (socket) => socket.close(4321, 'over'));
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port()}/`);
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [4321, 'over']);
});

test('a server that says something at once is heard', async (t) => {
  const { gateway } = await start(t, (socket) => socket.send('welcome'));
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port()}/`);
  t.after(() => socket.terminate());
  const [data] = (await once(socket, 'message')) as [Buffer];
  assert.equal(data.toString(), 'welcome');
});

test('the sub-protocol is agreed on by client and server', async (t) => {
  const { gateway, server } = await start(t);
  server.options.handleProtocols = (protocols) => [...protocols].at(-1) ?? false;
  const socket = await connect(t, `ws://127.0.0.1:${gateway.port()}/`, ['one', 'two']);
  assert.equal(socket.protocol, 'two');
});

test('pings and pongs pass', async (t) => {
  const { gateway } = await start(t);
  const socket = await connect(t, `ws://127.0.0.1:${gateway.port()}/`);
  socket.ping('are you there');
  const [data] = (await once(socket, 'pong')) as [Buffer];
  assert.equal(data.toString(), 'are you there');
});

test('a server that refuses is heard', async (t) => {
  const { gateway, server } = await start(t);
  server.options.verifyClient = (_info: unknown, decide: (accepted: boolean, status: number) => void) => decide(false, 403);
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port()}/`);
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /403/);
});

test('forty sockets at once each get their own messages', async (t) => {
  const { gateway } = await start(t);
  const sockets = await Promise.all(Array.from({ length: 40 }, () => connect(t, `ws://127.0.0.1:${gateway.port()}/`)));
  const answers = await Promise.all(sockets.map(async (socket, index) => (await echo(socket, `message ${index}`)).toString()));
  assert.deepEqual(
    answers,
    sockets.map((_, index) => `message ${index}`),
  );
});
