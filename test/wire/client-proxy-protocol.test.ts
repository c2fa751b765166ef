import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { withChecksum, writeV2 } from '#test/support/proxy-headers.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ListenerInput = GatewayInput['listeners'][string];

const line = 'PROXY TCP4 203.0.113.9 198.51.100.7 56324 443\r\n';
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const okAnswer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A gateway that believes 127.0.0.1 and answers with what it knows of the client. */
async function startGateway(t: TestContext, listener: Partial<ListenerInput> = {}): Promise<TestGateway> {
  const upstream = await startRawUpstream((connection, chunk) => {
    if (chunk.includes('\r\n\r\n')) connection.send(okAnswer);
  });
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', proxyProtocol: { from: ['127.0.0.1'] }, ...listener } },
    services: { upstream: { endpoints: [upstream.url] } },
    routes: {
      told: { match: { path: '/' }, to: { respond: { text: '${clientIp} ${scheme}' } } },
      passed: { match: { path: '/passed' }, to: 'upstream' },
    },
  });
  upstreams.set(gateway, upstream);
  t.after(() => gateway.stop());
  return gateway;
}

const upstreams = new WeakMap<TestGateway, Awaited<ReturnType<typeof startRawUpstream>>>();

async function open(t: TestContext, gateway: TestGateway, localAddress?: string): Promise<RawClient> {
  const client = await RawClient.open(gateway.port(), '127.0.0.1', localAddress);
  t.after(() => client.close());
  return client;
}

test('the client of a request is the one of the header, in templates, in the log and for the service', async (t) => {
  const gateway = await startGateway(t);
  const client = await open(t, gateway);
  client.send(line + request);
  assert.match(await client.until('http'), /\r\n\r\n203\.0\.113\.9 http$/);
  client.take();
  client.send(request.replace('/', '/passed'));
  await client.until('ok');
  assert.match(upstreams.get(gateway)!.connections[0]!.received, /x-forwarded-for: 203\.0\.113\.9\r\n/);
  client.close();
  const lines = await gateway.stop();
  assert.deepEqual(
    lines.map((entry) => entry['client']),
    ['203.0.113.9', '203.0.113.9'],
  );
});

