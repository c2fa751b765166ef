// What clients and operators are told when an upstream over HTTP/2 breaks the rules, breaks off, or is silent.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, type ForwardingOptions, openClient, startGatewayFor } from '#test/support/forwarding.ts';
import {
  encodeData,
  encodeFrame,
  encodeGoaway,
  encodeHeaders,
  encodeReset,
  Flag,
  FrameType,
} from '#test/support/http2-frames.ts';
import { startHttp2Upstream } from '#test/support/http2-upstream.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import { type RawHttp2Connection, type RawHttp2Script, startRawHttp2Upstream } from '#test/support/raw-http2-upstream.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

type Service = NonNullable<ForwardingOptions['service']>;

async function start(t: TestContext, script: RawHttp2Script, service: Service = {}, clock?: FakeClock) {
  const upstream = await startRawHttp2Upstream(t, script);
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', ...service },
    ...(clock !== undefined && { clock }),
  });
  return { gateway, upstream };
}

async function get(t: TestContext, gateway: TestGateway, path = '/'): Promise<RawClient> {
  const client = await openClient(t, gateway);
  client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  return client;
}

const head = (stream: number, flags = 0) => encodeHeaders(stream, [':status', '200'], Flag.endHeaders | flags);

interface Breach {
  readonly name: string;
  readonly send: (stream: number) => Buffer;
  readonly code: string;
  readonly reason?: string;
  readonly status?: number;
}

const fields = (stream: number, ...list: string[]) =>
  encodeHeaders(stream, [':status', '200', ...list], Flag.endHeaders | Flag.endStream);

/** Mistakes in one answer. They must not touch another one on the same connection. */
const breaches: readonly Breach[] = [
  { name: 'no status', send: (id) => encodeHeaders(id, ['x-a', '1']), code: 'MALFORMED_ANSWER' },
  { name: 'two statuses', send: (id) => encodeHeaders(id, [':status', '200', ':status', '200']), code: 'MALFORMED_ANSWER' },
  { name: 'a status of letters', send: (id) => encodeHeaders(id, [':status', 'abc']), code: 'MALFORMED_ANSWER' },
  { name: 'a status below 100', send: (id) => encodeHeaders(id, [':status', '099']), code: 'MALFORMED_ANSWER' },
  { name: 'a status above 599', send: (id) => encodeHeaders(id, [':status', '600']), code: 'MALFORMED_ANSWER' },
  { name: 'a status with four digits', send: (id) => encodeHeaders(id, [':status', '2000']), code: 'MALFORMED_ANSWER' },
  { name: 'a change of protocol', send: (id) => encodeHeaders(id, [':status', '101']), code: 'MALFORMED_ANSWER' },
  {
    name: 'an informational answer that ends the stream',
    send: (id) => encodeHeaders(id, [':status', '103'], Flag.endHeaders | Flag.endStream),
    code: 'MALFORMED_ANSWER',
  },
  {
    name: 'a pseudo field behind others',
    send: (id) => encodeHeaders(id, ['x-a', '1', ':status', '200']),
    code: 'MALFORMED_ANSWER',
  },
  { name: 'a pseudo field that answers do not have', send: (id) => fields(id, ':path', '/'), code: 'MALFORMED_ANSWER' },
  { name: 'a name with capitals', send: (id) => fields(id, 'X-A', '1'), code: 'MALFORMED_ANSWER' },
  { name: 'a field of HTTP/1 connections', send: (id) => fields(id, 'connection', 'close'), code: 'MALFORMED_ANSWER' },
  { name: 'a transfer coding', send: (id) => fields(id, 'transfer-encoding', 'chunked'), code: 'MALFORMED_ANSWER' },
  { name: 'two lengths', send: (id) => fields(id, 'content-length', '0', 'content-length', '0'), code: 'MALFORMED_ANSWER' },
  { name: 'a length that is no number', send: (id) => fields(id, 'content-length', '-1'), code: 'MALFORMED_ANSWER' },
  {
    name: 'more informational answers than are accepted',
    send: (id) => Buffer.concat(Array.from({ length: 40 }, () => encodeHeaders(id, [':status', '103']))),
    code: 'TOO_MANY_INFORMATIONAL',
  },
  { name: 'RST_STREAM with INTERNAL_ERROR', send: (id) => encodeReset(id, 2), code: 'TRUNCATED_HEAD', reason: 'INTERNAL_ERROR' },
  { name: 'RST_STREAM with CANCEL', send: (id) => encodeReset(id, 8), code: 'TRUNCATED_HEAD', reason: 'CANCEL' },
  { name: 'RST_STREAM with NO_ERROR', send: (id) => encodeReset(id, 0), code: 'TRUNCATED_HEAD', reason: 'NO_ERROR' },
  {
    name: 'RST_STREAM with a code that there is not',
    send: (id) => encodeReset(id, 4711),
    code: 'TRUNCATED_HEAD',
    reason: 'code 4711',
  },
  {
    name: 'RST_STREAM with HTTP_1_1_REQUIRED',
    send: (id) => encodeReset(id, 13),
    code: 'NO_HTTP2',
    reason: 'HTTP_1_1_REQUIRED',
  },
];

