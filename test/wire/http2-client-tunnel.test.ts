// WebSockets from clients over HTTP/2, by extended CONNECT (RFC 8441), to upstreams of both versions.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { onEachRequest, startForwarding, startGatewayFor } from '#test/support/forwarding.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

const handshake = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/chat?room=1',
  ':authority': 'shop',
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'chat',
};

async function openSession(t: TestContext, gateway: TestGateway): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => session.destroy());
  session.on('error', () => undefined);
  await new Promise((resolve, reject) => session.once('remoteSettings', resolve).once('error', reject));
  return session;
}

interface Socketlike {
  readonly stream: ClientHttp2Stream;
  readonly head: IncomingHttpHeaders | undefined;
  readonly text: string;
  readonly hasEnded: boolean;
}

function openWebSocket(session: ClientHttp2Session, headers: object = handshake): Socketlike {
  const stream = session.request({ ...headers });
  let head: IncomingHttpHeaders | undefined;
  let text = '';
  let hasEnded = false;
  stream.on('error', () => undefined);
  stream.on('response', (received) => {
    head = received;
  });
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  stream.on('end', () => {
    hasEnded = true;
  });
  return {
    stream,
    get head() {
      return head;
    },
    get text() {
      return text;
    },
    get hasEnded() {
      return hasEnded;
    },
  };
}

/** What an upstream over HTTP/1.1 answers to a handshake. */
function accept(head: string, more = ''): string {
  const key = /^sec-websocket-key: (.*)\r$/m.exec(head)?.[1] ?? '';
  const value = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return (
    'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n' +
    `sec-websocket-accept: ${value}\r\nsec-websocket-protocol: chat\r\n\r\n${more}`
  );
}

test('clients are told that WebSockets are carried', async (t) => {
  const { gateway } = await startForwarding(t, () => undefined);
  const session = await openSession(t, gateway);
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
});

test('a WebSocket to an upstream over HTTP/1.1 is the handshake of that version, and then bytes both ways', async (t) => {
  const { gateway, upstream } = await startForwarding(t, (connection, chunk) => {
    if (chunk.startsWith('GET ')) connection.send(accept(chunk, 'welcome '));
    else connection.send(`<${chunk}>`);
  });
  const session = await openSession(t, gateway);
  const client = openWebSocket(session);
  await eventually(() => client.text === 'welcome ', 'the first bytes have come');
  client.stream.write('hello');
  await eventually(() => client.text.includes('<hello>'), 'what was sent comes back');
  const { received } = upstream.connections[0]!;
  assert.match(received, /^GET \/chat\?room=1 HTTP\/1\.1\r\nhost: shop\r\n/);
  assert.match(received, /\r\nsec-websocket-version: 13\r\n/);
  assert.match(received, /\r\nsec-websocket-key: [A-Za-z0-9+/]{22}==\r\n/);
  assert.match(received, /\r\nupgrade: websocket\r\nconnection: upgrade\r\n/);
  const { ':status': status, 'sec-websocket-protocol': protocol, ...others } = client.head!;
  assert.deepEqual([status, protocol], [200, 'chat']);
  for (const name of ['upgrade', 'connection', 'sec-websocket-accept', 'content-length']) assert.equal(name in others, false);
  client.stream.end();
  await eventually(() => client.hasEnded && client.stream.closed, 'the stream has ended');
  assert.equal(client.stream.rstCode, 0);
  session.close();
  const [line] = await gateway.stop();
  assert.partialDeepStrictEqual(line, {
    method: 'GET',
    target: '/chat?room=1',
    status: 101,
    tunnel: true,
    protocol: 'HTTP/2',
    requestBytes: 5,
    responseBytes: 15,
  });
});

