/** The admin API over real sockets: what operators see, what they change, and who may. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { EndpointFlag } from '#services/endpoint-board.ts';
import { type Answer, type Asked, ask } from '#test/support/ask.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const TOKEN = '0123456789abcdef';
const ORDERS = '/api/services/orders';
const ENDPOINTS = `${ORDERS}/endpoints`;
const routes = { all: { match: { path: '/*' }, to: 'orders' } };
const loopback = { address: '127.0.0.1:0' };

async function startNamed(t: TestContext, name: string): Promise<RawUpstream> {
  const upstream = await startRawUpstream((connection) =>
    connection.send(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`),
  );
  t.after(() => upstream.close());
  return upstream;
}

/** What an answer may hold. */
interface AdminJson {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly url: string;
  readonly weight: number;
  readonly origins: readonly string[];
  readonly draining: boolean;
  readonly removed: readonly string[];
  readonly openapi: string;
  readonly listeners: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, object>>;
}

interface Bench {
  readonly gateway: TestGateway;
  /** Asks the admin side; `body` is sent as JSON. */
  admin(method: string, path: string, body?: unknown, asked?: Asked): Promise<Answer & { readonly json: AdminJson }>;
  /** What answers that come over many connections say, each once. */
  served(): Promise<string[]>;
  /** Asks until they say just that. */
  untilServed(...names: readonly string[]): Promise<void>;
}

const PATIENCE_MS = 30_000;

async function startBench(t: TestContext, input: Partial<GatewayInput>, threads = 0): Promise<Bench> {
  const gateway = await startTestGateway({ routes, admin: loopback, ...input }, { threads });
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const served = async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.port(), '/')));
    return [...new Set(answers.map(({ body }) => body))].sort();
  };
  return {
    gateway,
    async admin(method, path, body, { headers, ...asked } = {}) {
      const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await ask(port, path, { method, ...sent, ...asked, headers: { ...type, ...headers } });
      return { ...answer, json: answer.body === '' ? undefined : JSON.parse(answer.body) };
    },
    served,
    async untilServed(...names) {
      const givesUpMs = performance.now() + PATIENCE_MS;
      while (performance.now() < givesUpMs) if ((await served()).join() === names.join()) return;
      assert.fail(`not all threads lead to ${names}`);
    },
  };
}

const toId = (url: string) => Buffer.from(url).toString('base64url');
const at = (url: string) => `${ENDPOINTS}/${toId(url)}`;
const services = (...endpoints: readonly (string | { url: string; weight: number })[]) => ({
  orders: { endpoints: [...endpoints] },
});

test('shows services with their endpoints, and what the board says of them', async (t) => {
  const { gateway, admin } = await startBench(t, { services: services('http://a:1', { url: 'http://b:1', weight: 3 }) });
  const { board } = gateway.control;
  board.setFlag(2, EndpointFlag.unhealthy, true);
  board.eject(1, systemClock.monotonicMs() + 60_000);
  const { status, headers, json } = await admin('GET', '/api/services');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['cache-control'], 'no-store');
  const common = { origins: ['configuration'], draining: false };
  const expected = {
    name: 'orders',
    version: 1,
    endpoints: [
      { id: toId('http://a:1'), url: 'http://a:1', weight: 1, unhealthy: false, ejected: true, ...common },
      { id: toId('http://b:1'), url: 'http://b:1', weight: 3, unhealthy: true, ejected: false, ...common },
    ],
    removed: [],
  };
  assert.deepEqual(json, { services: [expected] });
  assert.deepEqual((await admin('GET', ORDERS)).json, expected);
});

