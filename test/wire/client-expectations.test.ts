import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldOf, readAnswers } from '../support/answers.ts';
import { onEachWholeRequest, startClientBench, toAnswer, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';

const host = 'host: shop\r\n';
const expecting = `POST /x HTTP/1.1\r\n${host}expect: 100-continue\r\ncontent-length: 3\r\n\r\n`;

test('passes an expectation on, the leave back, and then the body', async (t) => {
  const bench = await startClientBench(t, {
    onData: (upstream, chunk) => upstream.send(chunk === 'abc' ? toAnswer('thanks') : 'HTTP/1.1 100 Continue\r\n\r\n'),
  });
  const client = await bench.open();
  for (let i = 0; i < 2; i++) {
    client.send(expecting);
    assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('abc');
    assert.equal((await untilAnswers(client, 1))[0]!.body, 'thanks');
    client.take();
  }
  assert.match(bench.received[0]!, /\r\nexpect: 100-continue\r\n/);
});

test('does not give leave by itself', async (t) => {
  const bench = await startClientBench(t, { onData: () => undefined });
  const client = await bench.open();
  client.send(expecting);
  await eventually(() => bench.received[0]?.includes('expect') === true, 'the upstream has the head');
  assert.equal(client.received, '');
  bench.upstream.connections[0]!.send('HTTP/1.1 100 Continue\r\n\r\n');
  await client.until('100 Continue');
});

test('gives the final answer instead of the leave, and does not take the body for a request', async (t) => {
  const refuse = 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno';
  const bench = await startClientBench(t, { onData: (upstream) => upstream.send(refuse) });
  const client = await bench.open();
  client.send(expecting);
  const { answers, rest } = readAnswers(await client.untilEnd());
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body]),
    [[413, 'no']],
  );
  assert.equal(rest, '');
  assert.equal(fieldOf(answers[0]!, 'connection'), 'close');
  client.send('abc');
  assert.deepEqual(
    (await bench.log()).map(({ status }) => status),
    [413],
  );
});

test('takes a body that comes without waiting for leave', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`${expecting}abc${expecting}abc`);
  const answers = await untilAnswers(client, 2);
  assert.deepEqual(
    answers.map(({ body }) => body),
    ['POST /x abc', 'POST /x abc'],
  );
});

test('refuses an expectation that nobody knows', async (t) => {
  const bench = await startClientBench(t);
  const { answers } = readAnswers(
    await bench.exchange(`POST /x HTTP/1.1\r\n${host}expect: 200-ok\r\ncontent-length: 3\r\n\r\nabc`),
  );
  assert.deepEqual(
    answers.map(({ status, body }) => [status, JSON.parse(body).code]),
    [[417, 'GH_CLIENT_EXPECTATION']],
  );
  assert.deepEqual(bench.received, []);
});

test('ignores expectations of HTTP/1.0 clients, and of requests without a body', async (t) => {
  const bench = await startClientBench(t);
  for (const request of [
    'POST /x HTTP/1.0\r\nexpect: 100-continue\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nabc',
    'POST /x HTTP/1.0\r\nexpect: wonders\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nabc',
    `GET /x HTTP/1.1\r\n${host}expect: 100-continue\r\n\r\n`,
  ]) {
    const client = await bench.open();
    client.send(request);
    assert.equal((await untilAnswers(client, 1))[0]!.status, 200, request);
  }
  assert.doesNotMatch(bench.received.join(''), /expect/);
});

test('passes other informational answers on, but none to HTTP/1.0', async (t) => {
  const bench = await startClientBench(t, {
    onData: onEachWholeRequest((upstream) =>
      upstream.send(
        `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nconnection: x\r\n\r\n${toAnswer('done')}`,
      ),
    ),
  });
  const client = await bench.open();
  client.send(`GET /x HTTP/1.1\r\n${host}\r\n`);
  await client.until('done');
  assert.ok(
    client.received.startsWith(
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n',
    ),
    client.received,
  );
  const old = await bench.exchange('GET /x HTTP/1.0\r\n\r\n');
  assert.match(old, /^HTTP\/1\.1 200 /);
});

test('keeps the connection behind an early answer when little of the body is missing', async (t) => {
  const bench = await startClientBench(t);
  for (const framing of ['content-length: 60000', 'transfer-encoding: chunked']) {
    const client = await bench.open();
    client.send(`POST /local/x HTTP/1.1\r\n${host}${framing}\r\n\r\n`);
    const [early] = await untilAnswers(client, 1);
    assert.equal(early!.body, 'local');
    assert.equal(fieldOf(early!, 'connection'), undefined);
    const body = 'u'.repeat(60_000);
    client.send(framing.startsWith('content') ? body : `ea60\r\n${body}\r\n0\r\n\r\n`);
    client.send(`GET /b HTTP/1.1\r\n${host}\r\n`);
    const answers = await untilAnswers(client, 2);
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['local', 'GET /b'],
    );
  }
  assert.equal(bench.received.length, 1);
});

test('announces the end of the connection when much of the body is missing, and lets the client read its answer', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const size = 20_000_000;
  client.send(`POST /local/x HTTP/1.1\r\n${host}content-length: ${size}\r\n\r\n`);
  // Does not look at the answer before everything is sent.
  client.socket.pause();
  client.send('u'.repeat(size));
  await eventually(() => client.socket.writableLength === 0, 'the whole body is sent');
  client.socket.resume();
  const { answers, rest } = readAnswers(await client.untilEnd());
  assert.equal(client.error, undefined);
  assert.equal(answers.length, 1);
  assert.equal(fieldOf(answers[0]!, 'connection'), 'close');
  assert.equal(rest, '');
});

test('closes when an unwanted body of unknown length does not end', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  client.send(`POST /local/x HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n`);
  await untilAnswers(client, 1);
  for (let i = 0; i < 10; i++) client.send(`4000\r\n${'u'.repeat(0x4000)}\r\n`);
  await client.untilEnd();
  client.close();
  assert.equal((await bench.log()).length, 1);
});

test('does not answer twice when the rest of an unwanted body is broken or missing', async (t) => {
  const bench = await startClientBench(t);
  const broken = await bench.open();
  broken.send(`POST /local/x HTTP/1.1\r\n${host}transfer-encoding: chunked\r\n\r\n`);
  await untilAnswers(broken, 1);
  broken.send('no chunk\r\n');
  assert.equal(readAnswers(await broken.untilEnd()).answers.length, 1);
  const missing = await bench.open();
  missing.send(`POST /local/x HTTP/1.1\r\n${host}content-length: 9\r\n\r\nabc`);
  await untilAnswers(missing, 1);
  missing.socket.end();
  assert.equal(readAnswers(await missing.untilEnd()).answers.length, 1);
  assert.equal((await bench.log()).length, 2);
});

test('lets an upstream answer early while the body still flows', async (t) => {
  const bench = await startClientBench(t, {
    onData: (upstream) => {
      if (upstream.received.includes('first') && !upstream.received.includes('second')) upstream.send(toAnswer('early'));
    },
  });
  const client = await bench.open();
  client.send(`POST /x HTTP/1.1\r\n${host}content-length: 11\r\n\r\nfirst`);
  assert.equal((await untilAnswers(client, 1))[0]!.body, 'early');
  client.take();
  client.send(`secondGET /local/x HTTP/1.1\r\n${host}\r\n`);
  assert.equal((await untilAnswers(client, 1))[0]!.body, 'local');
});
