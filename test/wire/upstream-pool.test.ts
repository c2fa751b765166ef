// Connections to upstreams over real sockets: when one is reused, how long it is kept, and who waits when there is none.
import assert from 'node:assert/strict';
import test from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { type Forwarding, onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import type { RawClient } from '#test/support/raw-client.ts';
import type { UpstreamConnection } from '#test/support/raw-upstream.ts';

const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Sends a request and resolves with the whole answer, whose body must end in `ok`. */
async function exchange(client: RawClient, path = '/'): Promise<string> {
  client.take();
  client.send(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  await client.until(/ok$/);
  return client.take();
}

function numberOpen(connections: readonly UpstreamConnection[]): number {
  return connections.filter(({ socket }) => !socket.destroyed && !socket.readableEnded).length;
}

test('one connection serves requests of several clients, one after another', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
  );
  for (let i = 0; i < 3; i++) {
    const client = await open();
    await exchange(client);
    await exchange(client);
  }
  assert.equal(upstream.connections.length, 1);
});

test('the connection used last is used next, and the others grow old and close', async (t) => {
  const clock = new FakeClock();
  const held: UpstreamConnection[] = [];
  let holds = true;
  const { upstream, open, advance } = await startForwarding(
    t,
    onEachRequest((connection) => {
      if (holds) held.push(connection);
      else connection.send(answer);
    }),
    { clock, service: { pool: { idle: '60s' } } },
  );
  const clients = [await open(), await open(), await open()];
  for (const [index, client] of clients.entries()) {
    client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
    await eventually(() => held.length === index + 1, 'the upstream has the request');
  }
  holds = false;
  for (const index of [0, 2, 1]) {
    held[index]!.send(answer);
    await clients[index]!.until('ok');
  }
  const countBefore = upstream.connections.map(({ received }) => received.length);
  await exchange(clients[0]!);
  await advance(30_000);
  await exchange(clients[0]!);
  await exchange(clients[2]!);
  const grown = upstream.connections.map(({ received }, index) => received.length > countBefore[index]!);
  assert.deepEqual(grown, [false, true, false]);
  clock.advance(45_000);
  await eventually(() => numberOpen(upstream.connections) === 1, 'the two unused connections are closed');
  assert.equal(upstream.connections[1]!.socket.destroyed, false);
  assert.equal(upstream.connections.length, 3);
});

test('an unused connection is closed after the idle time and not before', async (t) => {
  const clock = new FakeClock();
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
    { clock, service: { pool: { idle: '10s' } } },
  );
  const client = await open();
  await exchange(client);
  clock.advance(9_500);
  // A second exchange makes sure that a tick has passed; it also starts the idle time anew.
  await exchange(client);
  assert.equal(upstream.connections.length, 1);
  clock.advance(10_500);
  await eventually(() => numberOpen(upstream.connections) === 0, 'the connection is closed');
  await exchange(client);
  assert.equal(upstream.connections.length, 2);
});

test("the upstream's Keep-Alive hint shortens the idle time, less a margin", async (t) => {
  const clock = new FakeClock();
  const hinted = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\ncontent-length: 2\r\n\r\nok';
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(hinted)),
    { clock },
  );
  const client = await open();
  const text = await exchange(client);
  assert.doesNotMatch(text, /keep-alive/i);
  clock.advance(3_500);
  await exchange(client);
  assert.equal(upstream.connections.length, 1);
  clock.advance(4_500);
  await eventually(() => numberOpen(upstream.connections) === 0, 'the connection is closed before the upstream closes it');
});

test('a Keep-Alive hint longer than the configured idle time changes nothing', async (t) => {
  const clock = new FakeClock();
  const hinted = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=600\r\ncontent-length: 2\r\n\r\nok';
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(hinted)),
    {
      clock,
      service: { pool: { idle: '10s' } },
    },
  );
  await exchange(await open());
  clock.advance(10_500);
  await eventually(() => numberOpen(upstream.connections) === 0, 'the connection is closed');
});

