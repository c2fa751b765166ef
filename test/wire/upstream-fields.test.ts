// What the upstream sees of a request besides its body, and the client of an answer: fields for one hop, the gateway's own
// fields, the host, and what the `rewrite` and `headers` policies change.
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type ForwardingOptions, maskVariables, onEachRequest, startForwarding } from '#test/support/forwarding.ts';

const date = 'date: Thu, 01 Jan 2032 00:00:00 GMT\r\n';
const ok = `HTTP/1.1 200 OK\r\n${date}content-length: 2\r\n\r\nok`;

const own =
  'x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: shop\r\n' +
  'forwarded: for=127.0.0.1;host=shop;proto=http\r\nvia: 1.1 gatehouse\r\nx-request-id: *\r\n';

/** Sends a request and returns what the upstream got and what the client got, both with variable values masked. */
async function pass(t: TestContext, request: string, options: ForwardingOptions = {}, answer = ok) {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(answer)),
    options,
  );
  const client = await open();
  client.send(request);
  await client.until(/ok$/);
  return {
    sent: maskVariables(upstream.connections[0]!.received),
    got: maskVariables(client.received),
    raw: client.received,
    upstream,
  };
}

const requestCases: { name: string; request: string; sent: string }[] = [
  {
    name: 'end-to-end fields in their order, repeated ones too, and then its own',
    request: 'GET /a/b?c=d&e HTTP/1.1\r\nx-b: 1\r\nhost: shop\r\naccept: */*\r\nx-b: 2\r\ncookie: a=b\r\n\r\n',
    sent: `GET /a/b?c=d&e HTTP/1.1\r\nx-b: 1\r\nhost: shop\r\naccept: */*\r\nx-b: 2\r\ncookie: a=b\r\n${own}\r\n`,
  },
  {
    name: 'no field that is for one connection',
    request:
      'GET / HTTP/1.1\r\nhost: shop\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nupgrade: x\r\nx-a: 1\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\nx-a: 1\r\n${own}\r\n`,
  },
  {
    name: 'no field that Connection names, wherever it stands',
    request: 'GET / HTTP/1.1\r\nx-first: 1\r\nhost: shop\r\nconnection: x-first, X-Last\r\nx-a: 1\r\nx-last: 2\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\nx-a: 1\r\n${own}\r\n`,
  },
  {
    name: 'TE: trailers in its own name, and no other TE',
    request: 'GET / HTTP/1.1\r\nhost: shop\r\nte: gzip, trailers;q=0.5\r\nconnection: te\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\n${own}te: trailers\r\nconnection: te\r\n\r\n`,
  },
  {
    name: 'no TE without trailers',
    request: 'GET / HTTP/1.1\r\nhost: shop\r\nte: gzip\r\nconnection: te\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\n${own}\r\n`,
  },
  {
    name: 'its name behind those in Via',
    request: 'GET / HTTP/1.1\r\nhost: shop\r\nvia: 1.0 first, 1.1 second\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\n${own.replace('via: ', 'via: 1.0 first, 1.1 second, ')}\r\n`,
  },
  {
    name: 'no word of a stranger about where the request comes from',
    request:
      'GET / HTTP/1.1\r\nhost: shop\r\nx-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nx-forwarded-host: evil\r\nx-request-id: mine\r\nx-real-ip: 6.6.6.6\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\n${own}\r\n`,
  },
  {
    name: 'HTTP/1.1 for an HTTP/1.0 request, with nothing of its Connection',
    request: 'GET / HTTP/1.0\r\nhost: shop\r\nconnection: keep-alive\r\n\r\n',
    sent: `GET / HTTP/1.1\r\nhost: shop\r\n${own.replace('via: 1.1', 'via: 1.0')}\r\n`,
  },
  {
    name: 'path and query of a target in absolute form',
    request: 'GET http://shop/a?b HTTP/1.1\r\nhost: shop\r\n\r\n',
    sent: `GET /a?b HTTP/1.1\r\nhost: shop\r\n${own}\r\n`,
  },
];

for (const { name, request, sent } of requestCases) {
  test(`the upstream gets ${name}`, async (t) => {
    const result = await pass(t, request);
    assert.equal(result.sent, sent);
  });
}

test('the request id is the same for the upstream and the client, and new for each request', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
  );
  const client = await open();
  const ids = new Set<string>();
  for (let i = 1; i <= 3; i++) {
    client.take();
    client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
    await client.until(/ok$/);
    const atClient = /x-request-id: (\S+)/.exec(client.received)![1]!;
    const atUpstream = [...upstream.connections[0]!.received.matchAll(/x-request-id: (\S+)/g)].at(-1)![1]!;
    assert.equal(atClient, atUpstream);
    ids.add(atClient);
  }
  assert.equal(ids.size, 3);
});

