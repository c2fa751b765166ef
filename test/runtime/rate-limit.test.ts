/** Limits that several threads count together: never more than the limit says, whoever asks where and when. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { GatewayInput } from '#config/define-gateway.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { ask } from '#test/support/ask.ts';
import type { CountingThreadStart } from '#test/support/counting-thread.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const THREADS = 4;
const CLIENTS = 8;
/** Four threads start on machines that have two processors. */
const PATIENCE_MS = 30_000;

type RateLimit = Exclude<NonNullable<NonNullable<GatewayInput['policies']>['rate-limit']>, false>;

const limited = (rateLimit: RateLimit, text = 'here'): Partial<GatewayInput> => ({
  policies: { 'rate-limit': rateLimit },
  routes: { all: { match: { path: '/*' }, to: { respond: { text } } } },
});

type Counted = Pick<CountingThreadStart, 'rules' | 'keys' | 'asksPerKey'> & { readonly room?: number; readonly stepMs?: number };

async function countInThreads(t: TestContext, { room, stepMs = 0, ...start }: Counted) {
  const counts = new SharedArrayBuffer(8 * start.keys);
  // As many keys as there is room for, so that they often stand beside each other.
  const memory = provideAllowanceMemory(room ?? start.keys * start.rules.length);
  const workers = Array.from({ length: THREADS }, () => {
    const workerData: CountingThreadStart = { ...start, stepMs, memory, counts, threads: THREADS, nowMs: 987_654_321 };
    return new Worker(new URL('../support/counting-thread.ts', import.meta.url), { workerData });
  });
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  const words = new Int32Array(counts);
  return Array.from({ length: start.keys }, (_, key) => words[2 * key + 1]!);
}

test('threads that meet at a key nobody has asked for admit exactly what its limit says', async (t) => {
  const rules = [{ limit: 3, windowMs: 3_600_000, burst: 3 }];
  const admitted = await countInThreads(t, { rules, keys: 5_000, asksPerKey: 3 });
  assert.deepEqual([...new Set(admitted)], [3]);
});

test('the same where entries go from key to key all the time, because there are few', async (t) => {
  const rules = [{ limit: 3, windowMs: 1_000, burst: 3 }];
  const admitted = await countInThreads(t, { rules, keys: 10_000, asksPerKey: 3, room: 60, stepMs: 50 });
  assert.deepEqual([...new Set(admitted)], [3]);
});

test('threads that hammer one key admit exactly what its limit says', async (t) => {
  const rules = [{ limit: 50_000, windowMs: 86_400_000, burst: 50_000 }];
  assert.deepEqual(await countInThreads(t, { rules, keys: 1, asksPerKey: 50_000 }), [50_000]);
});

test('threads that hammer a key with two limits admit what the smaller one says', async (t) => {
  const rules = [
    { limit: 1_000, windowMs: 86_400_000, burst: 1_000 },
    { limit: 20, windowMs: 86_400_000, burst: 20 },
  ];
  assert.deepEqual([...new Set(await countInThreads(t, { rules, keys: 500, asksPerKey: 30 }))], [20]);
});

/** Each client asks until all have so many answers. */
async function sendAll(port: number, requests: number): Promise<string> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(port)));
  const each = requests / CLIENTS;
  try {
    for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(each));
    const haveAll = () => clients.every(({ received }) => countHeads(received) === each);
    await eventually(haveAll, `each client has ${each} answers`, PATIENCE_MS);
    return clients.map(({ received }) => received).join('');
  } finally {
    for (const client of clients) await client.close();
  }
}

const countHeads = (text: string) => text.split('HTTP/1.1 ').length - 1;
const countStatus = (text: string, status: number) => text.split(`HTTP/1.1 ${status} `).length - 1;

