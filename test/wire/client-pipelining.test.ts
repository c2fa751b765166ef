import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldOf, readAnswers } from '../support/answers.ts';
import { onEachWholeRequest, startClientBench, toAnswer, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const host = 'host: shop\r\n';
const get = (path: string) => `GET ${path} HTTP/1.1\r\n${host}\r\n`;

test('answers pipelined requests in order, its own and those of upstreams mixed', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const paths = ['/a', '/local/1', '/b', '/local/2', '/local/3', '/c', '/d'];
  client.send(paths.map(get).join(''));
  const answers = await untilAnswers(client, paths.length);
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['GET /a', 'local', 'GET /b', 'local', 'local', 'GET /c', 'GET /d'],
  );
});

test('takes the bodies of pipelined requests apart, whatever their framing', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const post = (path: string, body: string) => `POST ${path} HTTP/1.1\r\n${host}content-length: ${body.length}\r\n\r\n${body}`;
  const chunked = (path: string, chunks: string) => `POST ${path} HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n${chunks}`;
  client.send(
    post('/1', get('/not-a-request')) + chunked('/2', '3\r\nabc\r\n0\r\n\r\n') + get('/3') + post('/4', 'x') + post('/5', ''),
  );
  const answers = await untilAnswers(client, 5);
  assert.deepEqual(
    answers.map(({ body }) => body),
    [`POST /1 ${get('/not-a-request')}`, 'POST /2 abc', 'GET /3', 'POST /4 x', 'POST /5'],
  );
});

test('does not begin a request before the one ahead is answered', async (t) => {
  const bench = await startClientBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.send(get('/first') + get('/local/second'));
  await eventually(() => bench.received.length === 1, 'the upstream has the first request');
  client.send(get('/third'));
  assert.equal(client.received, '');
  bench.upstream.connections[0]!.send(toAnswer('one'));
  await client.until('local');
  await eventually(() => bench.received[0]!.includes('/third'), 'the upstream has the third request');
  bench.upstream.connections[0]!.send(toAnswer('three'));
  const answers = await untilAnswers(client, 3);
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['one', 'local', 'three'],
  );
});

test('stops reading at its limit of pipelined bytes and loses none of them', async (t) => {
  let answered = 0;
  const waiting: (() => void)[] = [];
  const bench = await startClientBench(t, {
    onData: onEachWholeRequest((upstream, { head }) => {
      const number = /\/n(\d+) /.exec(head)![1]!;
      const answer = () => upstream.send(toAnswer(number));
      if (answered++ === 0) waiting.push(answer);
      else answer();
    }),
  });
  const client = await bench.open();
  const count = 5000;
  const pad = 'x'.repeat(1500);
  const requests = Array.from({ length: count }, (_, i) => `GET /n${i} HTTP/1.1\r\n${host}x-pad: ${pad}\r\n\r\n`);
  for (let i = 0; i < count; i += 50) client.send(requests.slice(i, i + 50).join(''));
  const size = requests.join('').length;
  await eventually(() => waiting.length === 1 && client.socket.writableLength < size, 'some of it has left');
  const another = await bench.open();
  another.send(get('/local/x'));
  await untilAnswers(another, 1);
  // Beyond what the sockets and the gateway hold, the client cannot get rid of its bytes.
  assert.ok(client.socket.writableLength > 0, 'the gateway does not take all');
  waiting[0]!();
  await eventually(() => client.received.endsWith(`${count - 1}`), 'the last answer has come');
  const answers = await untilAnswers(client, count);
  assert.deepEqual(
    answers.map(({ body }) => body),
    Array.from({ length: count }, (_, i) => `${i}`),
  );
});

test('begins no further request while its answers are not read', async (t) => {
  const text = 'y'.repeat(200_000);
  const bench = await startClientBench(t, {
    routes: { large: { match: { path: '/large' }, to: { respond: { text } } } },
  });
  const client = await bench.open();
  client.socket.pause();
  const count = 300;
  client.send(get('/large').repeat(count));
  const heap = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed;
  const before = heap();
  const another = await bench.open();
  for (let i = 0; i < 20; i++) {
    another.send(get('/local/x'));
    await another.until('local');
    another.take();
  }
  assert.ok(heap() - before < 30_000_000, `${heap() - before} bytes are held for a client that does not read`);
  client.socket.resume();
  await eventually(() => client.received.length > count * text.length, 'everything has come');
  assert.equal((await untilAnswers(client, count)).length, count);
});

