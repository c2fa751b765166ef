/** Requests with a key over real connections: what the service gets, also when clients go, send twice, or are slow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { startForwarding } from '#test/support/forwarding.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const idempotent = { route: { policies: { idempotency: {} } } } as const;
const order = (key = 'a', body = '{"item":7}') =>
  `POST /orders HTTP/1.1\r\nhost: shop\r\nidempotency-key: ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const created = 'HTTP/1.1 201 Created\r\ncontent-length: 6\r\nx-order: 7\r\n\r\nbooked';

/** The body has arrived, so the service may have done what it says. */
const isWhole = ({ received }: UpstreamConnection) => received.endsWith('{"item":7}');

test('the second answer of a connection is that of the first, byte for byte but for what tells of it', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    (connection) => isWhole(connection) && connection.send(created),
    idempotent,
  );
  const client = await open();
  client.send(order());
  await client.until('booked');
  const first = client.take();
  client.send(order());
  const second = await client.until('booked');
  const fieldsOf = (answer: string) =>
    answer
      .replace(/(?:date|x-request-id): [^\r]*\r\n/g, '')
      .split('\r\n')
      .sort();
  assert.deepEqual(fieldsOf(second.replace('idempotency-replayed: true\r\n', '')), fieldsOf(first));
  assert.match(second, /\r\nidempotency-replayed: true\r\n/);
  assert.equal(
    upstream.connections
      .map(({ received }) => received)
      .join('')
      .split('POST ').length,
    2,
  );
});

test('requests at the same moment are sent once, and all have the answer', async (t) => {
  let isAsked = false;
  const { upstream, open } = await startForwarding(
    t,
    (connection) => {
      isAsked ||= isWhole(connection);
    },
    idempotent,
  );
  const clients = await Promise.all(Array.from({ length: 20 }, () => open()));
  for (const client of clients) client.send(order());
  await eventually(() => isAsked, 'the service is asked');
  upstream.connections[0]!.send(created);
  const answers = await Promise.all(clients.map((client) => client.until('booked')));
  assert.equal(answers.filter((answer) => answer.includes('idempotency-replayed')).length, 19);
  assert.equal(upstream.connections.length, 1);
});

test('when the client goes, the request is carried to its end, and who sends it again has its answer', async (t) => {
  const { gateway, upstream, open } = await startForwarding(t, () => undefined, idempotent);
  const gone = await open();
  gone.send(order());
  await eventually(() => upstream.connections.some(isWhole), 'the service is asked');
  gone.close();
  const { plane } = gateway.control;
  await eventually(() => plane?.connectionCount === 0, 'the gateway has noticed');
  const again = await open();
  again.send(order());
  upstream.connections[0]!.send(created);
  assert.match(await again.until('booked'), /idempotency-replayed: true/);
  assert.equal(upstream.connections.length, 1);
  const lines = await gateway.stop();
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]),
    [
      [499, 'GH_CLIENT_GONE'],
      [201, undefined],
    ],
  );
});

