// Answers that the gateway compresses, for every version of HTTP on either side: they are what the service sent, when it sent it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as request1, type ServerResponse } from 'node:http';
import { connect as connect2 } from 'node:http2';
import { connect } from 'node:net';
import type { Readable, Transform } from 'node:stream';
import { type TestContext, test } from 'node:test';
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { type ClientKind, clientKinds, openMatrixClient, startMatrixUpstream, type UpstreamKind } from '#test/support/matrix.ts';
import { createRandom } from '#test/support/random.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const codings = ['gzip', 'br', 'zstd'] as const;
type Coding = (typeof codings)[number];
const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const openDecoder: Readonly<Record<Coding, () => Transform>> = {
  gzip: () => createGunzip(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** Text of which a third is chance, so that a compressed answer is still long. */
function makeText(bytes: number): Buffer {
  const random = createRandom(7);
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += lines.at(-1)!.length)
    lines.push(`{"id":${lines.length},"name":"${random().toString(36)}","status":"shipped"}\n`);
  return Buffer.from(lines.join('')).subarray(0, bytes);
}

const LAST_CHUNK = '0\r\n\r\n';

const short = makeText(2_000);
const long = makeText(3_000_000);

type Events = Map<string, ServerResponse>;

function toHandler(events: Events = new Map()) {
  return (request: { url?: string | undefined }, response: ServerResponse) => {
    response.setHeader('content-type', 'text/plain');
    switch (request.url) {
      case '/short':
        response.setHeader('content-length', short.length);
        response.setHeader('etag', '"a"');
        return void response.end(short);
      case '/long':
        response.setHeader('content-length', long.length);
        return void response.end(long);
      case '/pieces':
        for (let at = 0; at < long.length; at += 50_000) response.write(long.subarray(at, at + 50_000));
        return void response.end();
      case '/trailers':
        response.setHeader('trailer', 'x-sum, content-digest');
        response.write(long);
        response.addTrailers({ 'x-sum': '42', 'content-digest': 'x' });
        return void response.end();
      case '/broken':
        response.write(long.subarray(0, 100_000));
        return void setImmediate(() =>
          'stream' in response ? (response.stream as { close(code: number): void }).close(2) : response.destroy(),
        );
      default:
        response.setHeader('content-type', 'text/event-stream');
        response.flushHeaders();
        events.set(request.url ?? '', response);
        return undefined;
    }
  };
}

async function start(t: TestContext, upstreamKind: UpstreamKind, events?: Events): Promise<TestGateway> {
  const service = await startMatrixUpstream(t, upstreamKind, toHandler(events));
  const tls = upstreamKind === 'h2' ? { tls: { ca: certificatePaths.authority } } : {};
  const secure = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
  const input: Partial<GatewayInput> = {
    listeners: { web: { address: '127.0.0.1:0' }, secure: { address: '127.0.0.1:0', tls: secure } },
    services: { main: { ...service, ...tls } },
    policies: { compress: {} },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
  };
  const gateway = await startTestGateway(input);
  t.after(() => gateway.stop());
  return gateway;
}

const portFor = (gateway: TestGateway, kind: ClientKind) => gateway.port(kind === 'h1+TLS' || kind === 'h2' ? 'secure' : 'web');

for (const upstreamKind of ['h1', 'h2c'] as const) {
  for (const clientKind of clientKinds) {
    test(`client ${clientKind}, upstream ${upstreamKind}: answers are what the service sent`, async (t) => {
      const gateway = await start(t, upstreamKind);
      const client = openMatrixClient(t, clientKind, portFor(gateway, clientKind));
      for (const coding of codings) {
        const fields = { 'accept-encoding': coding };
        for (const [path, body] of [
          ['/short', short],
          ['/long', long],
          ['/pieces', long],
        ] as const) {
          const answer = await client.ask({ path, fields });
          assert.deepEqual([answer.fields['content-encoding'], answer.isWhole], [coding, true], `${coding} ${path}`);
          assert.ok(answer.body.length < body.length * 0.7);
          assert.ok(decoders[coding](answer.body).equals(body));
          const length = answer.fields['content-length'];
          assert.equal(length, path === '/short' ? String(answer.body.length) : undefined);
        }
      }
      const head = await client.ask({ method: 'HEAD', path: '/short', fields: { 'accept-encoding': 'gzip' } });
      assert.deepEqual(
        ['content-encoding', 'content-length', 'etag', 'vary'].map((name) => head.fields[name]),
        ['gzip', undefined, 'W/"a"', 'accept-encoding'],
      );
      const trailers = await client.ask({ path: '/trailers', fields: { 'accept-encoding': 'zstd' } });
      assert.deepEqual([trailers.trailers['x-sum'], trailers.trailers['content-digest']], ['42', undefined]);
      assert.ok(zstdDecompressSync(trailers.body).equals(long));
      const plain = await client.ask({ path: '/long', fields: { 'accept-encoding': 'identity' } });
      assert.deepEqual([plain.fields['content-length'], plain.body.equals(long)], [String(long.length), true]);
      const broken = await client.ask({ path: '/broken', fields: { 'accept-encoding': 'br' } });
      assert.deepEqual([broken.status, broken.isWhole], [200, false]);
    });
  }
}

/** Asks, and decodes what comes as it comes. */
function openDecoded(t: TestContext, port: number, ask: { kind: 'h1' | 'h2c'; path: string; coding: Coding }) {
  const decoder = openDecoder[ask.coding]();
  const reading = { text: '', hasHead: false };
  decoder.on('data', (piece: Buffer) => {
    reading.text += piece.toString('latin1');
  });
  decoder.on('error', () => undefined);
  const take = (source: Readable) => {
    reading.hasHead = true;
    source.on('error', () => undefined);
    source.pipe(decoder);
  };
  const fields = { 'accept-encoding': ask.coding };
  if (ask.kind === 'h1') {
    const sent = request1({ host: '127.0.0.1', port, path: ask.path, headers: fields, agent: false });
    sent.on('response', take);
    sent.on('error', () => undefined);
    sent.end();
    t.after(() => sent.destroy());
  } else {
    const session = connect2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': ask.path, ...fields });
    stream.on('response', () => take(stream));
    t.after(() => session.destroy());
  }
  return reading;
}

for (const kind of ['h1', 'h2c'] as const) {
  for (const coding of codings) {
    test(`each event of a stream can be read when it was sent (${coding}, ${kind})`, async (t) => {
      const events: Events = new Map();
      const gateway = await start(t, 'h1', events);
      const reading = openDecoded(t, gateway.port(), { kind, path: '/events', coding });
      await eventually(() => reading.hasHead, 'the head is there before the first event');
      let expected = '';
      for (const event of ['data: 1\n\n', `data: ${'2'.repeat(20_000)}\n\n`, 'data: 3\n\n', 'data: 3\n\n']) {
        expected += event;
        events.get('/events')!.write(event);
        await eventually(() => reading.text === expected, `${event.length} bytes more can be read`);
      }
      events.get('/events')!.end();
    });
  }
}

test('a short answer that stands still in its middle goes on after a moment', async (t) => {
  const service = await startMatrixUpstream(t, 'h1', (_, response) => {
    response.setHeader('content-type', 'text/plain');
    response.setHeader('content-length', 4_000);
    response.write('a'.repeat(2_000));
  });
  const gateway = await startTestGateway({
    services: { main: service },
    routes: { all: { match: { path: '/*' }, to: 'main', policies: { compress: {} } } },
  });
  t.after(() => gateway.stop());
  const reading = openDecoded(t, gateway.port(), { kind: 'h1', path: '/', coding: 'gzip' });
  await eventually(() => reading.text.length === 2_000, 'the first half can be read');
});

test('a client that does not read makes the service wait, and gets everything in the end', async (t) => {
  const total = 32 * 1024 * 1024;
  const noise = Buffer.alloc(1024 * 1024);
  const random = createRandom(3);
  for (let i = 0; i < noise.length; i++) noise[i] = random() * 256;
  let sentBytes = 0;
  let isWaiting = false;
  const service = await startMatrixUpstream(t, 'h1', (_, response) => {
    response.setHeader('content-type', 'text/plain');
    const send = () => {
      isWaiting = false;
      while (sentBytes < total) {
        sentBytes += noise.length;
        if (!response.write(noise)) {
          isWaiting = true;
          return void response.once('drain', send);
        }
      }
      response.end();
    };
    send();
  });
  const gateway = await startTestGateway({
    services: { main: service },
    routes: { all: { match: { path: '/*' }, to: 'main', policies: { compress: { levels: { gzip: 1 } } } } },
  });
  t.after(() => gateway.stop());
  const socket = connect(gateway.port(), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('GET / HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n');
  // What both sockets and the gateway hold, and nothing beyond.
  let seen = -1;
  await eventually(() => {
    const isStill = isWaiting && sentBytes === seen;
    seen = sentBytes;
    return isStill && sentBytes > 1;
  }, 'the service waits');
  assert.ok(sentBytes < total / 2, `${sentBytes} bytes were taken`);
  let receivedBytes = 0;
  let last = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    receivedBytes += bytes.length;
    last = Buffer.concat([last, bytes]).subarray(-LAST_CHUNK.length);
  });
  await once(socket, 'end');
  assert.deepEqual([last.toString(), receivedBytes > total], [LAST_CHUNK, true]);
});

