import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { OtlpTransport, type OtlpTransportOptions } from './otlp-transport.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Waiting {
  readonly delayMs: number;
  run(): void;
}

/** A collector that answers what it is told, and a transport whose waits are in the hands of the test. */
async function setUp(t: TestContext, answer: (response: ServerResponse, count: number) => void, more = {}) {
  const received: Received[] = [];
  const sockets = new Set<unknown>();
  const onRequest: RequestListener = async (request, response) => {
    sockets.add(request.socket);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    received.push({ headers: request.headers, body: Buffer.concat(parts) });
    answer(response, received.length);
  };
  const server = createServer(onRequest).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => void server.close().closeAllConnections());
  const clock = new FakeClock();
  const waits: Waiting[] = [];
  const options: OtlpTransportOptions = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/logs`,
    compresses: false,
    timeoutMs: 10_000,
    retryForMs: 60_000,
    clock,
    random: () => 0.5,
    later(delayMs, run) {
      const wait = { delayMs, run };
      waits.push(wait);
      return () => void (waits.includes(wait) && waits.splice(waits.indexOf(wait), 1));
    },
    ...more,
  };
  const untilWaiting = () => eventually(() => waits.length > 0, 'it waits before it tries again');
  const letPass = () => {
    const [wait] = waits;
    clock.advance(wait!.delayMs);
    wait!.run();
    return wait!.delayMs;
  };
  return { received, sockets, server, clock, waits, untilWaiting, letPass, transport: new OtlpTransport(options) };
}

const respond = (status: number, headers: Record<string, string> = {}) => {
  return (response: ServerResponse) => void response.writeHead(status, headers).end('said');
};

test('a batch arrives as it is, with its headers, and one connection serves for many', async (t) => {
  const { transport, received, sockets } = await setUp(t, respond(200), { headers: { 'x-tenant': 'shop' } });
  assert.deepEqual(await transport.send(Buffer.from([1, 0, 255])), { kind: 'sent', answer: Buffer.from('said') });
  await transport.send(Buffer.from('2'));
  assert.deepEqual([...received[0]!.body], [1, 0, 255]);
  assert.equal(received[0]!.headers['content-type'], 'application/x-protobuf');
  assert.equal(received[0]!.headers['x-tenant'], 'shop');
  assert.equal(received[0]!.headers['content-encoding'], undefined);
  assert.equal(sockets.size, 1);
});

test('a batch that is worth it is compressed', async (t) => {
  const { transport, received } = await setUp(t, respond(202), { compresses: true, contentType: 'application/x-ndjson' });
  const long = Buffer.alloc(5_000, 'line\n');
  await transport.send(long);
  await transport.send(Buffer.from('short'));
  assert.equal(received[0]!.headers['content-encoding'], 'gzip');
  assert.deepEqual(gunzipSync(received[0]!.body), long);
  assert.equal(received[0]!.headers['content-type'], 'application/x-ndjson');
  assert.equal(received[1]!.headers['content-encoding'], undefined);
});

test('refused for the moment, a batch is sent again after pauses that grow', async (t) => {
  const statuses = [503, 502, 504, 429, 200];
  const { transport, received, untilWaiting, letPass } = await setUp(t, (response, count) =>
    respond(statuses[count - 1]!)(response),
  );
  const outcome = transport.send(Buffer.from('x'));
  const pauses: number[] = [];
  for (let i = 0; i < 4; i++) {
    await untilWaiting();
    pauses.push(letPass());
  }
  assert.equal((await outcome).kind, 'sent');
  assert.deepEqual(pauses, [375, 750, 1_500, 3_000]);
  assert.equal(received.length, 5);
});

test('a collector says itself how long to wait, in seconds or as a date', async (t) => {
  const date = new Date(Date.UTC(2031, 4, 7, 11, 13, 47)).toUTCString();
  const told = ['7', date];
  const { transport, untilWaiting, letPass } = await setUp(t, (response, count) =>
    (count <= told.length ? respond(429, { 'retry-after': told[count - 1]! }) : respond(200))(response),
  );
  const outcome = transport.send(Buffer.from('x'));
  await untilWaiting();
  assert.equal(letPass(), 7_000);
  await untilWaiting();
  assert.equal(Math.round(letPass()), 30_000 - 7_000 - 719);
  assert.equal((await outcome).kind, 'sent');
});

test('a collector that does not want to be waited for is not asked without a pause', async (t) => {
  const past = new Date(Date.UTC(2020, 0, 1)).toUTCString();
  const told = ['0', past];
  const { transport, untilWaiting, letPass } = await setUp(t, (response, count) =>
    (count <= told.length ? respond(503, { 'retry-after': told[count - 1]! }) : respond(200))(response),
  );
  const outcome = transport.send(Buffer.from('x'));
  const pauses: number[] = [];
  for (const _ of told) {
    await untilWaiting();
    pauses.push(letPass());
  }
  assert.equal((await outcome).kind, 'sent');
  assert.deepEqual(pauses, [375, 750]);
});

test('what is refused for good is not sent again', async (t) => {
  for (const status of [400, 401, 404, 413, 500, 301]) {
    const { transport, received } = await setUp(t, respond(status));
    assert.deepEqual(await transport.send(Buffer.from('x')), { kind: 'lost', reason: `status ${status}`, status });
    assert.equal(received.length, 1);
  }
});

test('it gives up when the time of a batch is over, and when the collector asks for more than that', async (t) => {
  const { transport, received, untilWaiting, letPass } = await setUp(t, respond(503), { retryForMs: 1_000 });
  const outcome = transport.send(Buffer.from('x'));
  await untilWaiting();
  letPass();
  assert.deepEqual(await outcome, { kind: 'lost', reason: 'status 503', status: 503 });
  assert.equal(received.length, 2);
  const patient = await setUp(t, respond(429, { 'retry-after': '61' }));
  assert.equal((await patient.transport.send(Buffer.from('x'))).kind, 'lost');
});

test('nobody there, and an answer that breaks off, are tried again', async (t) => {
  const { transport, server, untilWaiting, letPass, received } = await setUp(t, (response) => void response.socket!.destroy(), {
    retryForMs: 1_000,
  });
  const outcome = transport.send(Buffer.from('x'));
  await untilWaiting();
  server.close();
  letPass();
  assert.deepEqual(await outcome, { kind: 'lost', reason: 'ECONNREFUSED', status: undefined });
  assert.equal(received.length, 1);
});

test('hurried, what waits is tried at once and for the last time', async (t) => {
  const { transport, untilWaiting, received, waits } = await setUp(t, respond(503));
  const outcome = transport.send(Buffer.from('x'));
  await untilWaiting();
  transport.hurry();
  assert.equal((await outcome).kind, 'lost');
  assert.equal(received.length, 2);
  assert.deepEqual(waits, []);
});

test('closed, what is under way is lost at once', async (t) => {
  const { transport, received } = await setUp(t, () => undefined);
  const outcome = transport.send(Buffer.from('x'));
  await eventually(() => received.length > 0, 'the collector has the batch');
  transport.close();
  assert.deepEqual(await outcome, { kind: 'lost', reason: 'closed', status: undefined });
});
