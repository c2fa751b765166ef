/** Consumers with keys, from the configuration to the access log, over real sockets and with real data threads. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const ALICE = 'alice-2dSxkW0nB5Ue8hQv';
const NEW_ALICE = 'alice-9yTqLz3mR7Kc1wFe';

const configuration = (keys: (string | { sha256: string } | { key: string; expires: string })[]) => ({
  consumers: { alice: { keys }, guest: {} },
  routes: {
    orders: { match: { path: '/orders/*' }, to: { respond: { text: 'for ${consumer}' } } },
    open: {
      match: { path: '/open' },
      to: { respond: { text: 'for ${consumer}' } },
      policies: { 'api-key': { anonymous: 'guest' } },
    },
    free: { match: { path: '/free' }, to: { respond: { text: 'for nobody' } }, policies: { 'api-key': false as const } },
  },
  policies: { 'api-key': { header: 'x-api-key', query: 'key' } },
});

test('whoever shows a key is known in every data thread and in the access log, and the key is nowhere', async (t) => {
  const gateway = await startTestGateway(configuration([ALICE]), { threads: 2 });
  t.after(() => gateway.stop());
  for (let i = 0; i < 12; i += 1) {
    const answer = await ask(gateway.port(), '/orders/7', { headers: { 'x-api-key': ALICE } });
    assert.deepEqual([answer.status, answer.body], [200, 'for alice']);
  }
  assert.equal((await ask(gateway.port(), `/orders/8?key=${ALICE}`)).status, 200);
  assert.equal((await ask(gateway.port(), '/open')).body, 'for guest');
  assert.equal((await ask(gateway.port(), '/free')).body, 'for nobody');
  const refused = await ask(gateway.port(), '/orders/7', { headers: { 'x-api-key': NEW_ALICE } });
  assert.equal(refused.status, 401);
  const lines = await gateway.stop();
  const known = lines.filter(({ route, status }) => route === 'orders' && status === 200);
  assert.equal(known.length, 13);
  for (const line of known) assert.equal(line['consumer'], 'alice');
  assert.ok(lines.some(({ target }) => target === '/orders/8?key=[redacted]'));
  assert.deepEqual(lines.find(({ status }) => status === 401)?.['detail'], { reason: 'unknown' });
  assert.equal(JSON.stringify(lines).includes(ALICE), false);
  assert.equal(JSON.stringify(lines).includes(NEW_ALICE), false);
});

test('a reload adds a key, and takes one away', async (t) => {
  const gateway = await startTestGateway(configuration([ALICE]), { threads: 2 });
  t.after(() => gateway.stop());
  const statusWith = async (key: string) => (await ask(gateway.port(), '/orders/7', { headers: { 'x-api-key': key } })).status;
  assert.deepEqual([await statusWith(ALICE), await statusWith(NEW_ALICE)], [200, 401]);
  const sha256 = createHash('sha256').update(NEW_ALICE).digest('hex').toUpperCase();
  await gateway.reconfigure(configuration([ALICE, { sha256 }]));
  assert.deepEqual([await statusWith(ALICE), await statusWith(NEW_ALICE)], [200, 200]);
  await gateway.reconfigure(configuration([{ key: ALICE, expires: '2020-01-01' }, { sha256 }]));
  assert.deepEqual([await statusWith(ALICE), await statusWith(NEW_ALICE)], [401, 200]);
});

test('rules about who may do what refuse, or only say in the log whom they would refuse', async (t) => {
  const rules = { groups: ['gold'] };
  const gateway = await startTestGateway({
    consumers: { alice: { groups: ['gold'], keys: [ALICE] }, bob: { keys: [NEW_ALICE] } },
    routes: {
      ruled: { match: { path: '/ruled' }, to: { respond: { text: 'in' } }, policies: { authorize: rules } },
      tried: {
        match: { path: '/tried' },
        to: { respond: { text: 'in' } },
        policies: { authorize: { ...rules, mode: 'report' } },
      },
    },
    policies: { 'api-key': {} },
  });
  t.after(() => gateway.stop());
  const statusOf = async (path: string, key: string) =>
    (await ask(gateway.port(), path, { headers: { 'x-api-key': key } })).status;
  assert.deepEqual([await statusOf('/ruled', ALICE), await statusOf('/ruled', NEW_ALICE)], [200, 403]);
  assert.deepEqual([await statusOf('/tried', ALICE), await statusOf('/tried', NEW_ALICE)], [200, 200]);
  const lines = await gateway.stop();
  assert.deepEqual(
    lines.map(({ consumer, status, code, reported }) => ({ consumer, status, code, reported })),
    [
      { consumer: 'alice', status: 200, code: undefined, reported: undefined },
      { consumer: 'bob', status: 403, code: 'GH_AUTHORIZE_DENIED', reported: undefined },
      { consumer: 'alice', status: 200, code: undefined, reported: undefined },
      {
        consumer: 'bob',
        status: 200,
        code: undefined,
        reported: { code: 'GH_AUTHORIZE_DENIED', detail: { reason: 'group', consumer: 'bob' } },
      },
    ],
  );
});

test('requests of one consumer stay at one service of a split, and at one endpoint of a service', async (t) => {
  const services = await Promise.all(
    ['blue', 'green', 'red'].map(async (name) => [name, await startNamedService(t, name)] as const),
  );
  const url = (name: string) => `http://127.0.0.1:${services.find(([known]) => known === name)![1]}`;
  // So many that they hardly all fall to the same of three endpoints, whose ports are others each time.
  const keys = Array.from({ length: 24 }, (_, i) => `consumer-${i}-0123456789abcdef`);
  const gateway = await startTestGateway(
    {
      consumers: Object.fromEntries(keys.map((key, i) => [`c${i}`, { keys: [key] }])),
      services: {
        blue: { endpoints: [url('blue')] },
        green: { endpoints: [url('green')] },
        both: { endpoints: [url('blue'), url('green'), url('red')], balance: { hash: { by: 'consumer' } } },
      },
      routes: {
        split: {
          match: { path: '/split' },
          to: { services: [{ service: 'blue' }, { service: 'green' }], sticky: { by: 'consumer' } },
        },
        hashed: { match: { path: '/hashed' }, to: 'both' },
      },
      policies: { 'api-key': {} },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  for (const path of ['/split', '/hashed']) {
    const places = new Set<string>();
    for (const key of keys) {
      const answers = new Set<string>();
      for (let i = 0; i < 5; i += 1) answers.add((await ask(gateway.port(), path, { headers: { 'x-api-key': key } })).body);
      assert.equal(answers.size, 1, `${path} ${key}`);
      places.add([...answers][0]!);
    }
    assert.ok(places.size > 1, `${path}: consumers are spread`);
  }
});

test('requests are counted by who asks, over all threads', async (t) => {
  const gateway = await startTestGateway(
    {
      consumers: { alice: { keys: [ALICE] }, bob: { keys: [NEW_ALICE] } },
      routes: { all: { match: { path: '/*' }, to: { respond: { text: 'in' } } } },
      policies: { 'api-key': {}, 'rate-limit': { limit: '5/hour', by: 'consumer' } },
    },
    { threads: 2 },
  );
  t.after(() => gateway.stop());
  for (const key of [ALICE, NEW_ALICE]) {
    const statuses: number[] = [];
    for (let i = 0; i < 8; i += 1) statuses.push((await ask(gateway.port(), '/', { headers: { 'x-api-key': key } })).status);
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
  }
  // Whoever shows no key is refused, and not counted for anybody.
  assert.equal((await ask(gateway.port(), '/')).status, 401);
});

/** Answers with its name. */
async function startNamedService(t: TestContext, name: string): Promise<number> {
  const server = createServer((_request, response) => response.end(name));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}