for (const { name, send, code, reason } of breaches) {
  test(`an answer with ${name} fails alone`, async (t) => {
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        if (stream > 1) connection.send(send(stream));
      },
    });
    const neighbour = await get(t, gateway, '/neighbour');
    await eventually(() => upstream.connections[0]?.streams.length === 1, 'the neighbour is there');
    const client = await get(t, gateway);
    assert.match(await client.until(`GH_UPSTREAM_${code}"`), /^HTTP\/1.1 502/m);
    const [connection] = upstream.connections;
    connection!.send(encodeHeaders(1, [':status', '200', 'content-length', '2']), encodeData(1, 'ok', Flag.endStream));
    await neighbour.until('\r\n\r\nok');
    const lines = await gateway.stop();
    const detail = lines.find((line) => line['code'] === `GH_UPSTREAM_${code}`)?.['detail'] as { reason?: string } | undefined;
    if (reason !== undefined) assert.equal(detail?.reason, reason);
    assert.equal(upstream.connections.length, 1);
  });
}

for (const [name, list] of [
  ['too many fields', Array.from({ length: 200 }, (_, i) => [`x-${i}`, '1']).flat()],
  ['fields that are too large', Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'x'.repeat(4_000)]).flat()],
] as const) {
  test(`an answer with ${name} fails alone`, async (t) => {
    const block = encodeHeaders(1, [':status', '200', ...list]);
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        if (stream > 1) return connection.send(encodeHeaders(stream, [':status', '204'], Flag.endHeaders | Flag.endStream));
        // Larger than a frame may be.
        const payload = block.subarray(9);
        const parts: Buffer[] = [];
        for (let at = 0; at < payload.length; at += 16_000) {
          const isLast = at + 16_000 >= payload.length;
          const type = at === 0 ? FrameType.headers : FrameType.continuation;
          parts.push(encodeFrame(type, isLast ? Flag.endHeaders : 0, stream, payload.subarray(at, at + 16_000)));
        }
        connection.send(...parts);
      },
    });
    assert.match(await (await get(t, gateway)).until('GH_UPSTREAM_HEAD_TOO_LARGE"'), /^HTTP\/1.1 502/);
    await (await get(t, gateway)).until('HTTP/1.1 204');
    assert.equal(upstream.connections.length, 1);
  });
}

/** An answer that has begun and does not end as it should: the client must not take it for whole. */
const truncations: readonly { name: string; end: (stream: number, connection: RawHttp2Connection) => void; reason: string }[] = [
  { name: 'RST_STREAM with INTERNAL_ERROR', end: (id, it) => it.send(encodeReset(id, 2)), reason: 'INTERNAL_ERROR' },
  { name: 'RST_STREAM with NO_ERROR', end: (id, it) => it.send(encodeReset(id, 0)), reason: 'NO_ERROR' },
  { name: 'RST_STREAM with CANCEL', end: (id, it) => it.send(encodeReset(id, 8)), reason: 'CANCEL' },
  { name: 'the end of the connection', end: (_id, it) => it.destroy(), reason: 'closed' },
  { name: 'GOAWAY with an error', end: (_id, it) => it.send(encodeGoaway(1, 2)), reason: 'GOAWAY INTERNAL_ERROR' },
  {
    name: 'fields behind the body without an end',
    end: (id, it) => it.send(encodeHeaders(id, ['x-a', '1'])),
    reason: 'PROTOCOL_ERROR',
  },
];

