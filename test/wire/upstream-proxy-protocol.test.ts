// The PROXY header that goes out: first on every connection, one client each, over bytes, HTTP and TLS.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { connect as connectTls, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { startNameServer } from '#test/support/name-server.ts';
import { tcp4Block, writeV2 } from '#test/support/proxy-headers.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';
import { readProxyHeader } from '#wire/proxy-protocol/decode.ts';
import type { ProxyHeader } from '#wire/proxy-protocol/header.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

interface Proxied {
  readonly header: ProxyHeader;
  /** What came behind the header, TLS ended. */
  received: string;
  readonly socket: Socket;
}

interface ProxiedUpstream {
  readonly port: number;
  readonly connections: readonly Proxied[];
}

/** An upstream that reads a PROXY header from each connection, then TLS if it has a certificate, and answers what it is told. */
async function startUpstream(
  t: TestContext,
  answer: (received: string) => string | undefined,
  { tls, host = '127.0.0.1', port = 0 }: { tls?: SecureContextOptions; host?: string; port?: number } = {},
): Promise<ProxiedUpstream> {
  const connections: Proxied[] = [];
  const serve = (socket: Socket, header: ProxyHeader) => {
    const proxied: Proxied = { header, received: '', socket };
    connections.push(proxied);
    socket.on('error', () => {
      // Clients leave as they like.
    });
    socket.on('data', (bytes) => {
      proxied.received += bytes.toString('latin1');
      const text = answer(proxied.received);
      if (text !== undefined) socket.write(text);
    });
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('readable', () => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      const reading = readProxyHeader(bytes, bytes.length);
      if (reading.kind !== 'header') return void socket.destroy();
      const rest = bytes.subarray(reading.byteLength);
      if (rest.length > 0) socket.unshift(rest);
      serve(tls === undefined ? socket : new TLSSocket(socket, { isServer: true, ...tls }), reading.header);
    });
  }).listen(port, host);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections };
}

const http = (received: string) => (received.endsWith('\r\n\r\n') ? `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok` : undefined);
const echo = (received: string) => `<${received}>`;

async function startGateway(
  t: TestContext,
  service: ServiceInput,
  listener: Partial<GatewayInput['listeners'][string]> = {},
): Promise<TestGateway> {
  const isBytes = listener.tcp !== undefined;
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', ...listener } },
    services: { upstream: service },
    ...(!isBytes && { routes: { all: { match: { path: '/*' }, to: 'upstream' } } }),
  });
  t.after(() => gateway.stop());
  return gateway;
}

async function open(t: TestContext, gateway: TestGateway, localAddress?: string): Promise<RawClient> {
  const client = await RawClient.open(gateway.port(), '127.0.0.1', localAddress);
  t.after(() => client.close());
  return client;
}

const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const tcp = { tcp: { to: 'upstream' } };

