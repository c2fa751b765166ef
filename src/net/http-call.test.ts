import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { callHttp, HttpCallFailed } from './http-call.ts';

async function serve(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, [Symbol.dispose]: () => void server.close(() => undefined).closeAllConnections() };
}

const bounds = { timeoutMs: 5_000, bytesMax: 1_000 };

test('sends what it is given and returns the whole answer', async () => {
  using server = await serve((request, response) => {
    request.setEncoding('utf8').on('data', (body) => {
      response.writeHead(302, { location: '/elsewhere', 'x-seen': `${request.method} ${request.headers['x-a']}` });
      response.end(`${body} \u2713`);
    });
  });
  const answer = await callHttp({ ...bounds, url: server.url, method: 'POST', headers: { 'x-a': '1' }, body: 'sent \u2713' });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers['x-seen'], 'POST 1');
  assert.equal(answer.text, 'sent \u2713 \u2713');
});

test('an answer that is too long, breaks off or does not end in time is none', async () => {
  using long = await serve((_, response) => response.end('x'.repeat(1_001)));
  await assert.rejects(callHttp({ ...bounds, url: long.url }), new HttpCallFailed('the answer is longer than 1000 bytes'));
  using broken = await serve((_, response) => {
    response.write('half');
    response.socket!.end();
  });
  await assert.rejects(callHttp({ ...bounds, url: broken.url }), HttpCallFailed);
  using slow = await serve((_, response) => void response.write('half'));
  const failure = new HttpCallFailed('no whole answer within 50 ms');
  await assert.rejects(callHttp({ ...bounds, timeoutMs: 50, url: slow.url }), failure);
});

test('nobody there is told by the code of the system', async () => {
  const gone = await serve(() => undefined);
  gone[Symbol.dispose]();
  await assert.rejects(callHttp({ ...bounds, url: gone.url }), new HttpCallFailed('ECONNREFUSED'));
});
