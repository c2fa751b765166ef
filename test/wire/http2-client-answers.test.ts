// Answers as clients over HTTP/2 see them, from upstreams that write HTTP/1.1 byte for byte.
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly informational: readonly IncomingHttpHeaders[];
  readonly body: string;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly code: number;
}

async function openSession(t: TestContext, port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  session.on('error', () => undefined);
  await new Promise((resolve, reject) => session.once('remoteSettings', resolve).once('error', reject));
  return session;
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': '/', ':authority': 'shop', ...headers }, { endStream: body === undefined });
    let received: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    let text = '';
    const informational: IncomingHttpHeaders[] = [];
    stream.on('headers', (early) => informational.push(early));
    stream.on('response', (head) => {
      received = head;
    });
    stream.on('trailers', (behind) => {
      trailers = behind;
    });
    stream.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const status = Number(received[':status'] ?? 0);
      resolve({ status, headers: received, informational, body: text, trailers, code: stream.rstCode });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** What one answer of an upstream becomes. */
async function askFor(t: TestContext, answer: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
  );
  return await ask(await openSession(t, forwarding.gateway.port()), headers);
}

const forms: readonly (readonly [what: string, method: string, answer: string, expected: object])[] = [
  ['a length', 'GET', '200 OK\r\ncontent-length: 2\r\n\r\nok', { status: 200, body: 'ok', length: '2' }],
  ['chunks', 'GET', '200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', { status: 200, body: 'ok' }],
  ['no chunk at all', 'GET', '200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', { status: 200, body: '' }],
  ['an empty body', 'GET', '200 OK\r\ncontent-length: 0\r\n\r\n', { status: 200, body: '', length: '0' }],
  ['nothing but a head, for HEAD', 'HEAD', '200 OK\r\ncontent-length: 7\r\n\r\n', { status: 200, body: '', length: '7' }],
  ['no length, for HEAD', 'HEAD', '200 OK\r\ntransfer-encoding: chunked\r\n\r\n', { status: 200, body: '' }],
  ['204', 'GET', '204 No Content\r\n\r\n', { status: 204, body: '' }],
  ['205 with a body', 'GET', '205 Reset Content\r\ncontent-length: 2\r\n\r\nok', { status: 205, body: '' }],
  ['304 with a length', 'GET', '304 Not Modified\r\ncontent-length: 7\r\n\r\n', { status: 304, body: '', length: '7' }],
  ['the last status', 'GET', '599 Odd\r\ncontent-length: 1\r\n\r\nx', { status: 599, body: 'x', length: '1' }],
];

for (const [what, method, answer, expected] of forms) {
  test(`an answer with ${what} is whole`, async (t) => {
    const got = await askFor(t, `HTTP/1.1 ${answer}`, { ':method': method });
    const length = got.headers['content-length'];
    assert.deepEqual({ status: got.status, body: got.body, ...(length !== undefined && { length }) }, expected);
    assert.deepEqual([got.code, got.trailers], [0, undefined]);
    assert.ok(got.headers.date !== undefined && got.headers['x-request-id'] !== undefined);
  });
}

test('fields go on as they came, except those of a connection', async (t) => {
  const { headers, status } = await askFor(
    t,
    'HTTP/1.1 200 OK\r\nX-Tag: caf\xe9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nDate: then\r\nX-Empty:\r\n' +
      'Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nHTTP2-Settings: AAMAAABk\r\n' +
      'Upgrade: h2c\r\nProxy-Connection: keep-alive\r\nETag: "1"\r\nETag: "2"\r\ncontent-length: 0\r\n\r\n',
  );
  assert.equal(status, 200);
  assert.equal(headers['x-tag'], 'caf\xe9');
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
  assert.deepEqual([headers.date, headers['x-empty']], ['then', '']);
  // Node's client keeps the first of those that should come once.
  assert.equal(headers.etag, '"1"');
  for (const name of ['connection', 'x-hop', 'keep-alive', 'te', 'http2-settings', 'upgrade', 'proxy-connection'])
    assert.equal(name in headers, false, name);
});