const reuseCases: [name: string, answer: string, isReused: boolean][] = [
  ['an HTTP/1.1 answer', answer, true],
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 2\r\n\r\nok', false],
  [
    'Connection with close among others',
    'HTTP/1.1 200 OK\r\nConnection: x-a, Close\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nok',
    false,
  ],
  ['an HTTP/1.0 answer', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', false],
  ['an HTTP/1.0 answer with keep-alive', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\ncontent-length: 2\r\n\r\nok', true],
  ['a chunked answer', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', true],
];

for (const [name, text, isReused] of reuseCases) {
  test(`after ${name} the connection is ${isReused ? 'reused' : 'closed'}`, async (t) => {
    const { upstream, open } = await startForwarding(
      t,
      onEachRequest((connection) => connection.send(text)),
    );
    const client = await open();
    for (let i = 0; i < 2; i++) {
      client.take();
      client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
      await client.until(text.includes('chunked') ? /ok\r\n0\r\n\r\n$/ : /ok$/);
    }
    assert.equal(upstream.connections.length, isReused ? 1 : 2);
    if (!isReused) await eventually(() => numberOpen(upstream.connections) === 0, 'the gateway has closed both');
  });
}

test('a free connection that the upstream closes is not used any more', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
  );
  const client = await open();
  for (let i = 0; i < 5; i++) {
    await exchange(client);
    const { socket } = upstream.connections[i]!;
    socket.end();
    await eventually(() => socket.closed, 'both sides are closed');
    // Even a request that must not be repeated goes through.
    client.take();
    client.send('POST / HTTP/1.1\r\nhost: shop\r\n\r\n');
    await client.until(/ok$/);
    upstream.connections[++i]!.socket.destroy();
    await eventually(() => upstream.connections[i]!.socket.closed, 'both sides are closed');
  }
});

test('bytes that come on a free connection end it, and no later request sees them', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
  );
  const client = await open();
  await exchange(client);
  upstream.connections[0]!.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison');
  await eventually(() => upstream.connections[0]!.socket.closed, 'the connection is closed');
  const text = await exchange(client);
  assert.match(text, /ok$/);
  assert.equal(upstream.connections.length, 2);
});

test('bytes behind an answer in the same packet end the connection, and no later request sees them', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection, head) =>
      connection.send(head.startsWith('GET /a') ? `${answer}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison` : answer),
    ),
  );
  const client = await open();
  // The second request is pipelined, so it waits for a connection when the first one becomes free.
  client.send('GET /a HTTP/1.1\r\nhost: shop\r\n\r\nGET /b HTTP/1.1\r\nhost: shop\r\n\r\n');
  await client.until(/ok[\s\S]*ok$/);
  assert.doesNotMatch(client.received, /poison/);
  assert.equal(upstream.connections.length, 2);
});

/** Clients whose requests are at the gateway in this order. */
async function queueUp({ open, settle }: Forwarding, names: readonly string[]): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (const name of names) {
    const client = await open();
    client.send(`GET /${name} HTTP/1.1\r\nhost: shop\r\n\r\n`);
    await settle();
    clients.push(client);
  }
  return clients;
}

test('beyond the cap requests wait in order, and each goes when a connection becomes free', async (t) => {
  const waiting: { connection: UpstreamConnection; head: string }[] = [];
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => waiting.push({ connection, head })),
    {
      service: { pool: { connections: 1, queueTimeout: '10m' } },
    },
  );
  const names = ['first', 'second', 'third', 'fourth'];
  const clients = await queueUp(forwarding, names);
  for (const [index, name] of names.entries()) {
    await eventually(() => waiting.length === 1, 'the next request is there');
    const { connection, head } = waiting.pop()!;
    assert.match(head, new RegExp(`^GET /${name} `));
    connection.send(answer);
    await clients[index]!.until('ok');
  }
  assert.equal(forwarding.upstream.connections.length, 1);
});

test('when a connection is lost, the next in the queue gets a new one', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      if (head.startsWith('GET /second')) connection.send(answer);
    }),
    { service: { pool: { connections: 1, queueTimeout: '10m' }, retry: false } },
  );
  const [first, second] = await queueUp(forwarding, ['first', 'second']);
  forwarding.upstream.connections[0]!.socket.resetAndDestroy();
  await second!.until('ok');
  assert.match(await first!.until('GH_UPSTREAM_LOST_BEFORE_ANSWER'), /^HTTP\/1.1 502 /);
});

test('when a client leaves, its connection goes to the next in the queue', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest((connection, head) => {
      if (head.startsWith('GET /second')) connection.send(answer);
    }),
    { service: { pool: { connections: 1, queueTimeout: '10m' } } },
  );
  const [first, second] = await queueUp(forwarding, ['first', 'second']);
  first!.socket.resetAndDestroy();
  await second!.until('ok');
});

