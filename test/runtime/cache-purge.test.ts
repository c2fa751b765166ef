/** What operators see of the cache and throw out of it, in a gateway with several threads and with a store that gateways share. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { needs } from '#test/support/programs.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { RedisServer } from '#test/support/redis-server.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const CONNECTIONS = 16;
const ROUNDS_MAX = 10_000;

async function startService(t: TestContext) {
  let count = 0;
  const upstream = await startRawUpstream((connection) => {
    count += 1;
    const body = `${count}`;
    connection.send(
      `HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncache-tag: numbers\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  });
  t.after(() => upstream.close());
  return { url: upstream.url, asked: () => count };
}

async function start(t: TestContext, { threads, ...input }: Partial<GatewayInput> & { threads: number }) {
  const service = await startService(t);
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      services: { numbers: { endpoints: [service.url] } },
      routes: { numbers: { match: { path: '/*' }, to: 'numbers', policies: { cache: { tags: 'cache-tag' } } } },
      ...input,
    },
    { threads },
  );
  t.after(() => gateway.stop());
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { port } = started.admin;
  const get = async (path: string) => (await ask(gateway.port(), path, { headers: { host: 'shop.example' } })).body;
  const admin = async (method: string, path: string, body?: object) => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const answer = await ask(port, path, { method, ...sent });
    return { status: answer.status, json: JSON.parse(answer.body) };
  };
  const getAll = async (path: string) => [...new Set(await Promise.all(Array.from({ length: CONNECTIONS }, () => get(path))))];
  return {
    service,
    gateway,
    get,
    /** What answers that come over many connections say, each once. */
    getAll,
    /**
     * What all threads say once it is kept. That is a moment after a client has it, and until then each thread may have asked
     * the service itself.
     */
    async untilKept(path: string): Promise<string> {
      let before: string[] = [];
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const said = await getAll(path);
        if (said.length === 1 && before.length === 1 && said[0] === before[0]) return said[0]!;
        before = said;
      }
      return assert.fail(`${path} is not kept after ${ROUNDS_MAX} rounds`);
    },
    admin,
    metrics: async () => (await ask(port, '/metrics')).body,
  };
}

/** Asks until it holds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) if (await holds()) return;
  assert.fail(`it does not hold after ${ROUNDS_MAX} rounds`);
}

for (const threads of [0, 2]) {
  test(`an operator throws out by address, beginning and tag, and no thread has it any more, with ${threads} data threads`, async (t) => {
    const { get, getAll, untilKept, admin, service } = await start(t, { threads });
    const [first, second] = [await untilKept('/a'), await untilKept('/b?x=1')];
    for (const { what, purged, stays } of [
      { what: { url: 'http://Shop.example/a' }, purged: 1, stays: true },
      { what: { prefix: 'http://shop.example/a' }, purged: 1, stays: true },
      { what: { tag: 'numbers' }, purged: 2, stays: false },
    ]) {
      const before = await untilKept('/a');
      assert.deepEqual(await getAll('/a'), [before]);
      const asked = service.asked();
      const outcome = await admin('POST', '/api/cache/purge', what);
      assert.deepEqual(outcome, { status: 200, json: { purged, store: 'none' } });
      const after = await getAll('/a');
      assert.ok(!after.includes(before), `${after} after ${before}`);
      assert.ok(service.asked() > asked);
      assert.equal((await get('/b?x=1')) === second, stays);
    }
    assert.notEqual(first, second);
  });
}

test('a reload keeps what is kept, and a thread that dies takes nothing along', async (t) => {
  const { getAll, untilKept, gateway } = await start(t, { threads: 2 });
  const body = await untilKept('/a');
  assert.equal(await gateway.control.reload(), undefined);
  assert.deepEqual(await getAll('/a'), [body]);
  const { pool } = gateway.control;
  await pool!.kill(pool!.threadIds[0]!);
  assert.deepEqual(await getAll('/a'), [body]);
});

test('metrics and the admin API tell what the cache has done, over all threads', async (t) => {
  const { get, admin, metrics } = await start(t, { threads: 2 });
  // An answer is kept and counted a moment after its client has it.
  await get('/a');
  await until(async () => (await admin('GET', '/api/cache')).json.answers === 1);
  for (let i = 0; i < 10; i++) await get('/a');
  await until(async () => (await admin('GET', '/api/cache')).json.routes[0]?.results.hit === 10);
  const { json } = await admin('GET', '/api/cache');
  assert.equal(json.answers, 1);
  assert.ok(json.bytes > 100 && json.bytes < 1_000, `${json.bytes} bytes`);
  assert.deepEqual(json.routes, [{ route: 'numbers', results: { hit: 10, miss: 1 } }]);
  const lines = (await metrics()).split('\n');
  for (const line of [
    'gatehouse_cache_requests_total{route="numbers",result="hit"} 10',
    'gatehouse_cache_requests_total{route="numbers",result="miss"} 1',
    'gatehouse_cache_answers 1',
    `gatehouse_cache_bytes ${json.bytes}`,
    'gatehouse_cache_evictions_total 0',
  ])
    assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
});

test('what is not one of the three is refused', async (t) => {
  const { admin } = await start(t, { threads: 0 });
  for (const what of [{}, { url: 'http://a/', tag: 'b' }, { url: '/a' }, { tag: '' }, { all: true }]) {
    const { status, json } = await admin('POST', '/api/cache/purge', what);
    assert.deepEqual([status, json.code], [400, 'GH_ADMIN_MALFORMED_REQUEST'], JSON.stringify(what));
  }
});

test('gateways share what they keep in Redis, and what one purges is gone for the other', needs('redis-server'), async (t) => {
  const server = await RedisServer.start(t);
  const service = await startService(t);
  const shared = {
    services: { numbers: { endpoints: [service.url] } },
    stores: { redis: { url: server.url, timeout: '10s' } },
    routes: {
      numbers: { match: { path: '/*' }, to: 'numbers', policies: { cache: { store: 'redis' as const, tags: 'cache-tag' } } },
    },
  };
  const [one, other] = [await start(t, { threads: 2, ...shared }), await start(t, { threads: 0, ...shared })];
  const body = await one.get('/a');
  // Whoever asks for it holds a lock until it is in the store, which others wait for half a second only.
  await until(async () => {
    const keys = await server.ask('KEYS', '*');
    return keys.includes('answer:{') && !keys.includes(':lock');
  });
  assert.deepEqual(await other.getAll('/a'), [body]);
  assert.equal(service.asked(), 1);
  const { json } = await one.admin('POST', '/api/cache/purge', { tag: 'numbers' });
  assert.deepEqual(json, { purged: 1, store: 'purged' });
  assert.notEqual(await one.get('/a'), body);
  // The other one takes its memory at its word for a second.
  await until(async () => (await other.get('/a')) !== body);
  await server.kill();
  const failed = await one.admin('POST', '/api/cache/purge', { tag: 'numbers' });
  assert.deepEqual([failed.status, failed.json.store], [200, 'failed']);
  assert.match(await one.get('/b'), /^\d+$/);
  await server.run();
  await until(async () => (await one.admin('POST', '/api/cache/purge', { url: 'http://a/' })).json.store === 'purged');
});