test('a trusted proxy is believed: its request id stays, and its chain grows', async (t) => {
  const { sent, raw } = await pass(
    t,
    'GET / HTTP/1.1\r\nhost: shop\r\nx-request-id: outer-1\r\nx-forwarded-for: 203.0.113.7\r\nx-forwarded-proto: https\r\n\r\n',
    { gateway: { listeners: { web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.1/32'] } } } },
  );
  assert.match(raw, /\r\nx-request-id: outer-1\r\n/);
  assert.match(sent, /\r\nx-forwarded-for: 203\.0\.113\.7, 127\.0\.0\.1\r\nx-forwarded-proto: https\r\n/);
});

test('the client gets no field that is for one connection, nor those that Connection names, nor a foreign request id', async (t) => {
  const { got } = await pass(
    t,
    'GET / HTTP/1.1\r\nhost: shop\r\n\r\n',
    {},
    `HTTP/1.1 200 OK\r\nx-a: 1\r\nconnection: keep-alive, x-secret\r\nx-secret: 1\r\nkeep-alive: timeout=9\r\nproxy-connection: x\r\nupgrade: h2c\r\nx-request-id: theirs\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n${date}content-length: 2\r\n\r\nok`,
  );
  assert.equal(
    got,
    'HTTP/1.1 200 OK\r\nx-a: 1\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ndate: *\r\ncontent-length: 2\r\nx-request-id: *\r\n\r\nok',
  );
});

test('an answer without a date gets one', async (t) => {
  const { raw } = await pass(t, 'GET / HTTP/1.1\r\nhost: shop\r\n\r\n', {}, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  assert.match(raw, /\r\ndate: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
});

const hostCases: {
  name: string;
  host: 'client' | 'endpoint' | { name: string } | undefined;
  expected: (port: number) => string;
}[] = [
  { name: 'the client’s host by default', host: undefined, expected: () => 'shop:81' },
  { name: 'the client’s host', host: 'client', expected: () => 'shop:81' },
  { name: 'the endpoint’s host and port', host: 'endpoint', expected: (port) => `127.0.0.1:${port}` },
  { name: 'a fixed host', host: { name: 'inner.test' }, expected: () => 'inner.test' },
];

for (const { name, host, expected } of hostCases) {
  test(`the upstream sees ${name}`, async (t) => {
    const { sent, upstream } = await pass(t, 'GET / HTTP/1.1\r\nhost: shop:81\r\n\r\n', {
      service: host === undefined ? {} : { host },
    });
    assert.match(sent, new RegExp(`^GET / HTTP/1.1\\r\\nhost: ${expected(upstream.port).replaceAll('.', '\\.')}\\r\\n`));
    assert.match(sent, /\r\nx-forwarded-host: shop:81\r\n/);
  });
}

test('an HTTP/1.0 request without a host gets that of the endpoint', async (t) => {
  const { sent, upstream } = await pass(t, 'GET / HTTP/1.0\r\n\r\n');
  assert.match(sent, new RegExp(`^GET / HTTP/1.1\\r\\nhost: 127\\.0\\.0\\.1:${upstream.port}\\r\\n`));
});

const policyCases: { name: string; options: ForwardingOptions; target: string; line: string; host?: string }[] = [
  {
    name: 'without the prefix that `rewrite` strips',
    options: { route: { match: { path: '/api/*' }, policies: { rewrite: { stripPrefix: '/api' } } } },
    target: '/api/orders/7?x=y',
    line: 'GET /orders/7?x=y HTTP/1.1',
  },
  {
    name: 'with the prefix that `rewrite` replaces',
    options: { route: { match: { path: '/api/*' }, policies: { rewrite: { replacePrefix: { with: '/v2' } } } } },
    target: '/api/orders',
    line: 'GET /v2/orders HTTP/1.1',
  },
  {
    name: 'with path, query and host that `rewrite` builds from captures',
    options: {
      route: {
        match: { path: '/orders/:id' },
        policies: { rewrite: { path: '/v2/${path.id}/show', query: 'full=1', host: 'inner.test:8080' } },
      },
    },
    target: '/orders/a%20b?old=1',
    line: 'GET /v2/a%20b/show?full=1 HTTP/1.1',
    host: 'inner.test:8080',
  },
];

for (const { name, options, target, line, host } of policyCases) {
  test(`the upstream sees the path ${name}`, async (t) => {
    const { sent } = await pass(t, `GET ${target} HTTP/1.1\r\nhost: shop\r\n\r\n`, options);
    assert.equal(sent.startsWith(`${line}\r\nhost: ${host ?? 'shop'}\r\n`), true, sent);
  });
}

test('the upstream sees the fields as the `headers` policy leaves them, and so does the client', async (t) => {
  const { sent, got } = await pass(t, 'GET / HTTP/1.1\r\nhost: shop\r\ncookie: a=b\r\nx-old: 1\r\nx-tag: one\r\n\r\n', {
    route: {
      policies: {
        headers: {
          request: { remove: ['cookie'], set: { 'x-old': 'new', 'x-route': 'all' }, add: { 'x-tag': 'two' } },
          response: { set: { 'x-served-by': 'gate' } },
        },
      },
    },
  });
  assert.equal(sent, `GET / HTTP/1.1\r\nhost: shop\r\nx-tag: one\r\nx-old: new\r\nx-route: all\r\nx-tag: two\r\n${own}\r\n`);
  assert.equal(got, `HTTP/1.1 200 OK\r\ndate: *\r\nx-served-by: gate\r\ncontent-length: 2\r\nx-request-id: *\r\n\r\nok`);
});

test('fields that a policy changes for one request are as the client sends them in the next', async (t) => {
  const { upstream, open } = await startForwarding(
    t,
    onEachRequest((connection) => connection.send(ok)),
    {
      route: { policies: { headers: { request: { add: { 'x-tag': 'two' } } } } },
    },
  );
  const client = await open();
  for (let i = 0; i < 2; i++) {
    client.take();
    client.send('GET / HTTP/1.1\r\nhost: shop\r\nx-tag: one\r\n\r\n');
    await client.until(/ok$/);
  }
  const [first, second] = maskVariables(upstream.connections[0]!.received).split('\r\n\r\n');
  assert.equal(first, second);
});
