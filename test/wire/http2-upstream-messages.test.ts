// Requests that go to an upstream over HTTP/2, and its answers: what both sides see of them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import test, { type TestContext } from 'node:test';
import { readAnswers } from '#test/support/answers.ts';
import { eventually } from '#test/support/eventually.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { Flag, FrameType } from '#test/support/http2-frames.ts';
import { type OnStream, readAll, startHttp2Upstream } from '#test/support/http2-upstream.ts';
import { startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

async function start(t: TestContext, onStream: OnStream, service: object = {}): Promise<TestGateway> {
  const upstream = await startHttp2Upstream(t, onStream);
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2', ...service } });
  t.after(async () => {
    await gateway.stop();
    await eventually(() => upstream.sockets.every(({ closed }) => closed), 'the gateway has closed its connections');
  });
  return gateway;
}

/** Sends one request and returns what the upstream saw of it. */
async function see(t: TestContext, head: string, service: object = {}): Promise<IncomingHttpHeaders> {
  let seen: IncomingHttpHeaders = {};
  const gateway = await start(
    t,
    (stream, headers) => {
      seen = headers;
      stream.respond({ ':status': 204 }, { endStream: true });
    },
    service,
  );
  const client = await openClient(t, gateway);
  client.send(`${head}\r\n\r\n`);
  await client.until('\r\n\r\n');
  return seen;
}

test('a request keeps its method, target, host and fields, and says where it came from', async (t) => {
  const seen = await see(t, 'PATCH /a%2Fb/?q=%C3%A4 HTTP/1.1\r\nHost: Shop.test:81\r\nX-Team: \xe4\r\nAccept: a\r\nAccept: b');
  assert.deepEqual(Object.fromEntries(Object.entries({ ...seen, 'x-request-id': undefined })), {
    ':method': 'PATCH',
    ':scheme': 'http',
    ':authority': 'Shop.test:81',
    ':path': '/a%2Fb/?q=%C3%A4',
    'x-team': '\xe4',
    accept: 'a, b',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'Shop.test:81',
    forwarded: 'for=127.0.0.1;host="Shop.test:81";proto=http',
    via: '1.1 gatehouse',
    'x-request-id': undefined,
  });
  assert.match(seen['x-request-id'] as string, /^[0-9a-f]{32}$/);
});

test('what belongs to the connection of the client stays there', async (t) => {
  const seen = await see(
    t,
    'GET / HTTP/1.1\r\nhost: shop\r\nconnection: keep-alive, x-hop, te\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n' +
      'te: trailers, deflate\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\nproxy-connection: keep-alive',
  );
  const names = Object.keys(seen).filter(
    (name) => !name.startsWith(':') && !/^(x-forwarded-|forwarded|via|x-request-id)/.test(name),
  );
  assert.deepEqual(names, ['te']);
  assert.equal(seen.te, 'trailers');
});

test('the host is the one that the service wants', async (t) => {
  const seen = await see(t, 'GET / HTTP/1.1\r\nhost: shop', { host: { name: 'inner.test:8080' } });
  assert.equal(seen[':authority'], 'inner.test:8080');
});

test('fields that are repeated although they may stand once go on as they are', async (t) => {
  const seen = await see(t, 'GET / HTTP/1.1\r\nhost: shop\r\nuser-agent: a\r\nuser-agent: b');
  // Node shows the first.
  assert.equal(seen['user-agent'], 'a');
});

for (const [name, head, body] of [
  ['a body with its length', 'content-length: 5', 'hello'],
  ['a body in chunks', 'transfer-encoding: chunked', '3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'],
] as const) {
  test(`${name} arrives whole`, async (t) => {
    const gateway = await start(t, async (stream, headers) => {
      const text = (await readAll(stream)).toString();
      stream.respond({ ':status': 200, 'x-length': headers['content-length'] ?? 'none' });
      stream.end(text);
    });
    const client = await openClient(t, gateway);
    client.send(`POST / HTTP/1.1\r\nhost: shop\r\n${head}\r\n\r\n${body}`);
    await client.until('0\r\n\r\n');
    const [answer] = readAnswers(client.received).answers;
    assert.equal(answer?.body, 'hello');
    assert.match(answer.head, head.startsWith('content') ? /x-length: 5/ : /x-length: none/);
  });
}

test('an empty body in chunks is a body that ends', async (t) => {
  const gateway = await start(t, async (stream) => {
    const { length } = await readAll(stream);
    stream.respond({ ':status': 200, 'x-bytes': length }, { endStream: true });
  });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n');
  assert.match(await client.until('\r\n\r\n'), /x-bytes: 0\r\n/);
});

test('trailers go on both ways, without those that would mean something in the head', async (t) => {
  let trailers: unknown;
  const gateway = await start(t, (stream) => {
    stream.on('trailers', (fields) => {
      trailers = Object.entries(fields);
    });
    stream.resume();
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '2', 'set-cookie': 'a=b' }));
      stream.end('ok');
    });
  });
  const client = await openClient(t, gateway);
  client.send(
    'POST / HTTP/1.1\r\nhost: shop\r\nte: trailers\r\nconnection: te\r\ntransfer-encoding: chunked\r\n\r\n' +
      '2\r\nhi\r\n0\r\nx-sum: 1\r\nx-sum: 3\r\nauthorization: a\r\n\r\n',
  );
  const text = await client.until('x-sum: 2\r\n\r\n');
  assert.ok(text.endsWith('2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n'), text);
  assert.deepEqual(trailers, [['x-sum', '1, 3']]);
});