test('cuts a client that pipelines and does not read', async (t) => {
  const clock = new FakeClock();
  const bench = await startClientBench(t, {
    clock,
    listener: { timeouts: { bodyIdle: '10s' } },
    routes: { large: { match: { path: '/large' }, to: { respond: { text: 'y'.repeat(1_000_000) } } } },
  });
  const client = await bench.open();
  client.socket.pause();
  client.send(get('/large').repeat(100));
  const another = await bench.open();
  another.send(get('/local/x'));
  await another.until('local');
  clock.advance(11_000);
  await eventually(() => bench.gateway.control.plane?.connectionCount === 1, 'the one that does not read is closed');
  another.send(get('/local/x'));
  await untilAnswers(another, 2);
});

test('answers what came before a malformed request, then refuses that one', async (t) => {
  const bench = await startClientBench(t);
  const { answers, rest } = readAnswers(
    await bench.exchange(`${get('/a')}${get('/local/x')}GET /b HTTP/1.1\r\n\r\n${get('/c')}`),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 400],
  );
  assert.equal(fieldOf(answers[2]!, 'connection'), 'close');
  assert.equal(rest, '');
  assert.ok(!bench.received.join('').includes('/c'));
});

test('does nothing of what stands behind a request that asks to close', async (t) => {
  const bench = await startClientBench(t);
  const { answers } = readAnswers(await bench.exchange(`GET /a HTTP/1.1\r\n${host}connection: close\r\n\r\n${get('/b')}`));
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['GET /a'],
  );
  const local = readAnswers(
    await bench.exchange(`GET /local/a HTTP/1.1\r\n${host}connection: close\r\n\r\n${get('/b').repeat(5000)}`),
  );
  assert.equal(local.answers.length, 1);
  assert.ok(!bench.received.join('').includes('/b'));
});

const request = fc.oneof(
  fc.constantFrom('/a', '/b?c', '/local/x').map((path) => ({ text: get(path), method: 'GET', path, body: '' })),
  fc.constantFrom('/h', '/local/h').map((path) => ({
    text: `HEAD ${path} HTTP/1.1\r\n${host}\r\n`,
    method: 'HEAD',
    path,
    body: '',
  })),
  fc.tuple(fc.constantFrom('/p', '/local/p'), fc.stringMatching(/^[a-z\r\n ]{1,40}$/)).map(([path, body]) => ({
    text: `POST ${path} HTTP/1.1\r\n${host}content-length: ${body.length}\r\n\r\n${body}`,
    method: 'POST',
    path,
    body: ` ${body}`,
  })),
  fc.tuple(fc.constantFrom('/q', '/local/q'), fc.stringMatching(/^[a-z]{1,9}$/)).map(([path, body]) => {
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    const text = `PUT ${path} HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n${chunks}`;
    return { text, method: 'PUT', path, body: ` ${body}` };
  }),
);

test('answers any pipeline in order, however its bytes are split', async (t) => {
  const bench = await startClientBench(t);
  const pipelines = fc.tuple(
    fc.array(request, { minLength: 1, maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(pipelines, async ([requests, sizes]) => {
      const client = await bench.open();
      const text = requests.map(({ text }) => text).join('');
      for (let at = 0, i = 0; at < text.length; at += sizes[i++ % sizes.length]!) {
        client.send(text.slice(at, at + sizes[i % sizes.length]!));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const methods = requests.map(({ method }) => method);
      const answers = await untilAnswers(client, requests.length, methods);
      assert.deepEqual(
        answers.map(({ body }) => body),
        requests.map(({ method, path, body }) => {
          if (method === 'HEAD') return '';
          return path.startsWith('/local') ? 'local' : `${method} ${path}${body}`;
        }),
      );
      client.close();
    }),
    { numRuns: Math.ceil(Number(process.env['GATEHOUSE_FUZZ_RUNS'] ?? 60) / 3) },
  );
});