test('eight clients of a gateway with four threads get exactly as many answers as the limit says', async (t) => {
  const gateway = await startTestGateway(limited({ limit: '100/day' }), { threads: THREADS });
  t.after(() => gateway.stop());
  const received = await sendAll(gateway.port(), 400);
  assert.deepEqual([countStatus(received, 200), countStatus(received, 429)], [100, 300]);
  assert.match(received, /\r\nretry-after: 8\d\d\r\n/);
});

test('what was counted outlives reloads and threads, until the limit is another one', async (t) => {
  const gateway = await startTestGateway(limited({ limit: '2/day' }), { threads: 2 });
  t.after(() => gateway.stop());
  const status = async () => (await ask(gateway.port(), '/')).status;
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
  await gateway.reconfigure(limited({ limit: '2/day' }, 'changed'));
  assert.equal(await status(), 429);
  const pool = gateway.control.pool!;
  const before = pool.threadIds;
  for (const id of before) await pool.kill(id);
  await eventually(
    () => pool.threadIds.length === 2 && !pool.threadIds.some((id) => before.includes(id)),
    'there are new threads',
  );
  let answered: number | undefined;
  // They may not listen yet.
  while (answered === undefined) answered = await status().catch(() => undefined);
  assert.equal(answered, 429, 'new threads know what was counted');
  await gateway.reconfigure({ ...limited({ limit: '2/day' }), policies: {} });
  assert.equal(await status(), 200);
  await gateway.reconfigure(limited({ limit: '2/day' }));
  assert.equal(await status(), 429, 'also where no limit was configured for a while');
  await gateway.reconfigure(limited({ limit: '3/day' }));
  assert.equal(await status(), 200);
  await gateway.reconfigure({ ...limited({ limit: '2/day' }), rateLimits: { keys: 2_000 } });
  assert.equal(await status(), 200, 'another table begins anew');
});

test('the same without data threads, and the access log tells what was or would have been refused', async (t) => {
  const gateway = await startTestGateway(limited({ limit: '1/day' }), { threads: 0 });
  t.after(() => gateway.stop());
  const status = async () => (await ask(gateway.port(), '/')).status;
  assert.deepEqual([await status(), await status()], [200, 429]);
  await gateway.reconfigure(limited({ limit: '1/day', mode: 'report' }, 'changed'));
  assert.equal(await status(), 200);
  const [first, refused, reported] = await gateway.stop();
  assert.deepEqual([first?.['code'], first?.['reported']], [undefined, undefined]);
  assert.deepEqual([refused?.['code'], refused?.['detail']], ['GH_RATE_LIMIT_EXCEEDED', { limit: '1/day', by: 'ip' }]);
  assert.deepEqual(reported?.['reported'], { code: 'GH_RATE_LIMIT_EXCEEDED', detail: { limit: '1/day', by: 'ip' } });
});

test('a limit of the gateway counts its routes together, and one of a route counts for itself', async (t) => {
  const to = { respond: { text: 'here' } };
  const once = { 'rate-limit': { limit: '1/day' } } as const;
  const gateway = await startTestGateway(
    {
      policies: once,
      routes: {
        one: { match: { path: '/one' }, to },
        other: { match: { path: '/other' }, to },
        own: { match: { path: '/own' }, to, policies: once },
        free: { match: { path: '/free' }, to, policies: { 'rate-limit': false } },
      },
    },
    { threads: 0 },
  );
  t.after(() => gateway.stop());
  const statuses: number[] = [];
  for (const path of ['/one', '/other', '/own', '/own', '/free', '/free'])
    statuses.push((await ask(gateway.port(), path)).status);
  assert.deepEqual(statuses, [200, 429, 200, 429, 200, 200]);
  await gateway.reconfigure({
    policies: { 'rate-limit': { limit: '1/day', by: ['ip', 'route'] } },
    routes: { one: { match: { path: '/one' }, to }, other: { match: { path: '/other' }, to } },
  });
  const apart = [await ask(gateway.port(), '/one'), await ask(gateway.port(), '/other'), await ask(gateway.port(), '/one')];
  assert.deepEqual(
    apart.map(({ status }) => status),
    [200, 200, 429],
  );
});
