// Node's own client and undici as clients, Node's own server as the upstream.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { Client, Pool } from 'undici';
import { startGatewayFor } from '#test/support/forwarding.ts';

async function start(
  t: TestContext,
  serve: RequestListener,
  timeouts: { linger?: string } = {},
): Promise<{ port: number; url: string }> {
  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] },
    gateway: { listeners: { web: { address: '127.0.0.1:0', timeouts } } },
  });
  return { port: gateway.port(), url: `http://127.0.0.1:${gateway.port()}` };
}

const sayPath: RequestListener = (incoming, response) => void response.end(incoming.url);

test('an agent that keeps connections uses one for many requests', async (t) => {
  const { port } = await start(t, sayPath);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (let i = 0; i < 10; i++) {
    const outgoing = request({ port, agent, path: `/${i}` }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    ports.add(response.socket.localPort);
    assert.equal(await text(response), `/${i}`);
  }
  assert.equal(ports.size, 1);
});

test('trailers go both ways', async (t) => {
  const { port } = await start(t, async (incoming, response) => {
    await buffer(incoming);
    response.writeHead(200, { trailer: 'x-answer' });
    response.write('body');
    response.addTrailers({ 'x-answer': `got ${incoming.trailers['x-question']}` });
    response.end();
  });
  const outgoing = request({ port, method: 'POST', headers: { trailer: 'x-question', te: 'trailers' } });
  outgoing.write('question');
  outgoing.addTrailers({ 'x-question': '42' });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(await text(response), 'body');
  assert.equal(response.trailers['x-answer'], 'got 42');
});

test('early hints and continue reach a client that listens for them', async (t) => {
  const { port } = await start(t, (incoming, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    incoming.resume().on('end', () => response.end('done'));
  });
  const outgoing = request({ port, method: 'POST', headers: { expect: '100-continue' } });
  const seen: string[] = [];
  outgoing.on('information', ({ statusCode, headers }) => seen.push(`${statusCode} ${headers['link'] ?? ''}`));
  outgoing.on('continue', () => {
    seen.push('continue');
    outgoing.end('body');
  });
  outgoing.flushHeaders();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assert.equal(await text(response), 'done');
  assert.ok(seen.includes('continue'));
  assert.ok(seen.includes('103 </style.css>; rel=preload'));
});

test('undici pipelines requests, and answers come in order', async (t) => {
  const { url } = await start(t, (incoming, response) => {
    // The first ones are the slowest.
    const rank = Number(incoming.url!.slice(1));
    let turns = 20 - rank;
    const answer = () => (turns-- > 0 ? setImmediate(answer) : response.end(incoming.url));
    answer();
  });
  const client = new Client(url, { pipelining: 20 });
  t.after(() => client.destroy());
  const bodies = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => (await client.request({ path: `/${index}`, method: 'GET' })).body.text()),
  );
  assert.deepEqual(
    bodies,
    Array.from({ length: 20 }, (_, index) => `/${index}`),
  );
});

test('an undici pool with pipelining: a thousand requests, each its own answer', async (t) => {
  const { url } = await start(t, sayPath);
  const pool = new Pool(url, { connections: 8, pipelining: 4 });
  t.after(() => pool.destroy());
  const bodies = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => (await pool.request({ path: `/${index}`, method: 'GET' })).body.text()),
  );
  assert.deepEqual(
    bodies,
    Array.from({ length: 1000 }, (_, index) => `/${index}`),
  );
});

test('undici streams a body of unknown length up, and takes one down piece by piece', async (t) => {
  const { url } = await start(t, (incoming, response) => void incoming.pipe(response));
  const pool = new Pool(url);
  t.after(() => pool.destroy());
  const pieces = Array.from({ length: 200 }, (_, index) => Buffer.alloc(index * 37, index % 256));
  const { statusCode, headers, body } = await pool.request({ path: '/', method: 'POST', body: Readable.from(pieces) });
  assert.equal(statusCode, 200);
  assert.equal(headers['transfer-encoding'], 'chunked');
  assert.ok(Buffer.from(await body.arrayBuffer()).equals(Buffer.concat(pieces)));
});

test('a client that gives up in the middle of an answer is heard by the server', async (t) => {
  const left = Promise.withResolvers<void>();
  const begin: RequestListener = (_, response) => {
    response.write('begun');
    response.on('close', () => left.resolve());
  };
  // The client may have closed its own side only: for this long it could still be reading.
  const { url } = await start(t, begin, { linger: '50ms' });
  const pool = new Pool(url);
  t.after(() => pool.destroy());
  const giveUp = new AbortController();
  const { body } = await pool.request({ path: '/', method: 'GET', signal: giveUp.signal });
  const read = body.text();
  giveUp.abort();
  await assert.rejects(read);
  await left.promise;
});

test('fetch follows a redirect and reads JSON', async (t) => {
  const { url } = await start(t, (incoming, response) => {
    if (incoming.url === '/old') return void response.writeHead(302, { location: '/new' }).end();
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ path: incoming.url }));
  });
  const response = await fetch(`${url}/old`);
  assert.deepEqual(await response.json(), { path: '/new' });
  assert.equal(response.redirected, true);
});