for (const version of ['v1', 'v2'] as const) {
  test(`a connection that is passed on begins with a header of ${version}`, async (t) => {
    const upstream = await startUpstream(t, echo);
    const gateway = await startGateway(t, { endpoints: [`tcp://127.0.0.1:${upstream.port}`], proxyProtocol: version }, tcp);
    const client = await open(t, gateway, '127.0.0.3');
    client.send('hello');
    await client.until('<hello>');
    const { header } = upstream.connections[0]!;
    assert.deepEqual(header, {
      version: version === 'v1' ? 1 : 2,
      command: 'proxy',
      addresses: {
        source: { address: '127.0.0.3', port: client.socket.localPort },
        destination: { address: '127.0.0.1', port: gateway.port() },
      },
      tlvs: [],
    });
  });

  test(`each request is on a connection of its own, begun with a header of ${version}`, async (t) => {
    const upstream = await startUpstream(t, http);
    const gateway = await startGateway(t, { endpoints: [`http://127.0.0.1:${upstream.port}`], proxyProtocol: version });
    const first = await open(t, gateway, '127.0.0.3');
    const second = await open(t, gateway, '127.0.0.4');
    for (const client of [first, second, first]) {
      client.send(request);
      await client.until('ok');
      client.take();
    }
    await eventually(() => upstream.connections.every(({ socket }) => socket.destroyed), 'no connection is kept');
    assert.deepEqual(
      upstream.connections.map(({ header, received }) => [header.addresses!.source, received.split(' ', 2).join(' ')]),
      [first, second, first].map(({ socket }) => [{ address: socket.localAddress, port: socket.localPort }, 'GET /']),
    );
  });

  test(`over TLS the header of ${version} comes before the handshake`, async (t) => {
    const upstream = await startUpstream(t, http, { tls: certificates.localhost });
    const service: ServiceInput = {
      endpoints: [`https://localhost:${upstream.port}`],
      proxyProtocol: version,
      tls: { ca: certificatePaths.authority },
    };
    const gateway = await startGateway(t, service);
    for (let turn = 0; turn < 3; turn += 1) {
      const client = await open(t, gateway);
      client.send(request);
      await client.until('ok');
      client.close();
    }
    assert.equal(upstream.connections.length, 3);
  });
}

test('bytes to an endpoint with tls follow the header and the handshake, both ways and to the end', async (t) => {
  const upstream = await startUpstream(t, (received) => (received.endsWith('.') ? received : undefined), {
    tls: certificates.localhost,
  });
  const service: ServiceInput = {
    endpoints: [`tls://localhost:${upstream.port}`],
    proxyProtocol: 'v2',
    tls: { ca: certificatePaths.authority },
  };
  const gateway = await startGateway(t, service, tcp);
  const client = await open(t, gateway);
  const text = `${'x'.repeat(1_000_000)}.`;
  client.send(text);
  await client.until('.');
  assert.equal(client.received, text);
  client.socket.end();
  await client.untilEnd();
  assert.deepEqual(
    (await gateway.stop()).map(({ requestBytes, responseBytes, code }) => [requestBytes, responseBytes, code]),
    [[text.length, text.length, undefined]],
  );
});

test('a name with a dead address is reached at the next one, over TLS and behind a header too', async (t) => {
  const upstream = await startUpstream(t, http, { tls: certificates.localhost });
  const names = await startNameServer({ 'service.test': { addresses: ['127.0.0.9', '127.0.0.1'], ttlSeconds: 60 } });
  t.after(() => names.close());
  const gateway = await startTestGateway({
    services: {
      upstream: {
        endpoints: [`https://service.test:${upstream.port}`],
        proxyProtocol: 'v1',
        tls: { ca: certificatePaths.authority, serverName: 'localhost' },
      },
    },
    routes: { all: { match: { path: '/*' }, to: 'upstream' } },
    dns: { servers: [names.address] },
  });
  t.after(() => gateway.stop());
  for (let turn = 0; turn < 2; turn += 1) {
    const client = await open(t, gateway);
    client.send(request);
    await client.until('ok');
    client.close();
  }
});

test('an upstream that refuses, behind a header and TLS, is told like any other', async (t) => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const gateway = await startGateway(t, {
    endpoints: [`https://127.0.0.1:${port}`],
    proxyProtocol: 'v1',
    tls: { ca: certificatePaths.authority },
  });
  const client = await open(t, gateway);
  client.send(request);
  await client.until('GH_UPSTREAM_UNREACHABLE');
});

test('a header that came in goes on: the client, where it went, and what else was told', async (t) => {
  const upstream = await startUpstream(t, echo);
  const service: ServiceInput = { endpoints: [`tcp://127.0.0.1:${upstream.port}`], proxyProtocol: 'v2' };
  const gateway = await startGateway(t, service, { ...tcp, proxyProtocol: { from: ['127.0.0.1'] } });
  const client = await open(t, gateway);
  const tlvs = [{ type: 0xea, value: Buffer.from('\x01vpce-0123') }];
  client.send(writeV2({ tlvs }));
  client.send('hello');
  await client.until('<hello>');
  assert.deepEqual(upstream.connections[0]!.header, {
    version: 2,
    command: 'proxy',
    addresses: { source: { address: '192.0.2.1', port: 40_000 }, destination: { address: '198.51.100.7', port: 443 } },
    tlvs,
  });
  assert.equal(tcp4Block.length, 12);
});