test('an endpoint that is added and removed is known to all threads in a moment', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const { gateway, admin, untilServed } = await startBench(t, { services: services(one.url) }, 2);
  const tookMs: number[] = [];
  const until = async (...names: readonly string[]) => {
    const startMs = performance.now();
    await untilServed(...names);
    tookMs.push(performance.now() - startMs);
  };
  const added = await admin('POST', ENDPOINTS, { url: two.url, weight: 5 });
  assert.deepEqual([added.status, added.headers['location']], [201, at(two.url)]);
  assert.deepEqual(
    [added.json.url, added.json.weight, added.json.origins, added.json.draining],
    [two.url, 5, ['operator'], false],
  );
  await until('one', 'two');
  assert.equal((await admin('DELETE', at(one.url))).status, 204);
  await until('two');
  assert.deepEqual((await admin('GET', ORDERS)).json.removed, [one.url]);
  t.diagnostic(`${tookMs.map(Math.round).join(', ')} ms`);
  assert.deepEqual(gateway.events, [
    {
      level: 'info',
      message: 'endpoint changed by an operator',
      fields: {
        change: 'added',
        service: 'orders',
        endpoint: two.url,
        weight: 5,
        draining: false,
        by: 'loopback',
        clientAddress: '127.0.0.1',
      },
    },
    {
      level: 'info',
      message: 'endpoint changed by an operator',
      fields: {
        change: 'removed',
        service: 'orders',
        endpoint: one.url,
        weight: undefined,
        draining: undefined,
        by: 'loopback',
        clientAddress: '127.0.0.1',
      },
    },
  ]);
});

test('what was changed holds over a reload, and a removal until the endpoint is added again', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const { gateway, admin, served } = await startBench(t, { services: services({ url: one.url, weight: 4 }, two.url) });
  assert.equal((await admin('DELETE', at(one.url))).status, 204);
  assert.equal((await admin('DELETE', at(one.url))).status, 404);
  assert.deepEqual(await served(), ['two']);
  const pool = { connections: 7 };
  const next = { orders: { ...services({ url: one.url, weight: 4 }, two.url).orders, pool } };
  assert.deepEqual(await gateway.reconfigure({ routes, admin: loopback, services: next }), []);
  assert.deepEqual(await served(), ['two']);
  const added = await admin('POST', ENDPOINTS, { url: one.url });
  assert.deepEqual([added.status, added.json.weight, added.json.origins], [201, 4, ['configuration']]);
  assert.deepEqual(await served(), ['one', 'two']);
});

test('a weight is set, and taken back', async (t) => {
  const one = await startNamed(t, 'one');
  const two = await startNamed(t, 'two');
  const { admin, served } = await startBench(t, { services: services(one.url, { url: two.url, weight: 2 }) });
  assert.equal((await admin('PATCH', at(two.url), { weight: 0 })).json.weight, 0);
  assert.deepEqual(await served(), ['one']);
  assert.equal((await admin('PATCH', at(two.url), { weight: null })).json.weight, 2);
  assert.deepEqual(await served(), ['one', 'two']);
});

for (const threads of [0, 2]) {
  test(`an endpoint that drains ends what runs and gets nothing new, with ${threads} threads`, async (t) => {
    const draining = await startRawUpstream((connection) =>
      connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst'),
    );
    t.after(() => draining.close());
    const { gateway, admin, served, untilServed } = await startBench(t, { services: services(draining.url) }, threads);
    const client = await RawClient.open(gateway.port());
    t.after(() => client.close());
    client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until('first');
    const two = await startNamed(t, 'two');
    await admin('POST', ENDPOINTS, { url: two.url });
    const { status, json } = await admin('PATCH', at(draining.url), { draining: true });
    assert.deepEqual([status, json.draining, json.weight], [200, true, 1]);
    await eventually(() => gateway.events.length === 2, 'both changes are logged');
    await untilServed('two');
    for (let round = 0; round < 3; round++) assert.deepEqual(await served(), ['two']);
    const { length } = draining.connections;
    draining.connections[0]!.send('later');
    await client.until('firstlater');
    assert.equal(draining.connections.length, length);
    assert.equal((await admin('PATCH', at(draining.url), { draining: false })).json.draining, false);
    await admin('DELETE', at(two.url));
    const again = await RawClient.open(gateway.port());
    t.after(() => again.close());
    again.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await again.until('first');
  });
}

// Each thread has its share of the connections that a client may have, so only with one it is known how many are refused.
for (const { threads, most, connections, refused } of [
  { threads: 0, most: 3, connections: 3, refused: 2 },
  { threads: 2, most: 100, connections: 5, refused: 0 },
]) {
  test(`listeners are shown with the connections of all threads, with ${threads} threads`, async (t) => {
    const web = { address: '127.0.0.1:0', maxConnectionsPerClient: most };
    const answer = { match: { path: '/*' }, to: { respond: { status: 204 } } };
    const { gateway, admin } = await startBench(t, { listeners: { web }, routes: { answer } }, threads);
    // One that is refused may see that while it still connects.
    const opened = await Promise.allSettled(Array.from({ length: 5 }, () => RawClient.open(gateway.port())));
    const clients = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const client of clients) t.after(() => client.close());
    const until = (counts: object) =>
      eventuallyAnswers(async () => {
        const { url, ...shown } = (await admin('GET', '/api/listeners')).json.listeners[0]!;
        assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
        assert.deepEqual(shown, { name: 'web', protocols: ['http/1.1', 'h2'], tls: false, ...counts });
      });
    await until({ connections, accepted: connections, refused });
    for (const client of clients) client.close();
    await until({ connections: 0, accepted: connections, refused });
  });
}