for (const { name, end, reason } of truncations) {
  for (const method of ['GET', 'POST']) {
    test(`${method}: an answer that breaks off by ${name} is not taken for whole`, async (t) => {
      const { gateway } = await start(t, {
        onRequest(stream, connection) {
          connection.send(head(stream), encodeData(stream, 'begun'));
          setImmediate(() => end(stream, connection));
        },
      });
      const client = await openClient(t, gateway);
      const body = method === 'POST' ? 'transfer-encoding: chunked\r\n' : '';
      client.send(`${method} / HTTP/1.1\r\nhost: shop\r\n${body}\r\n`);
      const text = await client.untilEnd();
      assert.match(text, /\r\n5\r\nbegun\r\n$/);
      const lines = await gateway.stop();
      assert.equal(lines[0]?.['code'], 'GH_UPSTREAM_TRUNCATED_BODY');
      assert.equal((lines[0]['detail'] as { reason: string }).reason, reason);
    });
  }
}

test('an answer that is longer or shorter than its length is not taken for whole', async (t) => {
  const { gateway } = await start(t, {
    onRequest(stream, connection) {
      const bytes = stream === 1 ? 'x'.repeat(11) : 'x'.repeat(9);
      connection.send(
        encodeHeaders(stream, [':status', '200', 'content-length', '10']),
        encodeData(stream, bytes, Flag.endStream),
      );
    },
  });
  for (let i = 0; i < 2; i++) {
    const client = await get(t, gateway);
    const text = await client.untilEnd();
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.ok(body.length !== 10 || text.includes('GH_UPSTREAM'), text);
  }
});

test('fields that cannot be are left out', async (t) => {
  const { gateway } = await start(t, {
    onRequest: (stream, connection) =>
      connection.send(fields(stream, 'x a', '1', 'x-b', 'a\r\nset-cookie: b', 'x-c', 'a\nb', 'x-d', 'a\0b', 'x-e', 'e')),
  });
  const text = await (await get(t, gateway)).until('\r\n\r\n');
  const lines = text.split('\r\n').filter((line) => !/^(date|x-request-id|content-length)/.test(line));
  assert.deepEqual(lines, ['HTTP/1.1 200 OK', 'x-e: e', '', '']);
});

/** Mistakes that concern the whole connection. */
for (const { name, send } of [
  { name: 'a body before the head', send: () => encodeData(1, 'x') },
  { name: 'a frame that is too large', send: () => encodeFrame(FrameType.data, 0, 1, Buffer.alloc(20_000)) },
  { name: 'settings on a stream', send: () => encodeFrame(FrameType.settings, 0, 1) },
  { name: 'data on a stream that nobody opened', send: () => encodeData(99, 'x') },
  {
    name: 'a field block that cannot be decoded',
    send: () => encodeFrame(FrameType.headers, Flag.endHeaders, 1, Buffer.from([0xff, 0xff])),
  },
  {
    name: 'a pushed answer',
    send: () => encodeFrame(FrameType.pushPromise, Flag.endHeaders, 1, Buffer.from([0, 0, 0, 2, 0x88])),
  },
  { name: 'bytes of something else', send: () => Buffer.from('HTTP/1.1 200 OK\r\n\r\n') },
]) {
  test(`${name} ends the connection and its answers, and the next request finds another`, async (t) => {
    const { gateway, upstream } = await start(t, {
      onRequest(stream, connection) {
        if (connection.index === 0) connection.send(send());
        else connection.send(head(stream, Flag.endStream));
      },
    });
    assert.match(await (await get(t, gateway)).until('GH_UPSTREAM_MALFORMED_ANSWER"'), /^HTTP\/1.1 502/);
    await (await get(t, gateway)).until('HTTP/1.1 200');
    assert.equal(upstream.connections.length, 2);
  });
}

