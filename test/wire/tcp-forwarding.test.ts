import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startBlackhole } from '#test/support/blackhole.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];
type ListenerInput = GatewayInput['listeners'][string];

interface Setting {
  readonly service: ServiceInput;
  readonly listener?: Partial<ListenerInput>;
}

/** A gateway whose listener `bytes` passes everything to one service. */
async function startGateway(t: TestContext, { service, listener }: Setting): Promise<TestGateway> {
  const gateway = await startTestGateway({
    listeners: { bytes: { address: '127.0.0.1:0', tcp: { to: 'upstream' }, ...listener } },
    services: { upstream: service },
  });
  t.after(() => gateway.stop());
  return gateway;
}

async function startUpstream(t: TestContext, onData: Parameters<typeof startRawUpstream>[0] = () => {}): Promise<RawUpstream> {
  const upstream = await startRawUpstream(onData);
  t.after(() => upstream.close());
  return upstream;
}

async function open(t: TestContext, gateway: TestGateway, localAddress?: string): Promise<RawClient> {
  const client = await RawClient.open(gateway.port('bytes'), '127.0.0.1', localAddress);
  t.after(() => client.close());
  return client;
}

const tcpUrl = ({ port }: { readonly port: number }) => `tcp://127.0.0.1:${port}`;

/** A port at which nobody listens. */
async function findClosedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('bytes of any kind go both ways, and the log has one line for the connection', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => connection.send(`<${chunk}>`));
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream)] } });
  const client = await open(t, gateway);
  client.send('Q\0\0\0\x0dselect\0');
  await client.until('<Q\0\0\0\x0dselect\0>');
  client.send('GET / HTTP/1.1\r\n\r\n');
  await client.until('<GET / HTTP/1.1\r\n\r\n>');
  client.socket.end();
  await client.untilEnd();
  const [line, ...others] = await gateway.stop();
  assert.deepEqual(others, []);
  const { time, id, durationMs, connectMs, ...rest } = line!;
  assert.deepEqual(rest, {
    client: '127.0.0.1',
    listener: 'bytes',
    protocol: 'tcp',
    requestBytes: 30,
    responseBytes: 34,
    service: 'upstream',
    endpoint: tcpUrl(upstream),
  });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(String(id).length > 0 && Number(durationMs) >= Number(connectMs) && Number(connectMs) > 0);
});

test('an upstream that speaks first is heard before the client has said anything', async (t) => {
  const upstream = createServer((socket) => socket.end('220 ready\r\n')).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream.address() as { port: number })] } });
  const client = await open(t, gateway);
  assert.equal(await client.untilEnd(), '220 ready\r\n');
});

test('each side may close its half and go on to receive', async (t) => {
  const upstream = await startRawUpstream(() => {});
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream)] } });
  const client = await open(t, gateway);
  client.socket.end('all that I say');
  await eventually(() => upstream.connections[0]?.socket.readableEnded === true, 'the upstream has seen the end');
  assert.equal(upstream.connections[0]!.received, 'all that I say');
  await client.untilEnd();
});

test('an upstream that has closed its half still receives', async (t) => {
  let received = '';
  const upstream = createServer({ allowHalfOpen: true }, (socket) => {
    socket.end('done');
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream.address() as { port: number })] } });
  const client = await open(t, gateway);
  assert.equal(await client.untilEnd(), 'done');
  client.send('still');
  await eventually(() => received === 'still', 'the upstream has it');
  client.socket.end(' here');
  await eventually(() => received === 'still here', 'the upstream has the rest');
});

test('a reset of either side reaches the other as a reset', async (t) => {
  const upstream = await startUpstream(t);
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream)] } });
  const first = await open(t, gateway);
  first.send('x');
  await eventually(() => upstream.connections[0]?.received === 'x', 'the upstream has it');
  const errors: string[] = [];
  upstream.connections[0]!.socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
  first.socket.resetAndDestroy();
  await eventually(() => errors[0] === 'ECONNRESET', 'the upstream is reset');
  const second = await open(t, gateway);
  second.send('y');
  await eventually(() => upstream.connections[1]?.received === 'y', 'the upstream has it');
  upstream.connections[1]!.socket.resetAndDestroy();
  await second.untilEnd();
  await eventually(() => second.error !== undefined, 'the client is reset');
  assert.equal((second.error as NodeJS.ErrnoException).code, 'ECONNRESET');
  assert.deepEqual(
    (await gateway.stop()).map(({ code }) => code),
    ['GH_TCP_CLIENT_LOST', 'GH_TCP_UPSTREAM_LOST'],
  );
});

test('an endpoint that refuses is passed over, and no byte is lost', async (t) => {
  const upstream = await startUpstream(t, (connection) => connection.send(connection.received));
  const closed = `tcp://127.0.0.1:${await findClosedPort()}`;
  const gateway = await startGateway(t, { service: { endpoints: [closed, tcpUrl(upstream)] } });
  for (let turn = 0; turn < 4; turn += 1) {
    const client = await open(t, gateway);
    client.send('hello');
    await client.until('hello');
    client.socket.end();
    await client.untilEnd();
  }
  const lines = await gateway.stop();
  assert.deepEqual(
    lines.map(({ endpoint, attempts, code }) => [endpoint, attempts, code]),
    [
      [tcpUrl(upstream), 2, undefined],
      [tcpUrl(upstream), undefined, undefined],
      [tcpUrl(upstream), 2, undefined],
      [tcpUrl(upstream), undefined, undefined],
    ],
  );
});