test('an answer keeps its status and its fields in their order, and cookies stay apart', async (t) => {
  const gateway = await start(t, (stream) => {
    stream.respond([':status', '418', 'set-cookie', 'a=1', 'x-b', '\xe4', 'set-cookie', 'b=2', 'content-length', '2'] as never);
    stream.end('ok');
  });
  const client = await openClient(t, gateway);
  client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await client.until('\r\n\r\nok');
  const [answer] = readAnswers(client.received).answers;
  const lines = answer!.head.split('\r\n').filter((line) => !/^(date|x-request-id)/.test(line));
  assert.deepEqual(lines.slice(0, 4), ["HTTP/1.1 418 I'm a Teapot", 'set-cookie: a=1', 'x-b: \xe4', 'set-cookie: b=2']);
  assert.match(answer!.head, /\r\ncontent-length: 2(\r\n|$)/);
});

for (const { name, method, status, fields, expected } of [
  { name: 'HEAD', method: 'HEAD', status: 200, fields: { 'content-length': '5' }, expected: /content-length: 5\r\n/ },
  { name: '204', method: 'GET', status: 204, fields: {}, expected: /^(?!.*content-length)/s },
  { name: '304', method: 'GET', status: 304, fields: { etag: '"a"' }, expected: /^(?!.*content-length)/s },
  { name: 'an answer that ends with its head', method: 'GET', status: 200, fields: {}, expected: /content-length: 0\r\n/ },
]) {
  test(`the answer to ${name} has no body`, async (t) => {
    const gateway = await start(t, (stream) => stream.respond({ ':status': status, ...fields }, { endStream: true }));
    const client = await openClient(t, gateway);
    client.send(`${method} / HTTP/1.1\r\nhost: shop\r\n\r\nGET /-/local HTTP/1.1\r\nhost: shop\r\n\r\n`);
    const text = await client.until(/HTTP\/1.1 204 No Content\r\n.*?\r\n\r\n$/s);
    assert.match(text.slice(0, text.indexOf('\r\n\r\n') + 4), expected);
    assert.equal(readAnswers(text, [method]).rest, '');
  });
}

test('early hints and leave to send the body go on before the answer', async (t) => {
  const gateway = await start(t, async (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' });
    stream.additionalHeaders({ ':status': 100 });
    const text = (await readAll(stream)).toString();
    stream.respond({ ':status': 200, 'content-length': text.length });
    stream.end(text);
  });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  client.send('ok');
  const text = await client.until('\r\n\r\nok');
  assert.match(
    text,
    /^HTTP\/1.1 103 Early Hints\r\nlink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/,
  );
});

test('an answer may begin, and both sides go on, before the request has ended', async (t) => {
  const gateway = await start(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.on('data', (bytes: Buffer) => stream.write(`<${bytes.toString()}>`));
    stream.on('end', () => stream.end());
  });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  await client.until('<a>');
  client.send('1\r\nb\r\n');
  await client.until('<b>');
  client.send('0\r\n\r\n');
  await client.until('0\r\n\r\n');
});

test('an answer that is whole before its request ends the stream, and the connection goes on', async (t) => {
  const codes: number[] = [];
  let calls = 0;
  const gateway = await start(t, (stream) => {
    stream.on('close', () => codes.push(stream.rstCode));
    stream.respond({ ':status': calls++ === 0 ? 413 : 200 });
    stream.end('no');
  });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n');
  await client.until('2\r\nno\r\n0\r\n\r\n');
  await eventually(() => codes.length === 1, 'the stream is closed');
  const other = await openClient(t, gateway);
  other.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  assert.match(await other.until('0\r\n\r\n'), /^HTTP\/1.1 200/);
});

