// What HTTP/2 lets a client write that no request may be, or that an upstream over HTTP/1.1 could read in another way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Forwarding, onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { encodeData, encodeFrame, encodeHeaders, Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client, toHead } from '#test/support/http2-raw-client.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const WHOLE = Flag.endHeaders | Flag.endStream;
const PROTOCOL_ERROR = 1;
const COMPRESSION_ERROR = 9;
const FRAME_HEAD_BYTES = 9;
const TARGET_BYTES_MAX = 16 * 1024;

function startEcho(t: Parameters<typeof startForwarding>[0]): Promise<Forwarding> {
  return startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
  );
}

const get = toHead('GET', '/');
const without = (name: string) => get.filter((_, at) => get[at - (at % 2)] !== name);

/** Ended before there is a request. */
const malformed: readonly (readonly [what: string, fields: readonly string[]])[] = [
  ['no method', without(':method')],
  ['no scheme', without(':scheme')],
  ['no path', without(':path')],
  ['an empty path', [...without(':path'), ':path', '']],
  ['neither authority nor host', without(':authority')],
  ['user information', [...without(':authority'), ':authority', 'me@shop']],
  ['two authorities', [...get, ':authority', 'other']],
  ['two paths', [...get, ':path', '/other']],
  ['a pseudo field of answers', [...get, ':status', '200']],
  ['an unknown pseudo field', [...get, ':wish', 'x']],
  ['a pseudo field behind others', ['x-a', '1', ...get]],
  ['a name in upper case', [...get, 'X-Tag', '1']],
  ['a field of a connection', [...get, 'connection', 'close']],
  ['a field that names another framing', [...get, 'transfer-encoding', 'chunked']],
  ['keep-alive', [...get, 'keep-alive', 'timeout=5']],
  ['a field for proxies', [...get, 'proxy-connection', 'keep-alive']],
  ['an upgrade', [...get, 'upgrade', 'websocket']],
  ['te with anything but trailers', [...get, 'te', 'gzip']],
  ['two hosts', [...get, 'host', 'shop', 'host', 'shop']],
  ['a length that is no number', [...get, 'content-length', 'x']],
  ['a negative length', [...get, 'content-length', '-1']],
  ['two lengths', [...get, 'content-length', '1', 'content-length', '2']],
  ['a length with a plus', [...get, 'content-length', '+1']],
  ['a length without the data', [...get, 'content-length', '5']],
];

for (const [what, fields] of malformed) {
  test(`a request with ${what} is reset, and the connection goes on`, async (t) => {
    const forwarding = await startEcho(t);
    const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
    client.sendHead(1, fields);
    client.ask(3, '/next');
    await client.untilAnswered(1);
    await client.untilAnswered(3);
    assert.deepEqual([client.resetCodeOf(1), client.statusOf(1)], [PROTOCOL_ERROR, undefined]);
    assert.deepEqual([client.statusOf(3), client.bodyOf(3)], [200, 'ok']);
    const heads = forwarding.upstream.connections.map(({ received }) => received).join('');
    assert.match(heads, /^GET \/next HTTP\/1\.1\r\n(?:(?!GET).)*$/s);
  });
}

/** Refused as the same would be over HTTP/1.1. */
const refused: readonly (readonly [what: string, fields: readonly string[], status: number, code: string])[] = [
  ['a host that differs from the authority', [...get, 'host', 'other'], 400, 'GH_CLIENT_MALFORMED_HOST'],
  ['an authority with a comma', [...without(':authority'), ':authority', 'shop,other'], 400, 'GH_CLIENT_MALFORMED_HOST'],
  ['an empty segment', toHead('GET', '/a//b'), 400, 'GH_CLIENT_MALFORMED_TARGET'],
  ['a path above its root', toHead('GET', '/../x'), 400, 'GH_CLIENT_MALFORMED_TARGET'],
  ['a fragment', toHead('GET', '/a#b'), 400, 'GH_CLIENT_MALFORMED_TARGET'],
  ['a byte above 127 in its path', toHead('GET', '/\xe9'), 400, 'GH_CLIENT_MALFORMED_TARGET'],
  [
    'a whole URL as its path',
    [':method', 'GET', ':scheme', 'other', ':authority', 'shop', ':path', 'http://other/'],
    400,
    'GH_CLIENT_MALFORMED_TARGET',
  ],
  ['a path that is too long', toHead('GET', `/${'a'.repeat(TARGET_BYTES_MAX)}`), 414, 'GH_CLIENT_TARGET_TOO_LONG'],
  ['an expectation that nobody knows', [...get, 'expect', 'more'], 417, 'GH_CLIENT_EXPECTATION'],
  ['CONNECT', [':method', 'CONNECT', ':authority', 'shop:443'], 405, 'GH_CLIENT_CONNECT_METHOD'],
  [
    'CONNECT for a protocol that is not carried',
    [...toHead('CONNECT', '/'), ':protocol', 'connect-udp'],
    501,
    'GH_CLIENT_CONNECT_PROTOCOL',
  ],
];