test('an endpoint that does not answer in time is passed over', async (t) => {
  const blackhole = await startBlackhole(t);
  const upstream = await startUpstream(t, (connection) => connection.send('here'));
  const gateway = await startGateway(t, {
    service: { endpoints: [tcpUrl(blackhole), tcpUrl(upstream)], timeouts: { connect: '50ms' } },
  });
  const client = await open(t, gateway);
  client.send('where');
  await client.until('here');
});

test('a client is reset when no endpoint can be reached', async (t) => {
  const urls = [`tcp://127.0.0.1:${await findClosedPort()}`, `tcp://127.0.0.1:${await findClosedPort()}`];
  const gateway = await startGateway(t, { service: { endpoints: urls } });
  const client = await open(t, gateway);
  await client.untilEnd();
  const [line] = await gateway.stop();
  const { code, detail, attempts, endpoint } = line!;
  assert.deepEqual(
    { code, detail, attempts, endpoint },
    { code: 'GH_UPSTREAM_UNREACHABLE', detail: { reason: 'ECONNREFUSED' }, attempts: 2, endpoint: urls[1] },
  );
});

test('a client that leaves while an endpoint is tried ends the attempt', async (t) => {
  const blackhole = await startBlackhole(t);
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(blackhole)], timeouts: { connect: '300ms' } } });
  const client = await open(t, gateway);
  client.socket.resetAndDestroy();
  const [line] = await gateway.stop();
  assert.match(String(line!['code']), /^GH_(UPSTREAM_CONNECT_TIMEOUT|TCP_CLIENT_LOST|TCP_STOPPED)$/);
});

test('a connection over which nothing moves is ended', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => connection.send(chunk));
  const gateway = await startGateway(t, {
    service: { endpoints: [tcpUrl(upstream)] },
    listener: { tcp: { to: 'upstream', idle: '200ms' } },
  });
  const client = await open(t, gateway);
  client.send('ping');
  await client.until('ping');
  await client.untilEnd();
  await eventually(() => upstream.connections[0]!.socket.destroyed, 'the upstream side is closed too');
  const [line] = await gateway.stop();
  assert.deepEqual([line!['code'], line!['detail']], ['GH_TCP_IDLE', { idleMs: 200 }]);
});

