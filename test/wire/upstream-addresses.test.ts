// Where upstreams are: behind TLS, at a unix socket, at IPv6 addresses and names; and how requests are spread over them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { startBlackhole } from '#test/support/blackhole.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { startNameServer } from '#test/support/name-server.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

/** Nobody listens there. */
const CLOSED_PORT = 1;

/** A server that answers each request with its own name. */
interface NamedUpstream {
  readonly port: number;
  readonly requests: string[];
  readonly sockets: Set<Socket>;
}

type Where = { host: string; port?: number } | { path: string };

async function startNamed(
  t: TestContext,
  name: string,
  where: Where = { host: '127.0.0.1' },
  tls?: TlsOptions,
): Promise<NamedUpstream> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {
      // Broken handshakes are part of what is tested.
    });
    socket.on('data', (bytes) => {
      requests.push(bytes.toString('latin1'));
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on('tlsClientError', () => {});
  server.listen('path' in where ? where : { port: 0, ...where });
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: 'path' in where ? 0 : (server.address() as AddressInfo).port, requests, sockets };
}

/** The name of the upstream that answers, or the code of the gateway's own answer. */
async function ask(t: TestContext, gateway: TestGateway, path = '/'): Promise<string> {
  const client = await openClient(t, gateway);
  client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n`);
  const text = await client.untilEnd();
  client.close();
  return /"code":"(\w+)"/.exec(text)?.[1] ?? text.slice(text.indexOf('\r\n\r\n') + 4);
}

const tlsCases: {
  name: string;
  host: string;
  ca: string | undefined;
  serverName?: string;
  expected: string;
  servername: string | false;
}[] = [
  {
    name: 'an address, and the authority is known',
    host: '127.0.0.1',
    ca: certificatePaths.authority,
    expected: 'secure',
    servername: false,
  },
  {
    name: 'a name, and the authority is known',
    host: 'localhost',
    ca: certificatePaths.authority,
    expected: 'secure',
    servername: 'localhost',
  },
  {
    name: 'an address, and the certificate has the name that is asked for',
    host: '127.0.0.1',
    ca: certificatePaths.authority,
    serverName: 'upstream.test',
    expected: 'secure',
    servername: 'upstream.test',
  },
  {
    name: 'an address, and the certificate has another name than the one asked for',
    host: '127.0.0.1',
    ca: certificatePaths.authority,
    serverName: 'other.test',
    expected: 'GH_UPSTREAM_TLS',
    servername: 'other.test',
  },
  {
    name: 'an address, and another authority is trusted',
    host: '127.0.0.1',
    ca: certificatePaths.otherAuthority,
    expected: 'GH_UPSTREAM_TLS',
    servername: false,
  },
  {
    name: 'an address, and only the system’s authorities are trusted',
    host: '127.0.0.1',
    ca: undefined,
    expected: 'GH_UPSTREAM_TLS',
    servername: false,
  },
];

for (const { name, host, ca, serverName, expected, servername } of tlsCases) {
  test(`an https endpoint at ${name}: ${expected}`, async (t) => {
    const upstream = await startNamed(
      t,
      'secure',
      { host: '127.0.0.1' },
      { ...certificates.localhost, ALPNProtocols: ['http/1.1'] },
    );
    const greeted: unknown[] = [];
    const gateway = await startGatewayFor(t, {
      service: {
        endpoints: [`https://${host}:${upstream.port}`],
        tls: { ...(ca !== undefined && { ca }), ...(serverName !== undefined && { serverName }) },
      },
    });
    const warnings: string[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning.message);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    const answers = [await ask(t, gateway), await ask(t, gateway)];
    assert.deepEqual(answers, [expected, expected]);
    for (const socket of upstream.sockets) greeted.push('servername' in socket ? socket.servername : undefined);
    if (expected === 'secure') assert.deepEqual(greeted, [servername]);
    assert.deepEqual(warnings, []);
  });
}

test('an https endpoint that does not speak TLS is answered for with 502', async (t) => {
  const upstream = await startNamed(t, 'plain');
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`https://127.0.0.1:${upstream.port}`], tls: { ca: certificatePaths.authority } },
  });
  assert.equal(await ask(t, gateway), 'GH_UPSTREAM_TLS');
});

test('an https endpoint where nobody listens is unreachable, not insecure', async (t) => {
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`https://127.0.0.1:${CLOSED_PORT}`], tls: { ca: certificatePaths.authority } },
  });
  assert.equal(await ask(t, gateway), 'GH_UPSTREAM_UNREACHABLE');
});

for (const [scheme, tls] of [
  ['http', undefined],
  ['https', certificates.localhost],
] as const) {
  test(`an endpoint at a unix socket, ${scheme}`, async (t) => {
    const path = join(tmpdir(), `gatehouse-${process.pid}-${scheme}.sock`);
    await rm(path, { force: true });
    const upstream = await startNamed(t, 'socket', { path }, tls);
    const gateway = await startGatewayFor(t, {
      service: {
        endpoints: [`${scheme}+unix://${path}`],
        host: 'endpoint',
        ...(tls !== undefined && { tls: { ca: certificatePaths.authority } }),
      },
    });
    assert.equal(await ask(t, gateway), 'socket');
    assert.match(upstream.requests[0]!, /^GET \/ HTTP\/1\.1\r\nhost: localhost\r\n/);
  });
}

test('a unix socket that is not there is unreachable', async (t) => {
  const gateway = await startGatewayFor(t, { service: { endpoints: ['http+unix:///nowhere/at.sock'] } });
  assert.equal(await ask(t, gateway), 'GH_UPSTREAM_UNREACHABLE');
});