test('a client that leaves the queue frees its place, and its request is never sent', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest(() => {}),
    { service: { pool: { connections: 1, queue: 1, queueTimeout: '10m' } } },
  );
  const { upstream, settle } = forwarding;
  const [, second] = await queueUp(forwarding, ['first', 'second']);
  second!.socket.resetAndDestroy();
  await settle();
  const [third, fourth] = await queueUp(forwarding, ['third', 'fourth']);
  await fourth!.until('GH_UPSTREAM_QUEUE_FULL');
  upstream.connections[0]!.send(answer);
  await eventually(() => upstream.connections[0]!.received.includes('GET /third'), 'the third request is sent');
  upstream.connections[0]!.send(answer);
  await third!.until('ok');
  assert.doesNotMatch(upstream.connections[0]!.received, /second/);
});

test('answers 503 when the queue is full, and leaves those who wait alone', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest(() => {}),
    { service: { pool: { connections: 1, queue: 1, queueTimeout: '10m' } } },
  );
  const { upstream } = forwarding;
  const [first, second, third] = await queueUp(forwarding, ['first', 'second', 'third']);
  assert.match(await third!.until('GH_UPSTREAM_QUEUE_FULL'), /^HTTP\/1.1 503 Service Unavailable\r\n/);
  upstream.connections[0]!.send(answer);
  await first!.until('ok');
  await eventually(() => upstream.connections[0]!.received.includes('GET /second'), 'the second request is sent');
  upstream.connections[0]!.send(answer);
  await second!.until('ok');
});

test('a queue of 0 lets nobody wait', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest(() => {}),
    { service: { pool: { connections: 1, queue: 0 } } },
  );
  const [, second] = await queueUp(forwarding, ['first', 'second']);
  await second!.until('GH_UPSTREAM_QUEUE_FULL');
});

test('answers 503 when no connection becomes free in time, and not before', async (t) => {
  const clock = new FakeClock();
  const forwarding = await startForwarding(
    t,
    onEachRequest(() => {}),
    {
      clock,
      service: { pool: { connections: 1, queueTimeout: '3s' } },
    },
  );
  const { upstream } = forwarding;
  const [first, second] = await queueUp(forwarding, ['first', 'second']);
  await forwarding.advance(1_500);
  const [third] = await queueUp(forwarding, ['third']);
  clock.advance(2_000);
  assert.match(await second!.until('GH_UPSTREAM_QUEUE_TIMEOUT'), /^HTTP\/1.1 503 Service Unavailable\r\n/);
  upstream.connections[0]!.send(answer);
  await first!.until('ok');
  await eventually(() => upstream.connections[0]!.received.includes('GET /third'), 'the third request is sent');
  assert.equal(third!.received, '');
});

test('when a service changes, what runs and what waits ends on the old connections, which close then', async (t) => {
  const forwarding = await startForwarding(
    t,
    onEachRequest(() => {}),
    { service: { pool: { connections: 1, queueTimeout: '10m' } } },
  );
  const { upstream, gateway, open } = forwarding;
  const [first, second] = await queueUp(forwarding, ['first', 'second']);
  assert.deepEqual(
    await gateway.reconfigure({
      services: { main: { endpoints: [upstream.url], timeouts: { idle: '7s' } } },
      routes: { all: { match: { path: '/*' }, to: 'main' } },
    }),
    [],
  );
  const third = await open();
  third.send('GET /third HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => upstream.connections[1]?.received.startsWith('GET /third') === true, 'the new service is used');
  upstream.connections[0]!.send(answer);
  await first!.until('ok');
  await eventually(
    () => upstream.connections.some(({ received }) => received.includes('GET /second')),
    'the second request is sent',
  );
  upstream.connections.find(({ received }) => received.includes('GET /second'))!.send(answer);
  await second!.until('ok');
  upstream.connections[1]!.send(answer);
  await third.until('ok');
  await eventually(() => numberOpen(upstream.connections) === 1, 'the old connections are closed');
  assert.equal(upstream.connections[1]!.socket.destroyed, false);
});

test('when a service stays as it is, its connections stay', async (t) => {
  const { upstream, gateway, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
  );
  const client = await open();
  await exchange(client);
  assert.deepEqual(
    await gateway.reconfigure({
      services: { main: { endpoints: [upstream.url] } },
      routes: {
        all: { match: { path: '/*' }, to: 'main' },
        other: { match: { path: '/other' }, to: { respond: { status: 204 } } },
      },
    }),
    [],
  );
  await exchange(client);
  assert.equal(upstream.connections.length, 1);
});
