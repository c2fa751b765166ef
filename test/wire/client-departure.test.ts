import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readAnswers } from '../support/answers.ts';
import { type ClientBench, startClientBench, toAnswer, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { UpstreamConnection } from '../support/raw-upstream.ts';

const host = 'host: shop\r\n';
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`;

function upstreamHasRequests(bench: ClientBench, count: number): Promise<void> {
  const total = () => bench.received.join('').split('\r\n\r\n').length - 1;
  return eventually(() => total() >= count, `the upstream has ${count} requests`);
}

function upstreamIsClosed(bench: ClientBench, index: number): Promise<void> {
  return eventually(() => bench.upstream.connections[index]?.socket.closed === true, `upstream connection ${index} is closed`);
}

/** Beside what a test does, another client must notice nothing. */
async function checkNeighbour(neighbour: RawClient): Promise<void> {
  neighbour.take();
  neighbour.send(get('/local/x'));
  await untilAnswers(neighbour, 1);
}

test('answers a client that has closed its side behind its request', async (t) => {
  const bench = await startClientBench(t);
  for (const path of ['/a', '/local/x']) {
    const client = await bench.open();
    client.socket.end(get(path));
    const { answers, rest } = readAnswers(await client.untilEnd());
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200],
    );
    assert.equal(rest, '');
  }
});

test('asks a half-closed client that waits whether it is there with a 100, which means nothing to it', async (t) => {
  const bench = await startClientBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.send(get('/slow'));
  await upstreamHasRequests(bench, 1);
  client.socket.end();
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  bench.upstream.connections[0]!.send(toAnswer('late'));
  const { answers } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['late'],
  );
});

test('waits silently for a half-closed HTTP/1.0 client, which knows no 100', async (t) => {
  const bench = await startClientBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.socket.end('GET /slow HTTP/1.0\r\n\r\n');
  await upstreamHasRequests(bench, 1);
  bench.upstream.connections[0]!.send(toAnswer('late'));
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nlate$/);
});

test('answers all that a half-closed client has pipelined', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const post = `POST /p HTTP/1.1\r\n${host}content-length: 3\r\n\r\nabc`;
  client.socket.end(get('/a') + post + get('/local/x') + post + get('/b'));
  const { answers, rest } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['GET /a', 'POST /p abc', 'local', 'POST /p abc', 'GET /b'],
  );
  assert.equal(rest, '');
});

test('answers what is whole of a pipeline that ends in the middle of a request, and refuses the rest', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.socket.end(`${get('/a')}GET /b HTTP/1.1\r\nho`);
  const { answers } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400],
  );
  const lines = await bench.log();
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]),
    [
      [200, undefined],
      [400, 'GH_CLIENT_MALFORMED_REQUEST'],
    ],
  );
});

test('gives a client that closes its side in the middle of the answer the rest of it', async (t) => {
  const clock = new FakeClock();
  const bench = await startClientBench(t, {
    clock,
    onData: (upstream) => upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\none'),
  });
  const client = await bench.open();
  client.send(get('/x'));
  await client.until('one');
  client.socket.end();
  for (const part of ['two', 'six']) {
    const { length } = client.received;
    await eventually(() => {
      clock.advance(10);
      return client.socket.writableFinished;
    }, 'the end is sent');
    bench.upstream.connections[0]!.send(part);
    await eventually(() => {
      clock.advance(10);
      return client.received.length > length;
    }, `${part} has come`);
  }
  assert.match(await client.untilEnd(), /onetwosix$/);
});

test('gives a half-closed client its large answer to the last byte', async (t) => {
  const body = 'z'.repeat(3_000_000);
  const bench = await startClientBench(t, { onData: (upstream) => upstream.send(toAnswer(body)) });
  const client = await bench.open();
  client.socket.end(get('/large'));
  const { answers } = readAnswers(await client.untilEnd());
  assert.equal(answers[0]?.body.length, body.length);
});

interface Departure {
  readonly name: string;
  /** Brings the client to the moment of its departure. */
  before(client: RawClient, bench: ClientBench): Promise<void>;
  readonly onData?: (upstream: UpstreamConnection) => void;
  /** Whether an exchange has begun, and with that a log line is due. */
  readonly status: number | undefined;
  readonly code?: string;
  /** How long the gateway gives a client that has closed its side the benefit of the doubt. */
  readonly doubtMs?: number;
}

/** Chunks without end, so that the answer is still on its way whenever the client goes. */
const endless: Departure['onData'] = (upstream) => {
  const chunk = `10000\r\n${'e'.repeat(0x10000)}\r\n`;
  const more = () => {
    while (upstream.socket.write(chunk, 'latin1')) if (upstream.socket.destroyed) return;
  };
  upstream.socket.on('drain', more);
  upstream.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
  more();
};

const departures: readonly Departure[] = [
  { name: 'before its first byte', before: async () => undefined, status: undefined },
  {
    name: 'between two requests',
    async before(client) {
      client.send(get('/local/x'));
      await client.until('local');
    },
    status: undefined,
  },
  {
    name: 'in the middle of a head',
    async before(client) {
      client.send('GET /x HTTP/1.1\r\nhost: sh');
    },
    status: undefined,
  },
  {
    name: 'while it waits for the answer',
    async before(client, bench) {
      client.send(get('/x'));
      await upstreamHasRequests(bench, 1);
    },
    onData: () => undefined,
    status: 499,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'while it waits, with another request behind the first',
    async before(client, bench) {
      client.send(get('/x') + get('/y'));
      await upstreamHasRequests(bench, 1);
    },
    onData: () => undefined,
    status: 499,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'in the middle of a body of known length',
    async before(client, bench) {
      client.send(`POST /x HTTP/1.1\r\n${host}content-length: 100\r\n\r\nabc`);
      await eventually(() => bench.received[0]?.endsWith('abc') === true, 'the upstream has the beginning of the body');
    },
    onData: () => undefined,
    status: 499,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'in the middle of a chunked body',
    async before(client, bench) {
      client.send(`POST /x HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n5\r\nabc`);
      await eventually(() => bench.received[0]?.includes('abc') === true, 'the upstream has the beginning of the body');
    },
    onData: () => undefined,
    status: 499,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'when its whole body has been sent on',
    async before(client, bench) {
      client.send(`POST /x HTTP/1.1\r\n${host}content-length: 3\r\n\r\nabc`);
      await eventually(() => bench.received[0]?.endsWith('abc') === true, 'the upstream has the body');
    },
    onData: () => undefined,
    status: 499,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'in the middle of an answer that flows',
    async before(client) {
      client.send(get('/x'));
      await client.until('eeee');
    },
    onData: endless,
    status: 200,
    code: 'GH_CLIENT_GONE',
  },
  {
    name: 'in the middle of an answer that stands still',
    async before(client) {
      client.send(get('/x'));
      await client.until('begun');
    },
    onData: (upstream) => upstream.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n'),
    status: 200,
    code: 'GH_CLIENT_GONE',
    doubtMs: 12_000,
  },
  {
    name: 'without having read its answer',
    async before(client, bench) {
      client.socket.pause();
      client.send(get('/x'));
      await eventually(() => (bench.upstream.connections[0]?.socket.writableLength ?? 0) > 0, 'the answer is stuck');
    },
    onData: endless,
    status: 200,
    code: 'GH_CLIENT_GONE',
  },
];

const manners: readonly (readonly [string, (client: RawClient) => void])[] = [
  ['closes', (client) => client.socket.destroy()],
  ['resets', (client) => client.socket.resetAndDestroy()],
];

async function checkDeparture(t: TestContext, departure: Departure, leave: (client: RawClient) => void): Promise<void> {
  const clock = new FakeClock();
  const bench = await startClientBench(t, {
    clock,
    ...(departure.onData === undefined ? {} : { onData: departure.onData }),
  });
  const neighbour = await bench.open();
  const client = await bench.open();
  await checkNeighbour(neighbour);
  await departure.before(client, bench);
  leave(client);
  let doubtMs = departure.doubtMs ?? 2_000;
  await eventually(() => {
    if (doubtMs > 0) clock.advance(100);
    doubtMs -= 100;
    return bench.gateway.control.plane?.connectionCount === 1;
  }, 'only the neighbour is connected');
  if (departure.code !== undefined) await upstreamIsClosed(bench, 0);
  await checkNeighbour(neighbour);
  const lines = (await bench.log()).filter(({ target }) => target !== '/local/x');
  if (departure.code === undefined)
    return assert.deepEqual(
      lines.filter(({ status }) => status !== 400),
      [],
    );
  assert.deepEqual(
    lines.map(({ status, code, service }) => [status, code, service]),
    [[departure.status, departure.code, 'main']],
  );
}

for (const departure of departures) {
  for (const [manner, leave] of manners) {
    test(`lets everything go when a client ${manner} ${departure.name}`, (t) => checkDeparture(t, departure, leave));
  }
}