test('a WebSocket to an upstream over HTTP/2 is another extended CONNECT', async (t) => {
  let seen: IncomingHttpHeaders = {};
  const upstream = await startHttp2Upstream(
    t,
    (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 200 });
      stream.on('data', (bytes: Buffer) => stream.write(`<${bytes.toString()}>`));
      stream.on('end', () => stream.end('bye'));
    },
    { settings: { enableConnectProtocol: true } },
  );
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  const client = openWebSocket(await openSession(t, gateway));
  client.stream.write('hello');
  await eventually(() => client.text === '<hello>', 'what was sent comes back');
  client.stream.end();
  await eventually(() => client.text === '<hello>bye' && client.hasEnded, 'the other side has ended too');
  assert.deepEqual([seen[':method'], seen[':protocol'], seen[':path']], ['CONNECT', 'websocket', '/chat?room=1']);
  assert.equal('sec-websocket-key' in seen, false);
  assert.equal('sec-websocket-accept' in client.head!, false);
});

test('an upstream that refuses the handshake is heard, and the connection goes on', async (t) => {
  const { gateway } = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      if (head.startsWith('GET /chat')) connection.send('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno');
      else connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    }),
  );
  const session = await openSession(t, gateway);
  const client = openWebSocket(session);
  await eventually(() => client.stream.closed, 'the stream is closed');
  assert.deepEqual([client.head![':status'], client.text, client.stream.rstCode], [403, 'no', 0]);
  const next = openWebSocket(session, { ':path': '/', ':authority': 'shop' });
  await eventually(() => next.text === 'ok', 'the next request is answered');
});

test('an upstream that accepts a handshake which it was not asked for is not believed', async (t) => {
  const { gateway, upstream } = await startForwarding(
    t,
    onEachRequest((connection, head) => connection.send(accept(head).replace(/accept: .*\r/, 'accept: AAAA\r'))),
  );
  const client = openWebSocket(await openSession(t, gateway));
  await eventually(() => client.stream.closed, 'the stream is closed');
  assert.equal(client.stream.rstCode, 2);
  await eventually(() => upstream.connections[0]!.socket.closed, 'the upstream is left');
  const [line] = await gateway.stop();
  assert.equal(line!['code'], 'GH_UPSTREAM_UNEXPECTED_UPGRADE');
});

test('a client that breaks its WebSocket off resets the connection to the upstream', async (t) => {
  const { gateway, upstream } = await startForwarding(
    t,
    onEachRequest((connection, head) => connection.send(accept(head))),
  );
  const session = await openSession(t, gateway);
  const client = openWebSocket(session);
  await eventually(() => client.head !== undefined, 'the WebSocket is open');
  const { socket } = upstream.connections[0]!;
  let error: Error | undefined;
  socket.on('error', (seen) => {
    error = seen;
  });
  client.stream.destroy(new Error('enough'));
  await eventually(() => socket.closed, 'the upstream is left');
  assert.equal((error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET');
  assert.equal(session.closed, false);
});

test('an upstream that breaks a WebSocket off resets its stream alone', async (t) => {
  const { gateway, upstream } = await startForwarding(
    t,
    onEachRequest((connection, head) => connection.send(accept(head))),
  );
  const session = await openSession(t, gateway);
  const client = openWebSocket(session);
  await eventually(() => client.head !== undefined, 'the WebSocket is open');
  upstream.connections[0]!.socket.resetAndDestroy();
  await eventually(() => client.stream.closed, 'the stream is closed');
  assert.notEqual(client.stream.rstCode, 0);
  assert.equal(session.closed, false);
});

test('an upstream that does not read holds a WebSocket up, and loses nothing', async (t) => {
  const BYTES = 8 * 1024 * 1024;
  let receivedBytes = 0;
  const { gateway, upstream } = await startForwarding(t, (connection, chunk) => {
    if (chunk.startsWith('GET ')) {
      connection.send(accept(chunk));
      connection.socket.pause();
    } else receivedBytes += chunk.length;
  });
  const client = openWebSocket(await openSession(t, gateway));
  await eventually(() => client.head !== undefined, 'the WebSocket is open');
  client.stream.write(Buffer.alloc(BYTES));
  await eventually(() => client.stream.writableLength > 0, 'the client waits');
  assert.equal(receivedBytes, 0);
  upstream.connections[0]!.socket.resume();
  await eventually(() => receivedBytes === BYTES, 'the upstream has everything');
});
