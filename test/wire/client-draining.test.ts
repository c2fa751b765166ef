import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, readAnswers } from '../support/answers.ts';
import { startClientBench, toAnswer, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`;

test('lets idle clients go when it drains, and says goodbye behind each answer that still comes', async (t) => {
  const bench = await startClientBench(t, { clock: new FakeClock(), onData: () => undefined });
  const idle = await bench.open();
  idle.send(get('/local/x'));
  await untilAnswers(idle, 1);
  const waiting = await bench.open();
  waiting.send(get('/slow'));
  await eventually(() => bench.received.length === 1, 'the upstream has the request');
  const drained = bench.gateway.control.drain();
  await idle.untilEnd();
  idle.close();
  assert.equal(waiting.hasEnded, false);
  bench.upstream.connections[0]!.send(toAnswer('late'));
  const { answers } = readAnswers(await waiting.untilEnd());
  assert.equal(answers[0]?.body, 'late');
  assert.equal(fieldOf(answers[0]!, 'connection'), 'close');
  waiting.close();
  await drained;
});

test('ends a connection behind an answer that had begun before it drained', async (t) => {
  const bench = await startClientBench(t, {
    clock: new FakeClock(),
    onData: (upstream) => upstream.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none'),
  });
  const client = await bench.open();
  client.send(get('/x') + get('/local/next'));
  await client.until('one');
  const drained = bench.gateway.control.drain();
  bench.upstream.connections[0]!.send('two');
  const { answers, rest } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['onetwo'],
  );
  assert.equal(rest, '');
  client.close();
  await drained;
});

test('waits for a head that has begun, answers it, and ends', async (t) => {
  const bench = await startClientBench(t, { clock: new FakeClock() });
  const client = await bench.open();
  client.send('GET /local/x HTTP/1.1\r\nho');
  const neighbour = await bench.open();
  neighbour.send(get('/local/x'));
  await untilAnswers(neighbour, 1);
  const drained = bench.gateway.control.drain();
  neighbour.close();
  client.send('st: shop\r\n\r\n');
  const { answers } = readAnswers(await client.untilEnd());
  assert.equal(fieldOf(answers[0]!, 'connection'), 'close');
  client.close();
  await drained;
});