for (const [what, fields, status, code] of refused) {
  test(`a request with ${what} is answered ${status}, and the connection goes on`, async (t) => {
    const forwarding = await startEcho(t);
    const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
    client.sendHead(1, fields);
    await client.untilAnswered(1);
    assert.deepEqual([client.statusOf(1), JSON.parse(client.bodyOf(1)).code], [status, code]);
    client.ask(3, '/next');
    await client.untilAnswered(3);
    assert.equal(client.statusOf(3), 200);
    assert.equal(forwarding.upstream.connections.length, 1);
    const [line] = await forwarding.gateway.stop();
    assert.deepEqual([line!['status'], line!['code'], line!['protocol']], [status, code, 'HTTP/2']);
  });
}

test('what is near to those goes on to the upstream', async (t) => {
  const forwarding = await startEcho(t);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const near: (readonly string[])[] = [
    [...get, 'host', 'SHOP'],
    [...without(':authority'), 'host', 'shop'],
    [...get, 'te', 'trailers'],
    [...get, 'x-value', 'caf\xe9'],
    [...get, 'x-empty', ''],
    [...get, 'expect', '100-continue'],
    toHead('GET', `/${'a'.repeat(TARGET_BYTES_MAX - 1)}`),
    toHead('GET', '/?b#'.replace('#', '%23')),
    toHead('OPTIONS', '/a'),
  ];
  for (const [index, fields] of near.entries()) {
    const stream = 2 * index + 1;
    client.sendHead(stream, fields);
    await client.untilAnswered(stream);
    assert.equal(client.statusOf(stream), 200, `${fields}`);
  }
  const { received } = forwarding.upstream.connections[0]!;
  assert.match(received, /\r\nx-value: caf\xe9\r\n/);
  assert.match(received, /\r\nte: trailers\r\nconnection: te\r\n/);
  assert.doesNotMatch(received, /^expect:/m);
});

test('a request with a field that has bytes which may not be in one is reset', async (t) => {
  const forwarding = await startEcho(t);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const values = ['a\r\nx-smuggled: 1', 'a\nb', 'a\0b', ' a', 'a\t', '\x7f'];
  const names = ['x odd', 'x:odd', 'x\r\nodd', '\xf6odd', ''];
  const fields = [...values.map((value) => ['x-odd', value]), ...names.map((name) => [name, 'odd'])];
  for (const [index, field] of fields.entries()) {
    const stream = 2 * index + 1;
    client.sendHead(stream, [...get, ...field]);
    await client.untilAnswered(stream);
    assert.equal(client.resetCodeOf(stream), PROTOCOL_ERROR, `${field}`);
  }
  assert.equal(forwarding.upstream.connections.length, 0);
});