test('a header may come in any pieces, with the request behind it or later', async (t) => {
  const gateway = await startGateway(t);
  const bytes = Buffer.from(line + request, 'latin1');
  for (const cut of [1, 5, 6, 20, line.length - 1, line.length, line.length + 1, bytes.length - 1]) {
    const client = await open(t, gateway);
    client.send(bytes.subarray(0, cut));
    // The first piece has to be read alone, or there would be no pieces.
    await new Promise((resolve) => setImmediate(resolve));
    client.send(bytes.subarray(cut));
    await client.until('203.0.113.9 http');
    client.close();
  }
  const slow = await open(t, gateway);
  for (const byte of bytes) {
    slow.send(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await slow.until('203.0.113.9 http');
});

test('version 2 is believed as well, with IPv6, checksums and facts that mean nothing here', async (t) => {
  const gateway = await startGateway(t);
  const ipv6 = Buffer.from(`20010db8${'00'.repeat(11)}01${'00'.repeat(15)}019c4001bb`, 'hex');
  const cases: [header: Buffer, client: string][] = [
    [writeV2(), '192.0.2.1'],
    [writeV2({ family: 0x21, block: ipv6 }), '2001:db8::1'],
    [withChecksum(writeV2({ tlvs: [{ type: 0xea, value: Buffer.alloc(300) }] })), '192.0.2.1'],
  ];
  for (const [header, address] of cases) {
    const client = await open(t, gateway);
    client.send(Buffer.concat([header, Buffer.from(request)]));
    await client.until(`${address} http`);
    client.close();
  }
});

test('a header that names nobody leaves the connection as it is', async (t) => {
  const gateway = await startGateway(t);
  for (const header of ['PROXY UNKNOWN\r\n', writeV2({ versionCommand: 0x20, family: 0, block: Buffer.alloc(0) })]) {
    const client = await open(t, gateway);
    client.send(header);
    client.send(request);
    await client.until('127.0.0.1 http');
    client.close();
  }
});

test('a large body behind the header arrives whole', async (t) => {
  const gateway = await startGateway(t);
  const client = await open(t, gateway);
  const body = 'x'.repeat(300_000);
  client.send(`${line}POST /passed HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await client.until('ok');
  const { connections } = upstreams.get(gateway)!;
  await eventually(() => connections[0]!.received.endsWith(body), 'the upstream has the body');
});

test('whoever is not trusted is served without a header, and a header of his is no request', async (t) => {
  const gateway = await startGateway(t);
  const plain = await open(t, gateway, '127.0.0.2');
  plain.send(request);
  await plain.until('127.0.0.2 http');
  const liar = await open(t, gateway, '127.0.0.2');
  liar.send(line + request);
  assert.match(await liar.untilEnd(), /^HTTP\/1\.1 400 /);
  const binaryLiar = await open(t, gateway, '127.0.0.2');
  binaryLiar.send(writeV2());
  assert.match(await binaryLiar.untilEnd(), /^HTTP\/1\.1 400 /);
});

const corrupt: readonly [what: string, bytes: string | Buffer, reason: RegExp][] = [
  ['a request without one', request, /do not begin with a PROXY protocol header/],
  ['a TLS handshake', Buffer.from('1603010200010001fc0303', 'hex'), /do not begin with a PROXY protocol header/],
  ['an address that is none', 'PROXY TCP4 1.1.1.300 2.2.2.2 1 2\r\n', /an address is not one of the announced family/],
  ['a line without end', `PROXY ${'x'.repeat(150)}`, /does not end within 107 bytes/],
  ['a binary header with a wrong checksum', writeV2({ tlvs: [{ type: 3, value: Buffer.alloc(4) }] }), /the checksum is wrong/],
  ['a binary header that is too long', writeV2({ length: 65_535 }), /longer than this gateway accepts/],
];

for (const [what, bytes, reason] of corrupt) {
  test(`a trusted proxy that sends ${what} is cut off, logged, and disturbs nobody else`, async (t) => {
    const gateway = await startGateway(t);
    const bystander = await open(t, gateway);
    bystander.send(line);
    const client = await open(t, gateway);
    client.send(bytes);
    assert.equal(await client.untilEnd(), '');
    const event = gateway.events.find(({ message }) => message === 'PROXY header refused');
    assert.deepEqual([event?.level, event?.fields?.['listener'], event?.fields?.['peerAddress']], ['warn', 'web', '127.0.0.1']);
    assert.match(String(event?.fields?.['reason']), reason);
    bystander.send(request);
    await bystander.until('203.0.113.9 http');
    assert.equal((await gateway.stop()).length, 1);
  });
}

test('a header that does not come, or not to its end, is given up', async (t) => {
  const gateway = await startGateway(t, { timeouts: { head: '100ms' } });
  const silent = await open(t, gateway);
  const half = await open(t, gateway);
  half.send('PROXY TCP4 203.0');
  assert.equal(await silent.untilEnd(), '');
  assert.equal(await half.untilEnd(), '');
  const event = gateway.events.find(({ message }) => message === 'PROXY header refused');
  assert.equal(event?.fields?.['reason'], 'the client took too long');
});

test('a proxy that leaves in the middle of its header leaves nothing behind', async (t) => {
  const gateway = await startGateway(t, { maxConnections: 1 });
  for (const end of ['end', 'resetAndDestroy'] as const) {
    const client = await open(t, gateway);
    client.send('PROXY ');
    client.socket[end]();
    await eventually(() => client.socket.destroyed || client.hasEnded, 'it is gone');
    client.close();
  }
  await eventually(() => gateway.events.length > 0, 'it is noticed');
  const next = await open(t, gateway);
  next.send(line + request);
  await next.until('203.0.113.9 http');
});

test('connections are capped by the client behind the proxy, and the proxy itself is not', async (t) => {
  const gateway = await startGateway(t, { maxConnectionsPerClient: 1 });
  const first = await open(t, gateway);
  first.send(line + request);
  await first.until('203.0.113.9');
  const second = await open(t, gateway);
  second.send(line + request);
  assert.equal(await second.untilEnd(), '');
  const other = await open(t, gateway);
  other.send(line.replace('203.0.113.9', '203.0.113.10') + request);
  await other.until('203.0.113.10');
  for (let turn = 0; turn < 2; turn += 1) {
    const checking = await open(t, gateway);
    checking.send(`PROXY UNKNOWN\r\n${request}`);
    await checking.until('127.0.0.1 http');
  }
  assert.deepEqual(
    gateway.events.filter(({ message }) => message === 'connection refused').map(({ fields }) => fields?.['clientAddress']),
    ['203.0.113.9'],
  );
  first.close();
  // Its place is free again as soon as its end is noticed.
  for (let isIn = false; !isIn; ) {
    const third = await open(t, gateway);
    third.send(line + request);
    isIn = await third.until('203.0.113.9').then(
      () => true,
      () => false,
    );
    third.close();
  }
});

/** TLS with some bytes before it. */
async function openTls(t: TestContext, port: number, before: string | Buffer): Promise<TLSSocket> {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.write(before);
  const secure = connectTls({ socket, servername: 'localhost', ca: certificates.authority });
  t.after(() => secure.destroy());
  await once(secure, 'secureConnect');
  return secure;
}

const tls = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };

test('a header before TLS is read, and the handshake goes on behind it', async (t) => {
  const gateway = await startGateway(t, { tls });
  for (const header of [line, writeV2()]) {
    const client = await openTls(t, gateway.port(), header);
    client.write(request);
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.match(answer.toString(), /(203\.0\.113\.9|192\.0\.2\.1) https$/);
    client.destroy();
  }
});

test('a header and the first bytes of TLS may come together', async (t) => {
  const gateway = await startGateway(t, { tls });
  const socket = connect({ port: gateway.port(), host: '127.0.0.1' });
  await once(socket, 'connect');
  let before = Buffer.from(line);
  const joined = new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, callback) {
      socket.write(Buffer.concat([before, bytes]), callback);
      before = Buffer.alloc(0);
    },
  });
  socket.on('data', (bytes) => joined.push(bytes));
  const secure = connectTls({ socket: joined, servername: 'localhost', ca: certificates.authority });
  t.after(() => {
    secure.destroy();
    socket.destroy();
  });
  await once(secure, 'secureConnect');
  secure.write(request);
  const [answer] = (await once(secure, 'data')) as [Buffer];
  assert.match(answer.toString(), /203\.0\.113\.9 https$/);
});

test('a listener that passes bytes on takes the header away', async (t) => {
  const upstream = await startRawUpstream((connection, chunk) => connection.send(`<${chunk}>`));
  t.after(() => upstream.close());
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', proxyProtocol: { from: ['127.0.0.1'] }, tcp: { to: 'upstream' } } },
    services: { upstream: { endpoints: [`tcp://127.0.0.1:${upstream.port}`] } },
  });
  t.after(() => gateway.stop());
  const client = await open(t, gateway);
  client.send(`${line}SELECT`);
  await client.until('<SELECT>');
  client.socket.end();
  await client.untilEnd();
  assert.equal((await gateway.stop())[0]!['client'], '203.0.113.9');
});

test('a gateway that stops does not wait for headers', async (t) => {
  const gateway = await startGateway(t);
  const client = await open(t, gateway);
  client.send('PROXY ');
  await gateway.stop();
  await client.untilEnd();
});