test('a client that goes in the middle of an answer leaves nothing behind', async (t) => {
  const events: Events = new Map();
  const gateway = await start(t, 'h1', events);
  const client = await RawClient.open(gateway.port());
  client.send('GET /events HTTP/1.1\r\nhost: a\r\naccept-encoding: br\r\n\r\n');
  await client.until('content-encoding: br');
  const response = events.get('/events')!;
  const left = once(response, 'close');
  client.close();
  await left;
});

test('a cache keeps one form of an answer, and each client gets its own', async (t) => {
  const kept = long.subarray(0, 500_000);
  const asked: (string | undefined)[] = [];
  const service = await startMatrixUpstream(t, 'h1', (request, response) => {
    asked.push(String(request.headers['accept-encoding']));
    response.setHeader('cache-control', 'max-age=600');
    response.setHeader('content-type', 'text/plain');
    response.setHeader('etag', '"a"');
    response.end(kept);
  });
  const gateway = await startTestGateway({
    services: { main: service },
    policies: { compress: { acceptEncoding: 'identity' }, cache: {} },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
  });
  t.after(() => gateway.stop());
  const client = openMatrixClient(t, 'h1', gateway.port());
  const ask = (fields: Record<string, string>) => client.ask({ path: '/', fields });
  for (const coding of codings) {
    const answer = await ask({ 'accept-encoding': coding });
    assert.deepEqual([answer.fields['content-encoding'], answer.fields['etag']], [coding, 'W/"a"']);
    assert.ok(decoders[coding](answer.body).equals(kept));
  }
  const plain = await ask({});
  assert.deepEqual([plain.fields['etag'], plain.body.equals(kept), asked], ['"a"', true, ['identity']]);
  const known = await ask({ 'accept-encoding': 'br', 'if-none-match': 'W/"a"' });
  assert.deepEqual([known.status, known.fields['etag'], known.fields['vary']], [304, 'W/"a"', 'accept-encoding']);
  const part = await ask({ 'accept-encoding': 'br', range: 'bytes=0-9' });
  assert.deepEqual([part.status, part.fields['content-encoding'], part.body], [206, undefined, kept.subarray(0, 10)]);
  const rest = await ask({ 'accept-encoding': 'br', range: 'bytes=10-', 'if-range': 'W/"a"' });
  assert.deepEqual([rest.status, rest.fields['content-encoding']], [200, 'br']);
});