test('a reader that is slow but reads is not idle', async (t) => {
  const sent = randomBytes(24 * 1024 * 1024);
  const upstream = createServer((socket) => socket.end(sent)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const gateway = await startGateway(t, {
    service: { endpoints: [tcpUrl(upstream.address() as { port: number })] },
    listener: { tcp: { to: 'upstream', idle: '300ms' } },
  });
  const socket = connect({ port: gateway.port('bytes'), host: '127.0.0.1' });
  t.after(() => socket.destroy());
  const chunks: Buffer[] = [];
  const timer = setInterval(() => {
    const bytes = socket.read(128 * 1024) as Buffer | null;
    if (bytes !== null) chunks.push(bytes);
  }, 1);
  t.after(() => clearInterval(timer));
  await eventually(() => chunks.length > 32, 'much has been read').finally(() => clearInterval(timer));
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  await once(socket, 'end');
  assert.ok(Buffer.concat(chunks).equals(sent));
});

test('a side that does not read holds the other back, and what waits is bounded', async (t) => {
  let sent = 0;
  const chunk = Buffer.alloc(64 * 1024);
  const upstream = createServer((socket) => {
    const send = () => {
      while (socket.write(chunk)) sent += chunk.length;
      sent += chunk.length;
    };
    socket.on('drain', send);
    socket.on('error', () => {
      // The client goes in the end.
    });
    send();
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream.address() as { port: number })] } });
  const socket = connect({ port: gateway.port('bytes'), host: '127.0.0.1' });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  let before = -1;
  // Still, once for long enough that a byte more would have come.
  await eventually(() => {
    const isStill = sent === before;
    before = sent;
    return isStill && sent > 0;
  }, 'the upstream cannot send more');
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes are on their way`);
  socket.destroy();
});

test('a large transfer each way arrives as it was', async (t) => {
  const upstream = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const gateway = await startGateway(t, { service: { endpoints: [tcpUrl(upstream.address() as { port: number })] } });
  const sent = randomBytes(8 * 1024 * 1024 + 13);
  const received = await echo(connect({ port: gateway.port('bytes'), host: '127.0.0.1', allowHalfOpen: true }), sent);
  assert.ok(received.equals(sent));
});

async function echo(socket: Socket, bytes: Buffer): Promise<Buffer> {
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('connections are spread over services by weight', async (t) => {
  const blue = await startUpstream(t, (connection) => connection.send('blue'));
  const green = await startUpstream(t, (connection) => connection.send('green'));
  const gateway = await startTestGateway({
    listeners: {
      bytes: {
        address: '127.0.0.1:0',
        tcp: {
          to: [
            { service: 'blue', weight: 3 },
            { service: 'green', weight: 1 },
          ],
        },
      },
    },
    services: { blue: { endpoints: [tcpUrl(blue)] }, green: { endpoints: [tcpUrl(green)] } },
  });
  t.after(() => gateway.stop());
  for (let turn = 0; turn < 8; turn += 1) {
    const client = await open(t, gateway);
    client.send('?');
    await client.until(/blue|green/);
    client.close();
  }
  assert.deepEqual([blue.connections.length, green.connections.length], [6, 2]);
});

test('a listener with TLS and bytes ends TLS, and passes on what was in it', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => connection.send(chunk.toUpperCase()));
  const gateway = await startGateway(t, {
    service: { endpoints: [tcpUrl(upstream)] },
    listener: { tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] } },
  });
  const client = connectTls({
    port: gateway.port('bytes'),
    host: '127.0.0.1',
    servername: 'localhost',
    ca: certificates.authority,
    allowHalfOpen: true,
  } as object);
  t.after(() => client.destroy());
  await once(client, 'secureConnect');
  assert.equal(client.alpnProtocol, false);
  client.end('quiet');
  const [bytes] = (await once(client, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'QUIET');
  await once(client, 'end');
  await eventually(() => client.destroyed, 'the connection is closed');
  const [line] = await gateway.stop();
  assert.deepEqual([line!['serverName'], line!['requestBytes'], line!['code']], ['localhost', 5, undefined]);
});

test('an endpoint with tls is reached by TLS and verified', async (t) => {
  const upstream = createTlsServer({ ...certificates.localhost, ALPNProtocols: ['mqtt'] }, (socket) => {
    socket.end(`hello ${String(socket.servername)} ${String(socket.alpnProtocol)}`);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const { port } = upstream.address() as { port: number };
  const gateway = await startGateway(t, {
    service: { endpoints: [`tls://localhost:${port}`], tls: { ca: certificatePaths.authority, alpn: ['mqtt'] } },
  });
  assert.equal(await (await open(t, gateway)).untilEnd(), 'hello localhost mqtt');
  const strict = await startGateway(t, {
    service: { endpoints: [`tls://localhost:${port}`], tls: { ca: certificatePaths.otherAuthority } },
  });
  const refused = await open(t, strict);
  assert.equal(await refused.untilEnd(), '');
  const [line] = await strict.stop();
  assert.equal(line!['code'], 'GH_UPSTREAM_TLS');
});

test('open connections live through a reload that sends new ones elsewhere', async (t) => {
  const old = await startUpstream(t, (connection, chunk) => connection.send(`old ${chunk}`));
  const next = await startUpstream(t, (connection, chunk) => connection.send(`next ${chunk}`));
  const configuration = (upstream: RawUpstream) => ({
    listeners: { bytes: { address: '127.0.0.1:0', tcp: { to: 'upstream' } } },
    services: { upstream: { endpoints: [tcpUrl(upstream)] } },
  });
  const gateway = await startTestGateway(configuration(old));
  t.after(() => gateway.stop());
  const first = await open(t, gateway);
  first.send('1');
  await first.until('old 1');
  assert.deepEqual(await gateway.reconfigure(configuration(next)), []);
  const second = await open(t, gateway);
  second.send('2');
  await second.until('next 2');
  first.send('3');
  await first.until('old 3');
});

test('open connections have until the deadline when the gateway stops', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => connection.send(chunk));
  const gateway = await startTestGateway({
    listeners: { bytes: { address: '127.0.0.1:0', tcp: { to: 'upstream' } } },
    services: { upstream: { endpoints: [tcpUrl(upstream)] } },
    shutdown: { deadline: '300ms' },
  });
  t.after(() => gateway.stop());
  const client = await open(t, gateway);
  client.send('before');
  await client.until('before');
  const drained = gateway.control.drain();
  client.send(' and during');
  await client.until('before and during');
  await client.untilEnd();
  await drained;
  assert.equal((await gateway.stop())[0]!['code'], 'GH_TCP_STOPPED');
});

test('a client beyond its cap is refused, and let in again when one of its connections has ended', async (t) => {
  const upstream = await startUpstream(t, (connection, chunk) => connection.send(chunk));
  const gateway = await startGateway(t, {
    service: { endpoints: [tcpUrl(upstream)] },
    listener: { maxConnectionsPerClient: 1 },
  });
  const first = await open(t, gateway);
  first.send('a');
  await first.until('a');
  // The reset may come before the connection is noticed to be there.
  const second = await open(t, gateway).catch(() => undefined);
  assert.equal((await second?.untilEnd()) ?? '', '');
  const other = await open(t, gateway, '127.0.0.2');
  other.send('b');
  await other.until('b');
  first.socket.end();
  await first.untilEnd();
  await eventually(() => upstream.connections[0]!.socket.destroyed, 'the first connection is gone');
  const third = await open(t, gateway);
  third.send('c');
  await third.until('c');
});