test('an upstream that speaks HTTP/1 is told apart', async (t) => {
  const upstream = await startRawUpstream((connection) => {
    connection.send('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    connection.socket.end();
  });
  t.after(() => upstream.close());
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  assert.match(await (await get(t, gateway)).until('GH_UPSTREAM_NO_HTTP2"'), /^HTTP\/1.1 502/);
  assert.doesNotMatch(upstream.connections[0]!.received, /shop/);
});

test('an upstream that accepts and closes cannot be reached', async (t) => {
  const upstream = await startRawUpstream((connection) => connection.socket.destroy());
  t.after(() => upstream.close());
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  assert.match(await (await get(t, gateway)).until('GH_UPSTREAM_UNREACHABLE"'), /^HTTP\/1.1 502/);
});

test('every request that waits for a connection fails with it', async (t) => {
  const upstream = await startRawUpstream(() => undefined);
  await upstream.close();
  const gateway = await startGatewayFor(t, { service: { endpoints: [upstream.url], protocol: 'http2' } });
  const clients = await Promise.all(Array.from({ length: 5 }, () => openClient(t, gateway)));
  for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  for (const client of clients) assert.match(await client.until('GH_UPSTREAM_UNREACHABLE"'), /^HTTP\/1.1 502/);
});

test('an upstream that never sends its settings has the time of a connection', async (t) => {
  const clock = new FakeClock();
  const upstream = await startRawUpstream(() => undefined);
  t.after(() => upstream.close());
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', timeouts: { connect: '3s' } },
    clock,
  });
  const client = await get(t, gateway);
  await eventually(() => upstream.connections.length === 1, 'the connection is there');
  await advance(clock, 4_000, gateway);
  assert.match(await client.until('GH_UPSTREAM_CONNECT_TIMEOUT"'), /^HTTP\/1.1 504/);
});

test('an answer that does not begin in time resets its stream alone', async (t) => {
  const clock = new FakeClock();
  const { gateway, upstream } = await start(t, {}, { timeouts: { firstByte: '5s' } }, clock);
  const client = await get(t, gateway);
  await eventually(() => upstream.connections[0]?.streams.length === 1, 'the request is there');
  await advance(clock, 7_000, gateway);
  assert.match(await client.until('GH_UPSTREAM_FIRST_BYTE_TIMEOUT"'), /^HTTP\/1.1 504/);
  const [connection] = upstream.connections;
  await eventually(() => connection!.frames.some(({ type }) => type === FrameType.rstStream), 'the stream is reset');
  assert.equal(
    connection!.frames.some(({ type }) => type === FrameType.goaway),
    false,
  );
});

test('an answer that stands still for too long is broken off', async (t) => {
  const clock = new FakeClock();
  const { gateway } = await start(
    t,
    { onRequest: (stream, connection) => connection.send(head(stream), encodeData(stream, 'begun')) },
    { timeouts: { idle: '5s' } },
    clock,
  );
  const client = await get(t, gateway);
  await client.until('begun');
  await advance(clock, 7_000, gateway);
  await client.untilEnd();
  const lines = await gateway.stop();
  assert.ok(lines.some((line) => line['code'] === 'GH_UPSTREAM_IDLE_TIMEOUT'));
});

test('a client that takes its time is not the upstream’s fault', async (t) => {
  const clock = new FakeClock();
  const total = 32 * 1024 * 1024;
  let written = 0;
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({ ':status': 200, 'content-length': total });
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const write = (): void => {
      while (written < total) {
        written += chunk.length;
        if (!stream.write(chunk)) return void stream.once('drain', write);
      }
      stream.end();
    };
    write();
  });
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [upstream.url], protocol: 'http2', timeouts: { idle: '5s' } },
    clock,
  });
  const client = await openClient(t, gateway);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  let before = -1;
  await eventually(() => {
    const stands = written === before && written > 0;
    before = written;
    return stands;
  }, 'the upstream stands still');
  await advance(clock, 15_000, gateway);
  client.socket.resume();
  await eventually(() => client.received.length > total, 'the answer is there');
});