test('an endpoint at an IPv6 address', async (t) => {
  const upstream = await startNamed(t, 'six', { host: '::1' });
  const gateway = await startGatewayFor(t, { service: { endpoints: [`http://[::1]:${upstream.port}`], host: 'endpoint' } });
  assert.equal(await ask(t, gateway), 'six');
  assert.match(upstream.requests[0]!, new RegExp(`\\r\\nhost: \\[::1\\]:${upstream.port}\\r\\n`));
});

test('a name with both families is reached where one of them refuses', async (t) => {
  for (const [name, host] of [
    ['four', '127.0.0.1'],
    ['six', '::1'],
  ] as const) {
    const upstream = await startNamed(t, name, { host });
    const names = await startNameServer({ 'both.test': { addresses: ['127.0.0.1', '::1'], ttlSeconds: 60 } });
    t.after(() => names.close());
    const gateway = await startGatewayFor(t, {
      service: { endpoints: [`http://both.test:${upstream.port}`] },
      gateway: { dns: { servers: [names.address] } },
    });
    assert.equal(await ask(t, gateway), name);
  }
});

test('a name with both families is reached soon where one of them does not answer at all', async (t) => {
  const upstream = await startNamed(t, 'four');
  await startBlackhole(t, '::1', upstream.port);
  const names = await startNameServer({ 'both.test': { addresses: ['127.0.0.1', '::1'], ttlSeconds: 60 } });
  t.after(() => names.close());
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://both.test:${upstream.port}`], timeouts: { connect: '10m' } },
    gateway: { dns: { servers: [names.address] } },
  });
  assert.equal(await ask(t, gateway), 'four');
});

test('a name is looked up again when its time is over, and keeps its last addresses while the name server is away', async (t) => {
  const clock = new FakeClock();
  const first = await startNamed(t, 'first', { host: '127.0.0.1' });
  await startNamed(t, 'second', { host: '127.0.0.2', port: first.port });
  const names = await startNameServer({ 'moving.test': { addresses: ['127.0.0.1'], ttlSeconds: 10 } });
  t.after(() => names.close());
  const gateway = await startGatewayFor(t, {
    clock,
    // No connection is kept, so that each request shows where the name leads.
    service: { endpoints: [`http://moving.test:${first.port}`], pool: { idle: '0s' } },
    gateway: { dns: { servers: [names.address] } },
  });
  const askAnew = async () => {
    const { size } = first.sockets;
    await eventually(() => first.sockets.size === 0, `the last of ${size} connections is closed`);
    return ask(t, gateway);
  };
  assert.equal(await ask(t, gateway), 'first');
  names.records.set('moving.test', { addresses: ['127.0.0.2'], ttlSeconds: 10 });
  clock.advance(200);
  assert.equal(await askAnew(), 'first');
  clock.advance(11_000);
  const queriesBefore = names.queries.length;
  // This one does not wait for the new answer, the next one has it.
  assert.equal(await askAnew(), 'first');
  // Who has waited long for an answer may have asked more than once.
  const askedAgain = () => new Set(names.queries.slice(queriesBefore));
  await eventually(() => askedAgain().size === 2, 'the name is asked for again');
  clock.advance(200);
  assert.equal(await askAnew(), 'second');
  await names.close();
  clock.advance(3_600_000);
  assert.equal(await askAnew(), 'second');
  clock.advance(3_600_000);
  assert.equal(await askAnew(), 'second');
});

test('a name that is not known is answered for with 502, and works once it is', async (t) => {
  const upstream = await startNamed(t, 'found');
  const names = await startNameServer({});
  t.after(() => names.close());
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://late.test:${upstream.port}`] },
    gateway: { dns: { servers: [names.address] } },
  });
  assert.equal(await ask(t, gateway), 'GH_UPSTREAM_UNRESOLVED');
  names.records.set('late.test', { addresses: ['127.0.0.1'], ttlSeconds: 60 });
  assert.equal(await ask(t, gateway), 'found');
});

test('requests are spread over endpoints by weight', async (t) => {
  const a = await startNamed(t, 'a');
  const b = await startNamed(t, 'b');
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [{ url: `http://127.0.0.1:${a.port}`, weight: 3 }, `http://127.0.0.1:${b.port}`] },
  });
  const answers = [];
  for (let i = 0; i < 16; i++) answers.push(await ask(t, gateway));
  assert.equal(answers.filter((name) => name === 'a').length, 12);
  assert.equal(answers.filter((name) => name === 'b').length, 4);
});

test('requests are spread over services by weight', async (t) => {
  const a = await startNamed(t, 'a');
  const b = await startNamed(t, 'b');
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://127.0.0.1:${a.port}`] },
    gateway: {
      services: { main: { endpoints: [`http://127.0.0.1:${a.port}`] }, canary: { endpoints: [`http://127.0.0.1:${b.port}`] } },
      routes: {
        all: {
          match: { path: '/*' },
          to: [
            { service: 'main', weight: 9 },
            { service: 'canary', weight: 1 },
          ],
        },
      },
    },
  });
  const answers = [];
  for (let i = 0; i < 20; i++) answers.push(await ask(t, gateway));
  assert.equal(answers.filter((name) => name === 'b').length, 2);
});

test('without further attempts, an endpoint that is dead takes its turns and does not touch the others', async (t) => {
  const alive = await startNamed(t, 'alive');
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://127.0.0.1:${alive.port}`, `http://127.0.0.1:${CLOSED_PORT}`], retry: false },
  });
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await ask(t, gateway));
  assert.deepEqual(answers.filter((name) => name === 'alive').length, 3);
  assert.deepEqual(answers.filter((name) => name === 'GH_UPSTREAM_UNREACHABLE').length, 3);
});
