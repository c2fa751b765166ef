/** The examples of transformations and error pages do what they say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { fieldOf, readAnswers } from '#test/support/answers.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const folder = join(import.meta.dirname, '../../examples/one-request');

const customer =
  '{"id":9007199254740993,"first":"Ann","last":"Lee","address":{"street":"Main 1","city":"Graz","country":"AT"},' +
  '"orders":[{"id":1,"total":10.0,"margin":3},{"id":2,"state":"deleted"}]}';

/** What the service of the examples says, by the beginning of the request line. */
const answers: Readonly<Record<string, string>> = {
  'GET /customers/7': toAnswer('200 OK', customer, 'application/json'),
  'POST /orders': toAnswer('200 OK', '<order id="7"><state>new</state></order>', 'application/xml'),
  'GET /login': 'HTTP/1.1 302 Found\r\nlocation: /login/form\r\nset-cookie: s=1; Path=/\r\ncontent-length: 0\r\n\r\n',
  'GET /api/x': toAnswer('500 Internal Server Error', 'a trace of the inside', 'text/plain'),
};

function toAnswer(status: string, body: string, type: string): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

async function start(t: TestContext, name: string) {
  const upstream = await startRawUpstream((connection, chunk) => {
    const answer = Object.entries(answers).find(([beginning]) => chunk.startsWith(beginning))?.[1];
    connection.send(answer ?? toAnswer('404 Not Found', 'none', 'text/plain'));
  });
  t.after(() => upstream.close());
  const { routes, policies } = parse(readFileSync(join(folder, name), 'utf8')) as GatewayInput;
  const gateway = await startTestGateway({ services: { shop: { endpoints: [upstream.url] } }, routes, policies });
  t.after(() => gateway.stop());
  const ask = async (start: string, fields = '', body = '') => {
    const client = await RawClient.open(gateway.port());
    const length = body === '' ? '' : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
    client.send(`${start} HTTP/1.1\r\nhost: shop.example.com\r\n${fields}${length}connection: close\r\n\r\n${body}`);
    const answer = readAnswers(await client.untilEnd()).answers[0];
    client.close();
    assert.ok(answer);
    return answer;
  };
  return { upstream, ask };
}

test('examples/one-request/transform.yaml changes what it says', async (t) => {
  const { upstream, ask } = await start(t, 'transform.yaml');
  const mapped = await ask('GET /api/customers/7?q=late');
  assert.equal(
    mapped.body,
    '{"id":9007199254740993,"name":"Ann Lee","address":{"city":"Graz","country":"AT"},"orders":[{"id":1,"total":10.0}],"vip":false}',
  );
  assert.match(upstream.connections[0]!.received, /^GET \/customers\/7\?search=late&tenant=demo HTTP/);
  const ordered = await ask('POST /api/orders', '', '{"order":{"@id":"7","item":["a","b"]}}');
  assert.deepEqual([ordered.body, fieldOf(ordered, 'content-type')], ['{"order":{"state":"new","@id":"7"}}', 'application/json']);
  assert.match(
    upstream.connections.map(({ received }) => received).join(''),
    /<order id="7"><item>a<\/item><item>b<\/item><\/order>/,
  );
  const redirected = await ask('GET /api/login');
  assert.equal(fieldOf(redirected, 'location'), '/api/login/form');
  assert.equal(fieldOf(redirected, 'set-cookie'), 's=1; Path=/api/; Secure; SameSite=Lax');
});

test('examples/one-request/error-pages.yaml answers as it says', async (t) => {
  const { ask } = await start(t, 'error-pages.yaml');
  const page = await ask('GET /none', 'accept: text/html\r\n');
  assert.deepEqual([page.status, fieldOf(page, 'content-type')], [404, 'text/html; charset=utf-8']);
  assert.match(page.body, /There is nothing at \/none/);
  assert.match((await ask('GET /none')).body, /^\{"error":\{"code":"GH_GATEWAY_NO_ROUTE"/);
  const failed = await ask('GET /api/x');
  assert.equal(failed.status, 500);
  assert.match(failed.body, /^\{"error":\{"code":"","message":"","requestId":"[^"]+"\}\}$/);
});