const refusals: readonly {
  what: string;
  method: string;
  path: string;
  body?: unknown;
  status: number;
  code: string;
  detail?: RegExp;
}[] = [
  { what: 'a service that there is not', method: 'GET', path: '/api/services/other', status: 404, code: 'GH_ADMIN_NO_SERVICE' },
  { what: 'a place that there is not', method: 'GET', path: '/api/other', status: 404, code: 'GH_ADMIN_NOT_FOUND' },
  { what: 'a method that there is not', method: 'PUT', path: ORDERS, body: {}, status: 404, code: 'GH_ADMIN_NOT_FOUND' },
  { what: 'an endpoint that there is not', method: 'DELETE', path: at('http://x:1'), status: 404, code: 'GH_ADMIN_NO_ENDPOINT' },
  { what: 'an id that is none', method: 'DELETE', path: `${ENDPOINTS}/%00`, status: 404, code: 'GH_ADMIN_NO_ENDPOINT' },
  {
    what: 'an endpoint that is there',
    method: 'POST',
    path: ENDPOINTS,
    body: { url: 'http://a:1' },
    status: 409,
    code: 'GH_ADMIN_ENDPOINT_EXISTS',
  },
  {
    what: 'an endpoint of the other kind',
    method: 'POST',
    path: ENDPOINTS,
    body: { url: 'tcp://a:1' },
    status: 409,
    code: 'GH_ADMIN_OTHER_KIND',
  },
  {
    what: 'a URL that is none',
    method: 'POST',
    path: ENDPOINTS,
    body: { url: 'a:1' },
    status: 400,
    code: 'GH_ADMIN_MALFORMED_REQUEST',
    detail: /"a:1" is not a URL; write `http:\/\/a:1`/,
  },
  {
    what: 'a weight that is too large',
    method: 'PATCH',
    path: at('http://a:1'),
    body: { weight: 1001 },
    status: 400,
    code: 'GH_ADMIN_MALFORMED_REQUEST',
    detail: /weight/,
  },
  {
    what: 'a key that there is not',
    method: 'PATCH',
    path: at('http://a:1'),
    body: { wieght: 1 },
    status: 400,
    code: 'GH_ADMIN_MALFORMED_REQUEST',
    detail: /wieght/,
  },
  {
    what: 'a change of nothing',
    method: 'PATCH',
    path: at('http://a:1'),
    body: {},
    status: 400,
    code: 'GH_ADMIN_MALFORMED_REQUEST',
    detail: /weight/,
  },
  {
    what: 'JSON that is none',
    method: 'POST',
    path: ENDPOINTS,
    body: '{"url":',
    status: 400,
    code: 'GH_ADMIN_MALFORMED_REQUEST',
  },
  { what: 'no body', method: 'POST', path: ENDPOINTS, status: 400, code: 'GH_ADMIN_MALFORMED_REQUEST' },
  {
    what: 'a body that is too large',
    method: 'POST',
    path: ENDPOINTS,
    body: ' '.repeat(1024 * 1024),
    status: 413,
    code: 'GH_ADMIN_BODY_TOO_LARGE',
  },
];

test('refuses with problem documents, and changes nothing', async (t) => {
  const { admin, gateway } = await startBench(t, { services: services('http://a:1') });
  const before = (await admin('GET', ORDERS)).body;
  for (const { what, method, path, body, ...expected } of refusals) {
    const { status, headers, json } = await admin(method, path, body);
    assert.deepEqual([status, json.status, json.code], [expected.status, expected.status, expected.code], what);
    assert.equal(headers['content-type'], 'application/problem+json', what);
    if (expected.detail !== undefined) assert.match(json.detail, expected.detail, what);
  }
  assert.equal((await admin('GET', ORDERS)).body, before);
  assert.deepEqual(gateway.events, []);
});