test('a client that goes in the middle of an answer finds all of it later', async (t) => {
  const { upstream, open } = await startForwarding(t, () => undefined, idempotent);
  const gone = await open();
  gone.send(order());
  await eventually(() => upstream.connections.some(isWhole), 'the service is asked');
  const body = 'x'.repeat(100_000);
  upstream.connections[0]!.send(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 50_000)}`);
  await gone.until('xxx');
  gone.close();
  upstream.connections[0]!.send(body.slice(50_000));
  const again = await open();
  again.send(order());
  const answer = await again.until(body);
  assert.match(answer, /idempotency-replayed: true/);
  assert.equal(upstream.connections.length, 1);
});

test('when the service fails, who waits is sent in its place', async (t) => {
  const { upstream, open } = await startForwarding(t, () => undefined, idempotent);
  const [first, second] = [await open(), await open()];
  first.send(order());
  await eventually(() => upstream.connections.some(isWhole), 'the service is asked');
  second.send(order());
  upstream.connections[0]!.send('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy');
  assert.match(await first.until('busy'), /^HTTP\/1\.1 503 /);
  const askedAgain = () =>
    upstream.connections
      .map(({ received }) => received)
      .join('')
      .split('POST ').length === 3;
  await eventually(askedAgain, 'the service is asked again');
  upstream.connections.at(-1)!.send(created);
  assert.doesNotMatch(await second.until('booked'), /idempotency-replayed/);
});

test('an answer is not over for its client before it is kept, so that the next request finds it', async (t) => {
  const { upstream, open } = await startForwarding(t, (connection) => isWhole(connection) && connection.send(created), {
    route: { policies: { idempotency: { wait: '0s' } } },
  });
  for (let i = 0; i < 50; i++) {
    const [first, second] = [await open(), await open()];
    first.send(order(`key-${i}`));
    await first.until('booked');
    second.send(order(`key-${i}`));
    assert.match(await second.until('booked'), /^HTTP\/1\.1 201 /);
    first.close();
    second.close();
  }
  assert.equal(
    upstream.connections
      .map(({ received }) => received)
      .join('')
      .split('POST ').length - 1,
    50,
  );
});

test('what other policies add stands on repeated answers once, as on the first', async (t) => {
  const policies = {
    idempotency: {},
    headers: { response: { add: { 'x-added': 'once' } } },
    'security-headers': {},
  } as const;
  const { open } = await startForwarding(t, (connection) => isWhole(connection) && connection.send(created), {
    route: { policies },
  });
  const client = await open();
  for (let i = 0; i < 3; i++) {
    client.send(order());
    const answer = await client.until('booked');
    assert.equal(answer.split('x-added: once').length, 2);
    assert.equal(answer.split('x-content-type-options: nosniff').length, 2);
    client.take();
  }
});

test('over HTTP/2, and from it to HTTP/1.1, the answer is the same', async (t) => {
  const { gateway, upstream, open } = await startForwarding(
    t,
    (connection) => connection.received.endsWith('\r\n\r\n') && connection.send(created),
    idempotent,
  );
  const client = await RawHttp2Client.open(t, { port: gateway.port() });
  for (const stream of [1, 3, 5]) {
    client.ask(stream, '/orders', { method: 'POST', fields: ['idempotency-key', '"a"'] });
    await client.untilAnswered(stream);
    assert.equal(client.bodyOf(stream), 'booked');
  }
  const old = await open();
  old.send('POST /orders HTTP/1.1\r\nhost: shop\r\nidempotency-key: a\r\ncontent-length: 0\r\n\r\n');
  assert.match(await old.until('booked'), /idempotency-replayed: true/);
  assert.equal(upstream.connections.length, 1);
});

test('a client that waits for leave to send its body is given it', async (t) => {
  const { open } = await startForwarding(t, (connection) => isWhole(connection) && connection.send(created), idempotent);
  const client = await open();
  client.send('POST /orders HTTP/1.1\r\nhost: shop\r\nidempotency-key: a\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n');
  await client.until('100 Continue');
  client.send('{"item":7}');
  assert.match(await client.until('booked'), /201 Created/);
});

test('a long answer goes to a slow client piece by piece, and is not kept', async (t) => {
  const body = 'x'.repeat(4 * 1024 * 1024);
  const { upstream, open } = await startForwarding(
    t,
    (connection) => isWhole(connection) && connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
    idempotent,
  );
  const client = await open();
  client.send(order().replace('host: shop', 'host: shop\r\nconnection: close'));
  await client.until('content-length: 4194304');
  client.socket.pause();
  const other = await open();
  other.send(order('b', ''));
  await eventually(() => upstream.connections.length === 2, 'others are served meanwhile');
  client.socket.resume();
  assert.ok((await client.untilEnd()).endsWith(body));
  const again = await open();
  again.send(order());
  assert.match(await again.until('GH_IDEMPOTENCY_NOT_KEPT'), /^HTTP\/1\.1 409 /);
});

test('pieces of an answer whose length is not known go on as they come', async (t) => {
  const { upstream, open } = await startForwarding(t, () => undefined, idempotent);
  const client = await open();
  client.send(order());
  await eventually(() => upstream.connections.some(isWhole), 'the service is asked');
  upstream.connections[0]!.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n');
  await client.until('one');
  upstream.connections[0]!.send('3\r\ntwo\r\n0\r\n\r\n');
  await client.until('0\r\n\r\n');
  const again = await open();
  again.send(order());
  assert.match(await again.until('onetwo'), /\r\ncontent-length: 6\r\n/);
});