test('a client that leaves resets its stream at once, and only that', async (t) => {
  const streams: ServerHttp2Stream[] = [];
  const gateway = await start(t, (stream) => {
    streams.push(stream);
    stream.respond({ ':status': 200 });
    stream.write('begun');
  });
  const leaving = await openClient(t, gateway);
  leaving.send('GET /1 HTTP/1.1\r\nhost: shop\r\n\r\n');
  await leaving.until('begun');
  const staying = await openClient(t, gateway);
  staying.send('GET /2 HTTP/1.1\r\nhost: shop\r\n\r\n');
  await staying.until('begun');
  leaving.socket.resetAndDestroy();
  await once(streams[0]!, 'close');
  assert.equal(streams[0]!.rstCode, 8);
  streams[1]!.end('end');
  await staying.until('end');
});

test('a request that its client breaks off is not taken for whole', async (t) => {
  const upstream = await startRawHttp2Upstream(t, {});
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  const client = await openClient(t, gateway);
  client.send('POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n');
  const framesOf = (type: number) => upstream.connections[0]?.frames.filter((frame) => frame.type === type) ?? [];
  await eventually(() => framesOf(FrameType.data).length > 0, 'the beginning is there');
  client.socket.resetAndDestroy();
  await eventually(() => framesOf(FrameType.rstStream).length > 0, 'the stream is reset');
  assert.equal(framesOf(FrameType.rstStream)[0]!.payload.readUInt32BE(0), 8);
  assert.ok([...framesOf(FrameType.data), ...framesOf(FrameType.headers)].every(({ flags }) => (flags & Flag.endStream) === 0));
});

test('a large answer and a large request arrive whole', async (t) => {
  const part = Buffer.alloc(100_000);
  for (let i = 0; i < part.length; i++) part[i] = i % 251;
  const whole = Buffer.concat(Array<Buffer>(50).fill(part));
  const gateway = await start(t, async (stream) => {
    const body = await readAll(stream);
    stream.respond({ ':status': 200 });
    stream.end(body);
  });
  const sent = request({ port: gateway.port(), method: 'PUT', agent: false });
  sent.end(whole);
  const [answer] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  assert.ok(Buffer.concat(chunks).equals(whole));
});

test('a client that does not read stops the upstream, and nobody else', async (t) => {
  let written = 0;
  const gateway = await start(t, (stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] !== '/large') return void stream.end('small');
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const write = (): void => {
      while (!stream.destroyed && written < 64 * 1024 * 1024) {
        written += chunk.length;
        if (!stream.write(chunk)) return void stream.once('drain', write);
      }
      stream.end();
    };
    write();
  });
  const slow = await openClient(t, gateway);
  slow.socket.pause();
  slow.send('GET /large HTTP/1.1\r\nhost: shop\r\n\r\n');
  let before = -1;
  await eventually(() => {
    const stands = written === before && written > 0;
    before = written;
    return stands;
  }, 'the upstream stands still');
  assert.ok(written < 16 * 1024 * 1024, `${written} bytes were taken for a client that reads none`);
  const other = await openClient(t, gateway);
  other.send('GET /small HTTP/1.1\r\nhost: shop\r\n\r\n');
  await other.until('small');
  slow.socket.resume();
  await eventually(() => written === 64 * 1024 * 1024, 'the rest is sent');
});

test('an upstream that does not read stops the client', async (t) => {
  let stream: ServerHttp2Stream | undefined;
  const gateway = await start(t, (opened) => {
    stream = opened;
  });
  const client = await openClient(t, gateway);
  const total = 32 * 1024 * 1024;
  client.send(`POST / HTTP/1.1\r\nhost: shop\r\ncontent-length: ${total}\r\n\r\n`);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  const write = (): void => {
    while (sent < total) {
      sent += chunk.length;
      if (!client.socket.write(chunk)) return void client.socket.once('drain', write);
    }
  };
  write();
  let before = -1;
  await eventually(() => {
    const stands = sent === before && stream !== undefined;
    before = sent;
    return stands;
  }, 'the client stands still');
  assert.ok(sent < total);
  const body = await readAll(stream!);
  assert.equal(body.length, total);
  stream!.respond({ ':status': 204 }, { endStream: true });
  await client.until('204');
});
