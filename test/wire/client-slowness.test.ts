import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, readAnswers } from '../support/answers.ts';
import {
  type ClientBenchOptions,
  onEachWholeRequest,
  startClientBench,
  toAnswer,
  untilAnswers,
} from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const host = 'host: shop\r\n';
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`;
const timeouts = { head: '10s', bodyIdle: '20s', keepAlive: '30s', linger: '5s' } as const;

async function startSlowBench(t: Parameters<typeof startClientBench>[0], options: ClientBenchOptions = {}) {
  const clock = new FakeClock();
  const bench = await startClientBench(t, { clock, ...options, listener: { timeouts } });
  return { clock, bench };
}

/** Lets more than `timeouts.head` pass, and returns when the timers have seen it: a client that never speaks tells. */
async function letTimePass({ bench, clock }: Awaited<ReturnType<typeof startSlowBench>>, ms: number): Promise<void> {
  const count = bench.gateway.control.plane!.connectionCount;
  const silent = await bench.open();
  await eventually(() => bench.gateway.control.plane!.connectionCount > count, 'the silent client is connected');
  clock.advance(ms);
  await silent.untilEnd();
  silent.close();
}

test('answers 408 to a head that does not become whole, however it drips', async (t) => {
  const { clock, bench } = await startSlowBench(t);
  const quick = await bench.open();
  const slow = await bench.open();
  slow.send(`GET /x HTTP/1.1\r\n${host}`);
  for (let i = 0; i < 3; i++) {
    quick.send(get('/local/x'));
    await untilAnswers(quick, i + 1);
    clock.advance(3_000);
    slow.send('a: b\r\n');
  }
  assert.equal(slow.received, '');
  quick.send(get('/local/x'));
  await untilAnswers(quick, 4);
  clock.advance(1_500);
  const { answers } = readAnswers(await slow.untilEnd());
  assert.deepEqual(
    answers.map((answer) => [answer.status, fieldOf(answer, 'connection'), JSON.parse(answer.body).code]),
    [[408, 'close', 'GH_CLIENT_HEAD_TIMEOUT']],
  );
  quick.send(get('/local/x'));
  await untilAnswers(quick, 5);
  slow.close();
  const lines = await bench.log();
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]).filter(([status]) => status !== 200),
    [[408, 'GH_CLIENT_HEAD_TIMEOUT']],
  );
});

test('closes a connection that never says a word, without one', async (t) => {
  const { clock, bench } = await startSlowBench(t);
  const client = await bench.open();
  await eventually(() => bench.gateway.control.plane?.connectionCount === 1, 'it is connected');
  clock.advance(10_300);
  assert.equal(await client.untilEnd(), '');
  assert.deepEqual(await bench.log(), []);
});

test('closes an idle connection silently when its time is over, and counts that from the last answer', async (t) => {
  const { clock, bench } = await startSlowBench(t);
  const client = await bench.open();
  for (let i = 1; i <= 3; i++) {
    client.send(get(i === 2 ? '/a' : '/local/x'));
    await untilAnswers(client, i);
    await letTimePass({ clock, bench }, 25_000);
  }
  assert.equal(client.hasEnded, false);
  clock.advance(6_000);
  await client.untilEnd();
  assert.equal(readAnswers(client.received).answers.length, 3);
  assert.equal(readAnswers(client.received).rest, '');
  assert.equal((await bench.log()).length, 3);
});

test('answers 408 to a body that stands still, and leaves its upstream', async (t) => {
  const { clock, bench } = await startSlowBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.send(`POST /x HTTP/1.1\r\n${host}content-length: 10\r\n\r\nabc`);
  await eventually(() => bench.received[0]?.endsWith('abc') === true, 'the upstream has the beginning');
  await letTimePass({ clock, bench }, 15_000);
  client.send('def');
  await eventually(() => bench.received[0]?.endsWith('def') === true, 'the upstream has more');
  await letTimePass({ clock, bench }, 15_000);
  assert.equal(client.received, '');
  clock.advance(5_500);
  const { answers } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map((answer) => [answer.status, fieldOf(answer, 'connection'), JSON.parse(answer.body).code]),
    [[408, 'close', 'GH_CLIENT_BODY_TIMEOUT']],
  );
  await eventually(() => bench.upstream.connections[0]!.socket.closed, 'the upstream is left');
  client.close();
  assert.deepEqual(
    (await bench.log()).map(({ status, code }) => [status, code]),
    [[408, 'GH_CLIENT_BODY_TIMEOUT']],
  );
});

test('does not hurry a client whose upstream is the slow one', async (t) => {
  const { clock, bench } = await startSlowBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.send(get('/x'));
  await eventually(() => bench.received.length === 1, 'the upstream has the request');
  await letTimePass({ clock, bench }, 50_000);
  bench.upstream.connections[0]!.send(toAnswer('at last'));
  assert.equal((await untilAnswers(client, 1))[0]!.body, 'at last');
});

test('cuts a client that stops to read a large answer, and leaves its upstream', async (t) => {
  const size = 50_000_000;
  const { clock, bench } = await startSlowBench(t, {
    onData: onEachWholeRequest((upstream) => upstream.send(toAnswer('z'.repeat(size)))),
  });
  const neighbour = await bench.open();
  const client = await bench.open();
  client.send(get('/x'));
  await client.until('zzz');
  client.socket.pause();
  await eventually(() => (bench.upstream.connections[0]?.socket.writableLength ?? 0) > 0, 'the answer is stuck');
  neighbour.send(get('/local/x'));
  await untilAnswers(neighbour, 1);
  await letTimePass({ clock, bench }, 15_000);
  neighbour.send(get('/local/x'));
  await untilAnswers(neighbour, 2);
  assert.equal(bench.gateway.control.plane?.connectionCount, 2);
  clock.advance(5_500);
  await eventually(() => bench.upstream.connections[0]!.socket.closed, 'the upstream is left');
  await eventually(() => bench.gateway.control.plane?.connectionCount === 1, 'the client is cut');
  neighbour.send(get('/local/x'));
  await untilAnswers(neighbour, 3);
  client.socket.resume();
  await client.untilEnd();
  assert.ok(client.received.length < size);
  const lines = await bench.log();
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]).filter(([, code]) => code !== undefined),
    [[200, 'GH_CLIENT_REPLY_TIMEOUT']],
  );
});

test('does not cut a client that reads a large answer slowly but steadily', async (t) => {
  const size = 16_000_000;
  const { clock, bench } = await startSlowBench(t, {
    routes: { large: { match: { path: '/large' }, to: { respond: { text: 'z'.repeat(size) } } } },
  });
  const client = await bench.open();
  client.send(get('/large'));
  let step = 0;
  client.socket.on('data', () => {
    if (client.received.length > step * 2_000_000) client.socket.pause();
  });
  for (step = 1; step <= 6; step++) {
    client.socket.resume();
    await eventually(() => client.socket.isPaused(), 'it has read some more');
    await letTimePass({ clock, bench }, 15_000);
  }
  step = Number.POSITIVE_INFINITY;
  client.socket.resume();
  await eventually(() => client.hasEnded || client.received.length > size, 'it has read everything');
  assert.equal((await untilAnswers(client, 1))[0]!.body.length, size);
});

test('gives a slow reader the last bytes of an answer behind which the connection ends', async (t) => {
  const size = 20_000_000;
  const { clock, bench } = await startSlowBench(t, {
    onData: onEachWholeRequest((upstream) => upstream.send(toAnswer('z'.repeat(size)))),
  });
  const client = await bench.open();
  client.send(`GET /x HTTP/1.1\r\n${host}connection: close\r\n\r\n`);
  await client.until('zzz');
  for (let pause = 0; pause < 6; pause++) {
    client.socket.pause();
    await letTimePass({ clock, bench }, 12_000);
    const { length } = client.received;
    client.socket.resume();
    await eventually(() => client.hasEnded || client.received.length > length + 2_500_000, 'it goes on');
  }
  const { answers } = readAnswers(await client.untilEnd());
  assert.equal(answers[0]?.body.length, size);
});

test('does not wait for ever for the end of a client that it has refused', async (t) => {
  const { clock, bench } = await startSlowBench(t);
  const client = await bench.open();
  client.send('nonsense\r\n\r\n');
  await client.untilEnd();
  assert.equal(bench.gateway.control.plane?.connectionCount, 1);
  clock.advance(5_500);
  await bench.untilNoConnections();
});

test('gives up an unwanted body that stands still', async (t) => {
  const { clock, bench } = await startSlowBench(t);
  const client = await bench.open();
  client.send(`POST /local/x HTTP/1.1\r\n${host}content-length: 10\r\n\r\nabc`);
  await untilAnswers(client, 1);
  clock.advance(20_500);
  await client.untilEnd();
  assert.equal(readAnswers(client.received).answers.length, 1);
});
