/** Bodies, addresses and errors that are changed on their way, over real sockets, in this thread and in data threads. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { fieldOf, type ReadAnswer, readAnswers } from '#test/support/answers.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

/** What parsing and printing would change: digits, forms of numbers, repeated names, order, escapes, spaces. */
const ODD =
  '{ "id" : 9007199254740993.0 ,\t"2":1, "1": -0,"a":1e400,"a":{"a":[1.10, 12345678901234567890123]}, "\\u0061\\/":"\\ud800 \\u00e9 é",\r\n"e":[ ] }';

interface Served {
  readonly gateway: Awaited<ReturnType<typeof startTestGateway>>;
  readonly upstream: RawUpstream;
  ask(request: string): Promise<ReadAnswer>;
}

/** A service that gives the same bytes to everybody, once a request is whole. */
async function serve(
  t: TestContext,
  answer: string | ((upstream: RawUpstream) => string),
  policies: GatewayInput['policies'],
  threads = 0,
): Promise<Served> {
  const upstream: RawUpstream = await startRawUpstream((connection) => {
    const last = connection.received.lastIndexOf('\r\n\r\n');
    const head = connection.received.slice(0, last);
    const length = Number(/content-length: (\d+)(?![\s\S]*content-length)/.exec(head)?.[1] ?? 0);
    if (last >= 0 && connection.received.length - last - 4 >= length)
      connection.send(typeof answer === 'string' ? answer : answer(upstream));
  });
  t.after(() => upstream.close());
  const services = { orders: { endpoints: [upstream.url] } };
  const routes = { all: { match: { path: '/api/*' }, to: 'orders', policies } };
  const gateway = await startTestGateway({ services, routes }, { threads });
  t.after(() => gateway.stop());
  const ask = async (request: string) => {
    const client = await RawClient.open(gateway.port());
    client.send(Buffer.from(request));
    await client.until(/^HTTP/);
    const text = await client.untilEnd();
    client.close();
    const read = readAnswers(text, [request.split(' ')[0]!]).answers[0];
    assert.ok(read, `no whole answer, but ${JSON.stringify(text)}`);
    return read;
  };
  return { gateway, upstream, ask };
}

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nhost: shop.example.com\r\n${fields}connection: close\r\n\r\n`;

function post(path: string, body: string, type = 'application/json'): string {
  const fields = `content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n`;
  return `POST ${path} HTTP/1.1\r\nhost: shop.example.com\r\n${fields}\r\n${body}`;
}

function answerOf(body: string, type = 'application/json', status = '200 OK'): string {
  const bytes = Buffer.from(body).toString('latin1');
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n${bytes}`;
}

const utf8 = (latin1: string) => Buffer.from(latin1, 'latin1').toString('utf8');
const sentBody = ({ connections }: RawUpstream) => utf8(connections[0]!.received.split('\r\n\r\n').slice(1).join('\r\n\r\n'));

for (const threads of [0, 1]) {
  test(`what a mapping does not touch comes through byte for byte, both ways, with ${threads} data threads`, async (t) => {
    const config = {
      transform: {
        request: { body: { map: { sent: '${body}', id: '${body.id}', deep: '${body.a.a[1]}' } } },
        response: { body: { map: { got: '${answer.body}', id: '${answer.body.id}', odd: '${answer.body["a/"]}' } } },
      },
    };
    const { upstream, ask } = await serve(t, answerOf(ODD), config, threads);
    const answer = await ask(post('/api/orders', ODD));
    assert.equal(sentBody(upstream), `{"sent":${ODD},"id":9007199254740993.0,"deep":12345678901234567890123}`);
    assert.equal(utf8(answer.body), `{"got":${ODD},"id":9007199254740993.0,"odd":"\\ud800 \\u00e9 é"}`);
    assert.equal(fieldOf(answer, 'content-length'), String(Buffer.byteLength(utf8(answer.body))));
  });

  test(`JSON becomes XML for the service and its XML becomes JSON, with ${threads} data threads`, async (t) => {
    const config = {
      transform: { request: { body: { to: 'xml' as const } }, response: { body: { from: 'xml' as const, to: 'json' as const } } },
    };
    const { upstream, ask } = await serve(
      t,
      answerOf('<order id="7"><item>a</item><item>é</item></order>', 'text/xml'),
      config,
      threads,
    );
    const answer = await ask(post('/api/orders', '{"order":{"@n":12345678901234567890,"item":["a","b & c"]}}'));
    const sent =
      '<?xml version="1.0" encoding="UTF-8"?>\n<order n="12345678901234567890"><item>a</item><item>b &amp; c</item></order>';
    assert.equal(sentBody(upstream), sent);
    assert.match(upstream.connections[0]!.received, /\r\ncontent-type: application\/xml\r\n/);
    assert.deepEqual(
      [utf8(answer.body), fieldOf(answer, 'content-type')],
      ['{"order":{"item":["a","é"],"@id":"7"}}', 'application/json'],
    );
  });
}

