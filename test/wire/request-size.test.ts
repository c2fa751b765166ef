/** Requests that are too large, over real connections: what the service sees of them, and what becomes of the connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { encodeData } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const limited = { route: { policies: { 'request-size': { body: '8B' } } } } as const;
const answering = onEachRequest((connection) => connection.send(ok));
const post = (framing: string) => `POST /upload HTTP/1.1\r\nhost: shop\r\n${framing}\r\n\r\n`;
const countHeads = (text: string) => text.split('HTTP/1.1 ').length - 1;

test('a body that fits goes on with the length that was announced', async (t) => {
  const { upstream, open } = await startForwarding(t, answering, limited);
  const client = await open();
  client.send(`${post('content-length: 8')}12345678`);
  await client.until('\r\n\r\nok');
  assert.match(upstream.connections[0]!.received, /\r\ncontent-length: 8\r\n/);
});

test('a body that is announced too long is refused unread, and the next request of the connection is served', async (t) => {
  const { upstream, open } = await startForwarding(t, answering, limited);
  const client = await open();
  client.send(`${post('content-length: 9')}123456789GET /next HTTP/1.1\r\nhost: shop\r\n\r\n`);
  await client.until('\r\n\r\nok');
  assert.match(client.received, /^HTTP\/1\.1 413 [\s\S]*"detail":"The body is longer than it may be here: at most 8B\."/);
  assert.equal(countHeads(client.received), 2);
  assert.equal(upstream.connections.length, 1);
  assert.match(upstream.connections[0]!.received, /^GET \/next /);
});

test('a client that asks before it sends a body that is too long is not told to go on, and its connection is closed', async (t) => {
  const { upstream, open } = await startForwarding(t, answering, limited);
  const client = await open();
  client.send(post('content-length: 9\r\nexpect: 100-continue'));
  await client.untilEnd();
  assert.match(client.received, /^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n/);
  assert.equal(upstream.connections.length, 0);
});

test('a body far too long is refused, and its connection is closed', async (t) => {
  const { open } = await startForwarding(t, answering, limited);
  const client = await open();
  client.send(post('content-length: 100000000'));
  await client.untilEnd();
  assert.match(client.received, /^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n/);
});

test('a body whose length is not announced is refused where it becomes too long, and is broken off at the service', async (t) => {
  const { gateway, upstream, open } = await startForwarding(t, () => undefined, limited);
  const client = await open();
  client.send(`${post('transfer-encoding: chunked')}8\r\n12345678\r\n`);
  await eventually(
    () => upstream.connections[0]?.received.endsWith('8\r\n12345678\r\n') === true,
    'the service has the beginning',
  );
  client.send('1\r\n9\r\n');
  await client.until('GH_REQUEST_SIZE_BODY_TOO_LARGE');
  await eventually(() => upstream.connections[0]!.socket.closed, 'the service is left');
  assert.doesNotMatch(upstream.connections[0]!.received, /\r\n0\r\n\r\n$/);
  const [line] = await gateway.stop();
  assert.deepEqual([line?.['status'], line?.['code']], [413, 'GH_REQUEST_SIZE_BODY_TOO_LARGE']);
  assert.deepEqual(line?.['detail'], { bytes: 9, maxBytes: 8 });
});

test('by HTTP/2 the stream alone is ended, and the connection goes on', async (t) => {
  const { gateway } = await startForwarding(t, answering, limited);
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  client.ask(1, '/upload', { method: 'POST', isWhole: false });
  client.send(encodeData(1, '123456789'));
  await client.untilAnswered(1);
  assert.equal(client.statusOf(1), 413);
  client.ask(3, '/next');
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 200);
});