test('a head as large as an upstream may send goes on', async (t) => {
  const fields = Array.from({ length: 100 }, (_, i) => `x-${i}: ${'v'.repeat(600)}\r\n`).join('');
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(`HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`)),
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/');
  await client.untilAnswered(1);
  assert.deepEqual([client.statusOf(1), client.bodyOf(1)], [200, 'ok']);
  const head = client.frames.filter(({ type }) => type === FrameType.headers || type === FrameType.continuation);
  assert.ok(head.reduce((sum, { payload }) => sum + payload.length, 0) > 40_000);
});

const chunkedWithTrailers = '200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n';

test('trailers go to clients that say they know them, and to those of gRPC', async (t) => {
  const answer = `HTTP/1.1 ${chunkedWithTrailers}`;
  const knowing = await askFor(t, answer, { te: 'trailers' });
  assert.deepEqual([knowing.body, knowing.trailers?.['x-sum']], ['ok', '1, 2']);
  const grpc = await askFor(t, answer, { 'content-type': 'application/grpc' });
  assert.equal(grpc.trailers?.['x-sum'], '1, 2');
  const other = await askFor(t, answer);
  assert.deepEqual([other.body, other.trailers, other.code], ['ok', undefined, 0]);
});

test('early hints come before the answer, each on its own', async (t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nlink: </b.css>\r\n\r\n';
  const { informational, body } = await askFor(t, `${early}${early}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`);
  assert.deepEqual(
    informational.map((head) => [head[':status'], head.link]),
    [
      [103, '</a.css>, </b.css>'],
      [103, '</a.css>, </b.css>'],
    ],
  );
  assert.equal(body, 'ok');
});

test('a client that waits for leave to send its body is given it by the upstream', async (t) => {
  const forwarding = await startForwarding(t, (connection, chunk) => {
    if (chunk.startsWith('POST')) connection.send('HTTP/1.1 100 Continue\r\n\r\n');
    else connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${chunk.length}\r\n\r\n${chunk}`);
  });
  const session = await openSession(t, forwarding.gateway.port());
  const head = { ':method': 'POST', ':path': '/', ':authority': 'shop', expect: '100-continue', 'content-length': 5 };
  const stream = session.request(head, { endStream: false });
  let body = '';
  stream.on('data', (bytes: Buffer) => {
    body += bytes.toString();
  });
  await new Promise<void>((resolve) => stream.once('continue', resolve));
  assert.match(forwarding.upstream.connections[0]!.received, /\r\nexpect: 100-continue\r\n/);
  stream.end('hello');
  await eventually(() => body === 'hello', 'the answer has come');
});

test('a small answer is one head and one frame of data that is the last', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/');
  await client.untilAnswered(1);
  const frames = client.frames.filter(({ stream }) => stream === 1);
  assert.deepEqual(
    frames.map(({ type, flags }) => [type, flags]),
    [
      [FrameType.headers, Flag.endHeaders],
      [FrameType.data, Flag.endStream],
    ],
  );
});

test('pieces of an answer arrive as they come', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection) => connection.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')),
  );
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/');
  await eventually(() => client.statusOf(1) === 200, 'the head has come');
  const [upstream] = forwarding.upstream.connections;
  for (const piece of ['one', 'two', 'three']) {
    upstream!.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await eventually(() => client.bodyOf(1).endsWith(piece), `${piece} has come`);
  }
  upstream!.send('0\r\n\r\n');
  await client.untilAnswered(1);
  assert.equal(client.bodyOf(1), 'onetwothree');
});

test('an upstream that cannot be reached is a problem document', async (t) => {
  const forwarding = await startForwarding(t, () => undefined, { service: { endpoints: ['http://127.0.0.1:1'] } });
  const answer = await ask(await openSession(t, forwarding.gateway.port()), { ':method': 'POST' }, 'a body');
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(JSON.parse(answer.body).code, 'GH_UPSTREAM_UNREACHABLE');
});
