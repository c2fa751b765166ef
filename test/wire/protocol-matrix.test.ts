// The same exchanges for every version of HTTP that clients and upstreams can speak: what arrives does not depend on it.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import test from 'node:test';
import { certificatePaths } from '#test/support/certificates.ts';
import {
  clientKinds,
  type MatrixClient,
  type MatrixHandler,
  openMatrixClient,
  startMatrixUpstream,
  upstreamKinds,
} from '#test/support/matrix.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const large = Buffer.alloc(3_000_000);
for (let i = 0; i < large.length; i++) large[i] = i % 251;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const handler: MatrixHandler = async (request, response) => {
  const path = new URL(request.url ?? '/', 'http://x').pathname;
  switch (path) {
    case '/facts': {
      const { method, url, headers } = request;
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      return void response.end(JSON.stringify({ method, url, host: headers[':authority'] ?? headers.host, headers }));
    }
    case '/echo': {
      const body = await readBody(request);
      response.setHeader('x-request-trailers', JSON.stringify(request.trailers));
      return void response.end(body);
    }
    case '/stream':
      response.flushHeaders();
      request.on('data', (chunk: Buffer) => response.write(chunk));
      return void request.on('end', () => response.end());
    case '/empty':
      response.statusCode = 204;
      return void response.end();
    case '/large':
      response.setHeader('content-length', large.length);
      return void response.end(large);
    case '/trailers':
      response.setHeader('trailer', 'x-sum');
      response.write('body');
      response.addTrailers({ 'x-sum': '42' });
      return void response.end();
    case '/hints':
      response.writeEarlyHints({ link: '</a.css>; rel=preload' });
      return void response.end('hinted');
    case '/broken':
      response.write('begun');
      return void setImmediate(() =>
        'stream' in response ? (response.stream as { close(code: number): void }).close(2) : response.destroy(),
      );
    default:
      response.statusCode = 404;
      return void response.end();
  }
};

/** What a client should see, whatever is spoken on either side. */
const scenarios: Readonly<Record<string, (client: MatrixClient) => Promise<void>>> = {
  async 'a request arrives as it was sent'(client) {
    const answer = await client.ask({ path: '/facts?q=%20a', fields: { 'x-team': 'a', cookie: 'a=1; b=2' } });
    const facts = JSON.parse(answer.body.toString()) as Record<string, unknown> & { headers: Record<string, string> };
    assert.deepEqual([answer.status, facts['method'], facts['url']], [200, 'GET', '/facts?q=%20a']);
    assert.deepEqual([facts.headers['x-team'], facts.headers['cookie']], ['a', 'a=1; b=2']);
    assert.deepEqual(answer.fields['set-cookie'], ['a=1', 'b=2']);
  },
  async 'a body with its length goes there and back'(client) {
    const answer = await client.ask({ method: 'POST', path: '/echo', body: large });
    assert.ok(answer.isWhole && answer.body.equals(large));
  },
  async 'a body without a length, and trailers, go there and back'(client) {
    const answer = await client.ask({ method: 'PUT', path: '/echo', body: large, trailers: { 'x-sum': '7' } });
    assert.ok(answer.isWhole && answer.body.equals(large));
    assert.deepEqual(JSON.parse(String(answer.fields['x-request-trailers'])), { 'x-sum': '7' });
  },
  async 'an answer streams beside its request'(client) {
    const answer = await client.ask({ method: 'POST', path: '/stream', body: large });
    assert.ok(answer.isWhole && answer.body.equals(large));
  },
  async 'HEAD tells the length'(client) {
    const answer = await client.ask({ method: 'HEAD', path: '/large' });
    assert.deepEqual([answer.status, answer.fields['content-length'], answer.body.length], [200, '3000000', 0]);
  },
  async 'an answer without content is one'(client) {
    const answer = await client.ask({ path: '/empty' });
    assert.deepEqual([answer.status, answer.body.length, answer.isWhole], [204, 0, true]);
  },
  async 'a large answer is whole'(client) {
    const answer = await client.ask({ path: '/large' });
    assert.ok(answer.isWhole && answer.body.equals(large));
  },
  async 'trailers of an answer arrive'(client) {
    const answer = await client.ask({ path: '/trailers' });
    assert.deepEqual([answer.body.toString(), answer.trailers['x-sum'], answer.isWhole], ['body', '42', true]);
  },
  async 'early hints arrive'(client) {
    const answer = await client.ask({ path: '/hints' });
    assert.deepEqual([answer.informational, answer.body.toString()], [[103], 'hinted']);
  },
  async 'an answer that breaks off is not taken for whole'(client) {
    const answer = await client.ask({ path: '/broken' });
    assert.deepEqual([answer.status, answer.body.toString(), answer.isWhole], [200, 'begun', false]);
  },
  async 'a hundred requests at a time get their own answers'(client) {
    const bodies = Array.from({ length: 100 }, (_, i) => `number ${i}`);
    const answers = await Promise.all(
      bodies.map((text) => client.ask({ method: 'POST', path: '/echo', body: Buffer.from(text) })),
    );
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      bodies,
    );
  },
};

for (const upstreamKind of upstreamKinds) {
  for (const clientKind of clientKinds) {
    test(`client ${clientKind}, upstream ${upstreamKind}`, async (t) => {
      const service = await startMatrixUpstream(t, upstreamKind, handler);
      const tls = upstreamKind === 'h2' ? { tls: { ca: certificatePaths.authority } } : {};
      const gateway = await startTestGateway({
        listeners: {
          web: { address: '127.0.0.1:0' },
          secure: {
            address: '127.0.0.1:0',
            tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] },
          },
        },
        services: { main: { ...service, ...tls } },
        routes: { all: { match: { path: '/*' }, to: 'main' } },
      });
      t.after(() => gateway.stop());
      const isSecure = clientKind === 'h1+TLS' || clientKind === 'h2';
      const client = openMatrixClient(t, clientKind, gateway.port(isSecure ? 'secure' : 'web'));
      for (const [name, scenario] of Object.entries(scenarios)) await t.test(name, () => scenario(client));
    });
  }
}