test('a head that is small as it is sent and too large when it is unpacked is answered 431, and the table stays in step', async (t) => {
  const forwarding = await startEcho(t);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const block = (fields: readonly string[]) => encodeHeaders(1, fields).subarray(FRAME_HEAD_BYTES);
  // One large field that goes into the table (RFC 7541 §6.2.1), then references to it.
  const large = Buffer.from(`\x40\x03x-a\x7f\xb9\x16${'v'.repeat(3_000)}`, 'latin1');
  const reference = Buffer.from([0xbe]);
  client.send(encodeFrame(FrameType.headers, WHOLE, 1, Buffer.concat([block(get), large, Buffer.alloc(100, reference)])));
  await client.untilAnswered(1);
  assert.deepEqual([client.statusOf(1), JSON.parse(client.bodyOf(1)).code], [431, 'GH_CLIENT_HEAD_TOO_LARGE']);
  client.send(encodeFrame(FrameType.headers, WHOLE, 3, Buffer.concat([block(toHead('GET', '/next')), reference])));
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 200);
  assert.equal(forwarding.upstream.connections.length, 1);
  assert.match(forwarding.upstream.connections[0]!.received, /^GET \/next HTTP\/1\.1\r\n.*\r\nx-a: v{3000}\r\n/s);
});

test('a head that cannot be unpacked ends the connection', async (t) => {
  const forwarding = await startEcho(t);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.send(encodeFrame(FrameType.headers, WHOLE, 1, Buffer.from([0xbe])));
  await client.untilClosed();
  assert.equal(client.goaway?.code, COMPRESSION_ERROR);
});

test('trailers that are malformed reset their request', async (t) => {
  const forwarding = await startForwarding(t, () => undefined);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  const malformedTrailers: readonly (readonly [fields: readonly string[], flags: number])[] = [
    [['x-sum', '1'], Flag.endHeaders],
    [[':path', '/'], WHOLE],
    [['X-Sum', '1'], WHOLE],
    [['x-sum', 'a\nb'], WHOLE],
  ];
  for (const [index, [fields, flags]] of malformedTrailers.entries()) {
    const stream = 2 * index + 1;
    client.ask(stream, '/', { method: 'POST', isWhole: false });
    client.send(encodeData(stream, 'body'), encodeHeaders(stream, fields, flags));
    await client.untilAnswered(stream);
    assert.equal(client.resetCodeOf(stream), PROTOCOL_ERROR, `${fields}`);
  }
  await forwarding.settle();
  for (const { received } of forwarding.upstream.connections) assert.doesNotMatch(received, /\r\n0\r\n/);
});

test('fields that belong to the connection of HTTP/1.1 do not go on', async (t) => {
  const forwarding = await startEcho(t);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/', { fields: ['http2-settings', 'AAMAAABk', 'proxy-authorization', 'Basic x', 'x-kept', '1'] });
  await client.untilAnswered(1);
  const { received } = forwarding.upstream.connections[0]!;
  assert.match(received, /\r\nx-kept: 1\r\n/);
  assert.doesNotMatch(received, /http2-settings|proxy-authorization/i);
});

test('more or less data than was announced resets the request, and the upstream takes neither for whole', async (t) => {
  const forwarding = await startForwarding(t, () => undefined);
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  for (const [stream, data] of [
    [1, 'abc'],
    [3, 'abcdefg'],
  ] as const) {
    client.ask(stream, '/', { method: 'POST', fields: ['content-length', '5'], isWhole: false });
    client.send(encodeData(stream, data, Flag.endStream));
    await client.untilAnswered(stream);
    assert.equal(client.resetCodeOf(stream), PROTOCOL_ERROR);
  }
  await forwarding.settle();
  for (const { received } of forwarding.upstream.connections) assert.doesNotMatch(received, /abcde/);
  assert.equal(client.isClosed, false);
});

test('trailers that would frame a message, or change its head, are left out', async (t) => {
  const forwarding = await startForwarding(t, (connection) => {
    if (connection.received.endsWith('\r\n\r\n') && connection.received.includes('\r\n0\r\n')) connection.send(ok);
  });
  const client = await RawHttp2Client.open(t, { port: forwarding.gateway.port() });
  client.ask(1, '/', { method: 'POST', isWhole: false });
  client.send(encodeData(1, 'body'));
  const trailers = ['x-sum', '1', 'host', 'other', 'authorization', 'x', 'x-forwarded-for', '1.2.3.4', 'expect', '100-continue'];
  client.send(encodeHeaders(1, trailers, WHOLE));
  await client.untilAnswered(1);
  const { received } = forwarding.upstream.connections[0]!;
  assert.match(received, /\r\n0\r\nx-sum: 1\r\n\r\n$/);
});
