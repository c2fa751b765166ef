/** Clients at unix sockets, which cannot be reset. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

async function start(t: TestContext, input: Partial<GatewayInput>, listener: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'web.sock');
  const gateway = await startTestGateway({ ...input, listeners: { web: { address: `unix:${path}`, ...listener } } });
  t.after(() => gateway.stop());
  return { gateway, path };
}

function open(t: TestContext, path: string) {
  const socket = connect(path);
  t.after(() => socket.destroy());
  const client = { socket, received: '', isClosed: false };
  socket.setEncoding('latin1').on('data', (text: string) => {
    client.received += text;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    client.isClosed = true;
  });
  return client;
}

test('one beyond the cap of the listener is closed, and those that are there stay', async (t) => {
  const routes = { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } };
  const { gateway, path } = await start(t, { routes }, { maxConnections: 1 });
  const first = open(t, path);
  first.socket.write('GET /one HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => first.received.endsWith('here'), 'the first one has its answer');
  const second = open(t, path);
  await eventually(() => second.isClosed, 'the second one is closed');
  first.received = '';
  first.socket.write('GET /two HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => first.received.endsWith('here'), 'the first one is still answered');
  assert.deepEqual(
    gateway.events.map(({ message, fields }) => [message, fields?.['cap']]),
    [['connection refused', 'listener']],
  );
});

test('an answer whose end is that of the connection is ended where the service breaks off', async (t) => {
  const service = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'));
  });
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  t.after(() => service.close());
  const { port } = service.address() as AddressInfo;
  const { gateway, path } = await start(t, {
    services: { shop: { endpoints: [`http://127.0.0.1:${port}`] } },
    routes: { all: { match: { path: '/*' }, to: 'shop' } },
  });
  const connected = once(service, 'connection');
  const client = open(t, path);
  client.socket.write('GET / HTTP/1.0\r\nhost: a\r\n\r\n');
  const [upstream] = (await connected) as [Socket];
  await eventually(() => client.received.endsWith('hello'), 'the client has what there is');
  upstream.destroy();
  await eventually(() => client.isClosed, 'the client is let go');
  const [line] = await gateway.stop();
  assert.equal(line?.['code'], 'GH_UPSTREAM_TRUNCATED_BODY');
});