test('a body that comes in chunks and pieces is mapped as one', async (t) => {
  const { upstream, gateway } = await serve(t, answerOf('{}'), { transform: { request: { body: { map: ['${body.a}'] } } } });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  client.send(
    'POST /api/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n',
  );
  await client.until('100 Continue');
  for (const byte of '{"a": [1.0]}') client.send(`1\r\n${byte}\r\n`);
  client.send('0\r\n\r\n');
  await client.until('HTTP/1.1 200');
  assert.equal(sentBody(upstream), '[[1.0]]');
});

test('an answer that comes byte by byte is mapped as one', async (t) => {
  const { upstream, ask } = await serve(t, '', { transform: { response: { body: { map: { m: '${answer.body}' } } } } });
  const answering = ask(get('/api/x'));
  await eventually(() => upstream.connections[0]?.received.includes('\r\n\r\n') === true, 'the service is asked');
  for (const byte of Buffer.from(answerOf(ODD), 'latin1')) upstream.connections[0]!.send(Buffer.of(byte));
  assert.equal(utf8((await answering).body), `{"m":${ODD}}`);
});

const broken: readonly (readonly [what: string, answer: string, code: string])[] = [
  ['is no JSON', answerOf('<html>'), 'GH_TRANSFORM_INVALID_ANSWER'],
  [
    'is cut off',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{"a":',
    'GH_TRANSFORM_INVALID_ANSWER',
  ],
  [
    'announces more than may be held',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2000000\r\n\r\n',
    'GH_TRANSFORM_ANSWER_TOO_LARGE',
  ],
  ['lacks what has to be there', answerOf('{}'), 'GH_TRANSFORM_UNFIT_ANSWER'],
  ['is nested too deeply', answerOf('['.repeat(1_000)), 'GH_TRANSFORM_INVALID_ANSWER'],
];

for (const [what, bytes, code] of broken) {
  test(`an answer that ${what} is refused as a whole, and its log line says why`, async (t) => {
    const { ask, gateway } = await serve(t, bytes, { transform: { response: { body: { map: '${answer.body.id!}' } } } });
    const answer = await ask(get('/api/x'));
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [502, code]);
    const [line] = await gateway.stop();
    assert.equal(line?.['code'], code);
  });
}

test('redirects and cookies of a service are those of the gateway to its clients', async (t) => {
  const bytes = (upstream: RawUpstream) =>
    `HTTP/1.1 302 Found\r\nlocation: ${upstream.url}/orders/8?a=1\r\nset-cookie: s=1; Path=/; Domain=orders.internal\r\ncontent-length: 0\r\n\r\n`;
  const config = {
    rewrite: { stripPrefix: '/api' },
    transform: {
      response: { location: true as const, cookies: { path: { '/': '/api' }, domain: { '*': false as const }, secure: true } },
    },
  };
  const answer = await (await serve(t, bytes, config)).ask(get('/api/orders'));
  assert.equal(fieldOf(answer, 'location'), 'http://shop.example.com/api/orders/8?a=1');
  assert.equal(fieldOf(answer, 'set-cookie'), 's=1; Path=/api/; Secure');
});

test('whoever asks for a part of a body that is mapped gets the whole of what is left of it', async (t) => {
  const { upstream, ask } = await serve(t, answerOf('{"secret":1,"open":2}'), {
    transform: { response: { body: { map: { open: '${answer.body.open}' } } } },
  });
  const answer = await ask(get('/api/x', 'range: bytes=0-5\r\n'));
  assert.deepEqual([answer.status, answer.body], [200, '{"open":2}']);
  assert.doesNotMatch(upstream.connections[0]!.received, /\r\n(?:range|transfer-encoding):/);
});

test('what a cache gives is mapped like what the service said, for each client and never in parts', async (t) => {
  const body = '{"secret":1,"open":2.0}';
  const bytes = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: max-age=60\r\netag: "1"\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const map = { open: '${answer.body.open}', by: '${query.by}' };
  const { upstream, ask } = await serve(t, bytes, {
    cache: {},
    transform: { response: { body: { map }, status: { 200: 203 } } },
  });
  for (const field of ['', '', 'range: bytes=0-5\r\n']) {
    const answer = await ask(get('/api/x?by=me', field));
    assert.deepEqual([answer.status, answer.body, fieldOf(answer, 'etag')], [203, '{"open":2.0,"by":"me"}', 'W/"1"']);
  }
  assert.equal(upstream.connections.length, 1);
  assert.equal(upstream.connections[0]?.received.split('GET /').length, 2, 'the service was asked once');
});

test('browsers get a page from a file, which is read anew with the configuration', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-pages-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'error.html');
  await writeFile(file, '<h1>${error.status}</h1>');
  const input = { routes: {}, policies: { 'error-pages': { html: { file } } } };
  const gateway = await startTestGateway(input, { threads: 1 });
  t.after(() => gateway.stop());
  const ask = async () => {
    const client = await RawClient.open(gateway.port());
    client.send(get('/x', 'accept: text/html\r\n'));
    const text = await client.untilEnd();
    client.close();
    return readAnswers(text).answers[0]?.body;
  };
  assert.equal(await ask(), '<h1>404</h1>');
  await writeFile(file, '<h2>${error.status}</h2>');
  assert.deepEqual(await gateway.reconfigure(input), []);
  assert.equal(await ask(), '<h2>404</h2>');
});
