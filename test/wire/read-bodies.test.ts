/** Bodies that are read as a whole before anything is done with them, over real connections: a batch is such a body. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ClientBenchOptions, startClientBench, untilAnswers } from '#test/support/client-bench.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { encodeData, encodeReset, Flag, FrameType } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';

const BODY = '[{"path":"/local/x"}]';
const JSON_TYPE = 'content-type: application/json\r\n';
const NEXT = 'GET /local/next HTTP/1.1\r\nhost: shop\r\n\r\n';
const LIMIT_BYTES = 1_024;
const CANCEL = 8;

const batchRoute = { batch: { match: { path: '/batch' }, to: { batch: { bodyBytes: '1KiB' } } } } as const;
const start = (t: TestContext, options: ClientBenchOptions = {}) => startClientBench(t, { routes: batchRoute, ...options });
const head = (fields: string, version = '1.1') => `POST /batch HTTP/${version}\r\nhost: shop\r\n${JSON_TYPE}${fields}\r\n`;
const withLength = (body: string, more = '') => `${head(`content-length: ${body.length}\r\n${more}`)}${body}`;
const toChunks = (body: string) => [...body].map((char) => `1\r\n${char}\r\n`).join('');

test('a body is read whether its length is announced or not, however it is split, and so is what stands behind it', async (t) => {
  const bench = await start(t);
  const requests = [
    withLength(BODY),
    `${head('transfer-encoding: chunked\r\n')}${toChunks(BODY)}0\r\nx-trailer: 1\r\n\r\n`,
    withLength(BODY.padEnd(LIMIT_BYTES)),
    `${head('transfer-encoding: chunked\r\n')}400\r\n${BODY.padEnd(LIMIT_BYTES)}\r\n0\r\n\r\n`,
  ];
  for (const request of requests) {
    for (const pieces of [
      [request + NEXT],
      [request, NEXT],
      [...request, NEXT],
      [request.slice(0, -3), request.slice(-3) + NEXT],
    ]) {
      const client = await bench.open();
      for (const piece of pieces.length > 4 && request.length > 500 ? [request + NEXT] : pieces) client.send(piece);
      const answers = await untilAnswers(client, 2);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
      assert.match(answers[0]!.body, /"text":"local"/);
      assert.equal(answers[1]!.body, 'local');
    }
  }
});

test('a client that asks before it sends its body is told to go on, once', async (t) => {
  const bench = await start(t);
  const client = await bench.open();
  client.send(head(`content-length: ${BODY.length}\r\nexpect: 100-continue\r\n`));
  await client.until('HTTP/1.1 100 Continue\r\n\r\n');
  assert.equal(client.received, 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send(BODY + NEXT);
  const answers = await untilAnswers(client, 2);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  assert.equal(client.received.split('100 Continue').length, 2);
});

test('a client that asks and does not wait is answered all the same', async (t) => {
  const bench = await start(t);
  const client = await bench.open();
  client.send(withLength(BODY, 'expect: 100-continue\r\n') + NEXT);
  const answers = await untilAnswers(client, 2);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
});

test('a client that asks whether it may send a body that is too long is not told to go on', async (t) => {
  const bench = await start(t);
  const answer = await bench.exchange(head(`content-length: ${LIMIT_BYTES + 1}\r\nexpect: 100-continue\r\n`));
  assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n[\s\S]*GH_CLIENT_BODY_TOO_LONG/);
});

test('a client of HTTP/1.0 is told nothing before its answer', async (t) => {
  const bench = await start(t);
  const fields = `content-length: ${BODY.length}\r\nexpect: 100-continue\r\n`;
  const answer = await bench.exchange(`${head(fields, '1.0')}${BODY}`);
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  assert.doesNotMatch(answer, /100 Continue/);
});

test('behind a body that is a little too long, the connection serves the next request', async (t) => {
  const bench = await start(t);
  const body = 'x'.repeat(LIMIT_BYTES + 1);
  for (const request of [
    withLength(body),
    `${head('transfer-encoding: chunked\r\n')}401\r\n${body}\r\n0\r\n\r\n`,
    `${head('transfer-encoding: chunked\r\n')}${toChunks(body)}0\r\n\r\n`,
  ]) {
    const client = await bench.open();
    client.send(request + NEXT);
    const [refusal, next] = await untilAnswers(client, 2);
    assert.deepEqual([refusal!.status, JSON.parse(refusal!.body).code, next!.status], [413, 'GH_CLIENT_BODY_TOO_LONG', 200]);
  }
});

test('behind a body that is far too long, the connection ends when the client has its answer', async (t) => {
  const bench = await start(t);
  const announced = await bench.exchange(head('content-length: 10000000\r\n'));
  assert.match(announced, /^HTTP\/1\.1 413 [\s\S]*\r\nconnection: close\r\n/);
  const client = await bench.open();
  client.send(head('transfer-encoding: chunked\r\n'));
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let i = 0; i < 10; i++) client.send(chunk);
  await client.untilEnd();
  assert.match(client.received, /^HTTP\/1\.1 413 /);
});

test('a body that stops arriving is not waited for', async (t) => {
  const clock = new FakeClock();
  const bench = await start(t, { clock, listener: { timeouts: { bodyIdle: '1s' } } });
  const client = await bench.open();
  client.send(`${head('content-length: 100\r\n')}[`);
  // The first byte has been read when the time begins: the head alone would have another time.
  await bench.exchange(NEXT.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
  clock.advance(2_000);
  await client.untilEnd();
  assert.match(client.received, /^HTTP\/1\.1 408 [\s\S]*\r\nconnection: close\r\n[\s\S]*GH_CLIENT_BODY_TIMEOUT/);
  assert.equal(client.received.split('HTTP/1.1 ').length, 2);
});

test('a body that breaks off is answered by nobody, and logged once', async (t) => {
  for (const leave of ['close', 'end'] as const) {
    const bench = await start(t);
    const client = await bench.open();
    client.send(`${head('content-length: 100\r\n')}[`);
    await bench.exchange(NEXT.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    if (leave === 'close') client.close();
    else {
      client.socket.end();
      await client.untilEnd();
    }
    const lines = (await bench.log()).filter(({ route }) => route === 'batch');
    assert.deepEqual(
      lines.map(({ status, code, requestBytes }) => [status, code, requestBytes]),
      [[499, 'GH_CLIENT_GONE', 1]],
    );
    assert.equal(client.received, '');
  }
});

test('a body whose framing is wrong is refused', async (t) => {
  const bench = await start(t);
  const answer = await bench.exchange(`${head('transfer-encoding: chunked\r\n')}5\r\n[{"pa\r\nzz\r\n`);
  assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*GH_CLIENT_MALFORMED_BODY/);
});

const http2Head = [
  ':method',
  'POST',
  ':scheme',
  'http',
  ':authority',
  'shop',
  ':path',
  '/batch',
  'content-type',
  'application/json',
];

test('by HTTP/2 a body is read in the same way', async (t) => {
  const bench = await start(t);
  const client = await RawHttp2Client.open(t, { port: bench.gateway.port() });
  client.sendHead(1, http2Head, false);
  for (const char of BODY) client.send(encodeData(1, char));
  client.send(encodeData(1, '', Flag.endStream));
  client.sendHead(3, [...http2Head, 'content-length', String(BODY.length), 'expect', '100-continue'], false);
  await client.until(({ stream, type }) => stream === 3 && type === FrameType.headers, 'that it may go on');
  client.send(encodeData(3, BODY, Flag.endStream));
  await client.untilAnswered(1);
  await client.untilAnswered(3);
  assert.match(client.bodyOf(1), /"text":"local"/);
  assert.match(client.bodyOf(3), /"text":"local"/);
  const heads = client.frames.filter(({ stream, type }) => stream === 3 && type === FrameType.headers);
  assert.equal(heads.length, 2);
  client.socket.destroy();
});

test('by HTTP/2 a body that is too long ends its stream alone', async (t) => {
  const bench = await start(t);
  const client = await RawHttp2Client.open(t, { port: bench.gateway.port() });
  client.sendHead(1, http2Head, false);
  client.send(encodeData(1, 'x'.repeat(LIMIT_BYTES)), encodeData(1, 'x'));
  await client.untilAnswered(1);
  assert.equal(client.statusOf(1), 413);
  client.sendHead(3, [...http2Head, 'content-length', '5000'], false);
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 413);
  client.sendHead(5, http2Head, false);
  client.send(encodeData(5, BODY, Flag.endStream));
  await client.untilAnswered(5);
  assert.equal(client.statusOf(5), 200);
  client.socket.destroy();
});

test('by HTTP/2 a body that stops arriving or is broken off is not waited for', async (t) => {
  const clock = new FakeClock();
  const bench = await start(t, { clock, listener: { timeouts: { bodyIdle: '1s' } } });
  const client = await RawHttp2Client.open(t, { port: bench.gateway.port() });
  client.sendHead(1, http2Head, false);
  client.send(encodeData(1, '['));
  client.sendHead(3, http2Head, false);
  client.send(encodeData(3, '['));
  client.ask(5, '/local/x');
  await client.untilAnswered(5);
  client.send(encodeReset(1, CANCEL));
  client.ask(7, '/local/x');
  await client.untilAnswered(7);
  clock.advance(2_000);
  await client.untilAnswered(3);
  assert.equal(client.statusOf(3), 408);
  client.socket.destroy();
  const lines = (await bench.log()).filter(({ route }) => route === 'batch');
  assert.deepEqual(
    lines.map(({ status, code }) => [status, code]),
    [
      [499, 'GH_CLIENT_GONE'],
      [408, 'GH_CLIENT_BODY_TIMEOUT'],
    ],
  );
});

test('bodies that are read at the same time do not mix', async (t) => {
  const bench = await start(t);
  const clients = await Promise.all(Array.from({ length: 20 }, () => bench.open()));
  const bodies = clients.map((_, i) => `[{"id":${i},"path":"/local/x"}]`);
  for (const [i, client] of clients.entries()) client.send(withLength(bodies[i]!).slice(0, -10));
  await eventually(() => clients.every(({ socket }) => socket.writableLength === 0), 'all beginnings are sent');
  for (const [i, client] of clients.entries()) client.send(bodies[i]!.slice(-10));
  for (const [i, client] of clients.entries()) assert.match((await untilAnswers(client, 1))[0]!.body, new RegExp(`"id":${i},`));
});