test('what the client speaks over TLS is told in version 2', async (t) => {
  const upstream = await startUpstream(t, http);
  const gateway = await startGateway(
    t,
    { endpoints: [`http://127.0.0.1:${upstream.port}`], proxyProtocol: 'v2' },
    { tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] } },
  );
  const client = connectTls({
    port: gateway.port(),
    host: '127.0.0.1',
    servername: 'localhost',
    ca: certificates.authority,
    ALPNProtocols: ['http/1.1'],
  });
  t.after(() => client.destroy());
  client.write(request);
  await once(client, 'data');
  const { tlvs } = upstream.connections[0]!.header;
  assert.deepEqual(
    tlvs.map(({ type, value }) => [type, value.toString('latin1')]),
    [
      [0x02, 'localhost'],
      [0x01, 'http/1.1'],
      [0x20, `\x01\0\0\0\x01\x21\0\x07TLSv1.3\x23\0\x16${client.getCipher().name}`],
    ],
  );
});

test('a request for which a trusted proxy speaks is that of the client it names', async (t) => {
  const upstream = await startUpstream(t, http);
  const gateway = await startGateway(
    t,
    { endpoints: [`http://127.0.0.1:${upstream.port}`], proxyProtocol: 'v1' },
    { trustedProxies: ['127.0.0.1'] },
  );
  const client = await open(t, gateway);
  client.send(request.replace('\r\n\r\n', '\r\nX-Forwarded-For: 203.0.113.77\r\n\r\n'));
  await client.until('ok');
  assert.deepEqual(upstream.connections[0]!.header.addresses!.source, { address: '203.0.113.77', port: 0 });
});

test('requests wait for a connection when there may be no more, and each tells of its own client', async (t) => {
  const upstream = await startUpstream(t, http);
  const gateway = await startGateway(t, {
    endpoints: [`http://127.0.0.1:${upstream.port}`],
    proxyProtocol: 'v1',
    pool: { connections: 1 },
  });
  const clients = await Promise.all(['127.0.0.5', '127.0.0.6', '127.0.0.7'].map((address) => open(t, gateway, address)));
  for (const client of clients) client.send(request);
  await Promise.all(clients.map((client) => client.until('ok')));
  assert.deepEqual(upstream.connections.map(({ header }) => header.addresses!.source.address).toSorted(), [
    '127.0.0.5',
    '127.0.0.6',
    '127.0.0.7',
  ]);
});

test('a WebSocket goes through behind a header', async (t) => {
  const upstream = await startUpstream(t, (received) => {
    if (received.endsWith('\r\n\r\n')) return 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n';
    return received.endsWith('ping') ? 'pong' : undefined;
  });
  const gateway = await startGateway(t, { endpoints: [`http://127.0.0.1:${upstream.port}`], proxyProtocol: 'v1' });
  const client = await open(t, gateway);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n');
  await client.until('101');
  client.send('ping');
  await client.until('pong');
});

test('an injected request, which has no connection, tells of no client', async (t) => {
  const upstream = await startUpstream(t, http);
  const gateway = await startGateway(t, { endpoints: [`http://127.0.0.1:${upstream.port}`], proxyProtocol: 'v1' });
  const prepared = await gateway.control.prepareInjection();
  assert.ok('inject' in prepared);
  assert.equal((await prepared.inject({ method: 'GET', url: 'http://a/' })).status, 200);
  assert.equal(upstream.connections[0]!.header.addresses, undefined);
});
