// WebSockets from clients over HTTP/1 to upstreams over HTTP/2, by extended CONNECT (RFC 8441).
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import test, { type TestContext } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { type OnStream, startHttp2Upstream } from '#test/support/http2-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const handshake =
  'GET /chat?room=1 HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n' +
  `sec-websocket-version: 13\r\nsec-websocket-key: ${KEY}\r\nsec-websocket-protocol: chat\r\n\r\n`;

async function start(t: TestContext, onStream: OnStream, enableConnectProtocol = true): Promise<TestGateway> {
  const upstream = await startHttp2Upstream(t, onStream, { settings: { enableConnectProtocol } });
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  t.after(async () => {
    await gateway.stop();
    await eventually(() => upstream.sockets.every(({ closed }) => closed), 'the gateway has closed its connections');
  });
  return gateway;
}

test('a WebSocket is carried both ways, and its handshake is the one of the other version', async (t) => {
  let seen: IncomingHttpHeaders = {};
  const gateway = await start(t, (stream, headers) => {
    seen = headers;
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    stream.write('welcome ');
    stream.on('data', (bytes: Buffer) => stream.write(`<${bytes.toString()}>`));
    stream.on('end', () => stream.end());
  });
  const client = await openClient(t, gateway);
  client.send(handshake);
  const text = await client.until('welcome ');
  const accept = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  assert.match(text, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  for (const line of ['sec-websocket-protocol: chat', `sec-websocket-accept: ${accept}`, 'upgrade: websocket'])
    assert.ok(text.includes(`\r\n${line}\r\n`), text);
  client.send('hello');
  await client.until('<hello>');
  client.send('again');
  await client.until('<again>');
  client.socket.end();
  await client.untilEnd();
  assert.deepEqual(
    [seen[':method'], seen[':protocol'], seen[':path'], seen[':authority'], seen['sec-websocket-version']],
    ['CONNECT', 'websocket', '/chat?room=1', 'shop', '13'],
  );
  assert.equal('sec-websocket-key' in seen, false);
  const [line] = await gateway.stop();
  assert.equal(line!['status'], 101);
});

test('a WebSocket beside other calls on the same connection ends alone', async (t) => {
  const streams: ServerHttp2Stream[] = [];
  const gateway = await start(t, (stream) => {
    streams.push(stream);
    stream.respond({ ':status': 200 });
    stream.write('begun');
  });
  const neighbour = await openClient(t, gateway);
  neighbour.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await neighbour.until('begun');
  const client = await openClient(t, gateway);
  client.send(handshake);
  await client.until('begun');
  client.socket.resetAndDestroy();
  await eventually(() => streams[1]!.closed, 'the stream of the WebSocket is closed');
  assert.equal(streams[1]!.rstCode, 8);
  streams[0]!.end('end');
  await neighbour.until('end');
});

test('an upstream that breaks a WebSocket off breaks the client’s off', async (t) => {
  const gateway = await start(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.write('begun');
    stream.once('data', () => stream.close(2));
  });
  const client = await openClient(t, gateway);
  client.send(handshake);
  await client.until('begun');
  client.send('x');
  await client.untilEnd();
});

test('much is carried both ways, at the pace of the slower side', async (t) => {
  const gateway = await start(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const client = await openClient(t, gateway);
  client.send(handshake);
  await client.until('\r\n\r\n');
  client.take();
  const part = Buffer.alloc(256 * 1024, 'abcdefgh');
  for (let i = 0; i < 32; i++) client.send(part);
  await eventually(() => client.received.length === 32 * part.length, 'everything has come back');
  assert.equal(client.received.slice(-16), 'abcdefghabcdefgh');
});

test('an upstream may refuse a WebSocket', async (t) => {
  const gateway = await start(t, (stream) => {
    stream.respond({ ':status': 403, 'content-length': 2 });
    stream.end('no');
  });
  const client = await openClient(t, gateway);
  client.send(handshake);
  assert.match(await client.until('\r\n\r\nno'), /^HTTP\/1.1 403/);
});

test('an upstream that does not offer WebSockets is not asked', async (t) => {
  let asked = 0;
  const gateway = await start(
    t,
    (stream) => {
      asked += 1;
      stream.respond({ ':status': 204 }, { endStream: true });
    },
    false,
  );
  const client = await openClient(t, gateway);
  client.send(handshake);
  assert.match(await client.until('GH_UPSTREAM_NO_WEB_SOCKET"'), /^HTTP\/1.1 501/);
  const other = await openClient(t, gateway);
  other.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await other.until('204');
  assert.equal(asked, 1);
});