test('a body that is as large as it may be is read', async (t) => {
  const { admin } = await startBench(t, { services: services('http://a:1') });
  const patch = '{"weight":7}';
  assert.equal((await admin('PATCH', at('http://a:1'), patch.padEnd(limits.adminBodyBytesMax))).json.weight, 7);
  assert.equal((await admin('PATCH', at('http://a:1'), patch.padEnd(limits.adminBodyBytesMax + 1))).status, 413);
});

test('a body in a form that pages of other sites may send is refused', async (t) => {
  const { admin } = await startBench(t, { services: services('http://a:1') });
  const asked = { headers: { 'content-type': 'text/plain' } };
  const { status } = await admin('POST', ENDPOINTS, { url: 'http://b:1' }, asked);
  assert.equal(status, 400);
  const crossing = await admin('DELETE', at('http://a:1'), undefined, { headers: { origin: 'http://evil.test' } });
  assert.deepEqual([crossing.status, crossing.json.code], [403, 'GH_ADMIN_CROSS_SITE']);
});

test('an address that others reach needs a token, and says how; health checks and metrics do not', async (t) => {
  const { admin } = await startBench(t, { services: services('http://a:1'), admin: { address: '0.0.0.0:0' } });
  for (const [method, path] of [
    ['GET', '/api/services'],
    ['GET', '/api/openapi.json'],
    ['DELETE', at('http://a:1')],
  ] as const) {
    const { status, json } = await admin(method, path);
    assert.deepEqual([status, json.code], [403, 'GH_ADMIN_TOKEN_NEEDED']);
    assert.match(json.detail, /set `admin\.token`/);
  }
  assert.equal((await admin('GET', '/readyz')).status, 200);
});

test('with a token only who shows it is answered, and a reload changes the token', async (t) => {
  const input = { routes, services: services('http://a:1') };
  const { admin, gateway } = await startBench(t, { ...input, admin: { ...loopback, token: TOKEN } });
  const show = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const nothing = await admin('GET', ORDERS);
  assert.deepEqual([nothing.status, nothing.json.code], [401, 'GH_ADMIN_WRONG_TOKEN']);
  assert.equal(nothing.headers['www-authenticate'], 'Bearer realm="gatehouse"');
  assert.equal((await admin('DELETE', at('http://a:1'), undefined, show(TOKEN))).status, 204);
  assert.equal(gateway.events.at(-1)!.fields!['by'], 'token');
  assert.deepEqual(await gateway.reconfigure({ ...input, admin: { ...loopback, token: `${TOKEN}-new` } }), []);
  assert.equal((await admin('GET', ORDERS, undefined, show(TOKEN))).status, 401);
  assert.equal((await admin('GET', ORDERS, undefined, show(`${TOKEN}-new`))).status, 200);
});

test('describes itself', async (t) => {
  const { admin } = await startBench(t, { services: services('http://a:1') });
  const { json } = await admin('GET', '/api/openapi.json');
  assert.equal(json.openapi, '3.1.0');
  assert.deepEqual(
    Object.entries(json.paths).map(([path, methods]) => `${path} ${Object.keys(methods)}`),
    [
      '/api/status get',
      '/api/listeners get',
      '/api/routes get',
      '/api/routes/{name} get',
      '/api/services get',
      '/api/services/{name} get',
      '/api/services/{name}/endpoints post',
      '/api/services/{name}/endpoints/{id} patch,delete',
      '/api/certificates get',
      '/api/consumers get',
      '/api/limits get',
      '/api/quotas get',
      '/api/quotas/{id} delete',
      '/api/cache get',
      '/api/cache/purge post',
      '/api/traffic get',
      '/api/traffic/stream get',
      '/api/routes/{name}/traffic get',
      '/api/explain post',
      '/api/explained/{id} get',
      '/api/errors get',
      '/api/tap get',
      '/api/recordings post',
      '/api/comparisons get',
      '/api/comparisons/{route} get',
      '/api/configuration get,put',
      '/api/configuration/check post',
      '/api/history get',
      '/api/history/{hash} get',
      '/api/history/{hash}/diff get',
      '/api/history/{hash}/rollback post',
      '/api/audit get',
    ],
  );
});
