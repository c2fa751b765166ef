/** Limits that gateways count together: processes that have nothing in common but a Redis server, which comes and goes. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority, createSigned } from '#certificates/signing.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { MetricsPage } from '#test/support/metrics-page.ts';
import { needs } from '#test/support/programs.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { REDIS_HOST, RedisServer } from '#test/support/redis-server.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const redis = needs('redis-server');
const GATEWAYS = 2;
const THREADS = 2;
const CLIENTS = 8;
const PATIENCE_MS = 30_000;

type RateLimit = Exclude<NonNullable<NonNullable<GatewayInput['policies']>['rate-limit']>, false>;
type RedisSettings = Omit<NonNullable<NonNullable<GatewayInput['stores']>['redis']>, 'url'>;

/** Patient with the store, because the machine of a test may be busy. */
const patient: RedisSettings = { timeout: '10s' };

const limited = (url: string, rateLimit: RateLimit, settings = patient): Partial<GatewayInput> => ({
  threads: THREADS,
  stores: { redis: { url, ...settings } },
  policies: { 'rate-limit': { store: 'redis', ...rateLimit } },
  routes: { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } },
});

function startGateways(t: TestContext, configuration: Partial<GatewayInput>): Promise<GatehouseProcess[]> {
  return Promise.all(Array.from({ length: GATEWAYS }, () => GatehouseProcess.start(t, configuration)));
}

/** Those that have been greeted, without that of who asks. */
async function listClients(server: RedisServer, ...login: string[]): Promise<(string | undefined)[]> {
  return (await server.ask(...login, 'CLIENT', 'LIST'))
    .split('\n')
    .filter((line) => / cmd=(?!client|NULL)/.test(line))
    .map((line) => /id=(\d+)/.exec(line)?.[1]);
}

/** A thread that gets no connection in its time counts for itself until it has one. */
async function untilConnected(count: number, server: RedisServer, ...login: string[]): Promise<void> {
  await eventuallyAnswers(async () => assert.equal((await listClients(server, ...login)).length, count));
}

const countStatus = (text: string, status: number) => text.split(`HTTP/1.1 ${status} `).length - 1;

/** The clients in turn at the gateways; each asks so many times at once. What all were answered. */
async function askAll(gateways: readonly GatehouseProcess[], each: number): Promise<string> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => RawClient.open(gateways[i % gateways.length]!.port())),
  );
  try {
    for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(each));
    const haveAll = () => clients.every(({ received }) => received.split('HTTP/1.1 ').length - 1 === each);
    await eventually(haveAll, `each client has ${each} answers`, PATIENCE_MS);
    return clients.map(({ received }) => received).join('');
  } finally {
    for (const client of clients) await client.close();
  }
}

test(
  'eight clients of two gateways with two threads each get exactly as many answers as a strict limit says',
  redis,
  async (t) => {
    const server = await RedisServer.start(t);
    const gateways = await startGateways(t, limited(server.url, { limit: '100/day' }));
    await untilConnected(GATEWAYS * THREADS, server);
    const received = await askAll(gateways, 50);
    assert.deepEqual([countStatus(received, 200), countStatus(received, 429)], [100, 300]);
    assert.match(received, /\r\nretry-after: 8\d\d\r\n/);
    assert.match(received, /\r\nratelimit-policy: "100\/day";q=100;w=86400\r\n/);
    assert.match(received, /\r\nratelimit: "100\/day";r=0;t=86\d\d\d\r\n/);
  },
);

test('local first, the same clients get at most a burst from each gateway, and soon nothing from any', redis, async (t) => {
  const server = await RedisServer.start(t);
  const gateways = await startGateways(t, limited(server.url, { limit: '100/day', shared: 'local-first' }));
  await untilConnected(GATEWAYS * THREADS, server);
  const admitted = countStatus(await askAll(gateways, 50), 200);
  assert.ok(admitted >= 100 && admitted <= GATEWAYS * 100, `${admitted}`);
  const keys = async () => (await server.ask('KEYS', '*')).split('\n').filter((key) => key !== '');
  let known = 0;
  // Everything that was let pass comes to be known.
  while (known !== admitted) {
    const [key] = await keys();
    if (key !== undefined) known = Math.round(Number(await server.ask('PTTL', key)) / 864_000);
    assert.ok(known <= admitted, `${known} of ${admitted}`);
  }
  for (const gateway of gateways) assert.equal((await ask(gateway.port(), '/')).status, 429);
});

/** One request after the other at each of some connections, until it is told to stop. */
async function askSteadily(port: number, connections: number) {
  const tookMs: number[] = [];
  const statuses = new Map<number, number>();
  let isOver = false;
  const one = async (): Promise<void> => {
    const client = await RawClient.open(port);
    let answers = 0;
    while (!isOver) {
      const startMs = performance.now();
      client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      answers += 1;
      const wanted = answers;
      await eventually(() => client.received.split('HTTP/1.1 ').length - 1 === wanted, 'there is an answer');
      tookMs.push(performance.now() - startMs);
      const status = Number(client.received.split('HTTP/1.1 ').at(-1)!.slice(0, 3));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    await client.close();
  };
  const all = Promise.all(Array.from({ length: connections }, one));
  return {
    statuses,
    get count() {
      return tookMs.length;
    },
    /** Waits for so many more. */
    async more(count: number): Promise<void> {
      const wanted = tookMs.length + count;
      await eventually(() => tookMs.length >= wanted, `${count} more answers`, PATIENCE_MS);
    },
    async stop(): Promise<void> {
      isOver = true;
      await all;
    },
  };
}

test('no request fails while the server is killed and started again under load, nor while it hangs', redis, async (t) => {
  const server = await RedisServer.start(t);
  const settings = { timeout: '20ms', pause: '100ms' } as const;
  const [gateway] = await startGateways(t, limited(server.url, { limit: '1000000/minute' }, settings));
  const load = await askSteadily(gateway!.port(), 4);
  const countOfStore = async () =>
    Number((await server.ask('INFO', 'commandstats')).match(/cmdstat_evalsha:calls=(\d+)/)?.[1] ?? 0);
  await load.more(50);
  await server.kill();
  await load.more(50);
  await server.run();
  const countsAgain = async () => {
    const before = await countOfStore();
    while ((await countOfStore()) <= before) await load.more(1);
  };
  await countsAgain();
  server.signal('SIGSTOP');
  await load.more(100);
  server.signal('SIGCONT');
  await countsAgain();
  await load.stop();
  assert.deepEqual([...load.statuses.keys()], [200]);
  const isTold = (event: string) => gateway!.events.some(({ message }) => message === event);
  for (const event of ['store is away', 'store answers again']) await gateway!.until(() => isTold(event), `"${event}"`);
});

for (const [onFailure, statuses] of [
  ['local', [200, 429, 429]],
  ['allow', [200, 200, 200]],
  ['refuse', [503, 503, 503]],
] as const) {
  test(`with \`onFailure: ${onFailure}\` and no store, three requests of a client that may send one get ${statuses}`, async (t) => {
    // Nobody listens at this port.
    const configuration = limited('redis://127.0.0.1:1', { limit: '1/day', onFailure });
    const gateway = await startTestGateway({ ...configuration, threads: 0 }, { threads: 0 });
    t.after(() => gateway.stop());
    const answers = [await ask(gateway.port(), '/'), await ask(gateway.port(), '/'), await ask(gateway.port(), '/')];
    assert.deepEqual(
      answers.map(({ status }) => status),
      statuses,
    );
    if (onFailure === 'refuse') assert.match(answers[0]!.body, /GH_RATE_LIMIT_STORE_AWAY/);
  });
}

test('a reload keeps the connection unless the store is another one, and closes it when there is none', redis, async (t) => {
  const server = await RedisServer.start(t);
  const other = await RedisServer.start(t, { args: ['--requirepass', 'secret-of-redis'] });
  const configuration = limited(server.url, { limit: '2/day' });
  const gateway = await startTestGateway(configuration, { threads: THREADS });
  t.after(() => gateway.stop());
  const status = async () => (await ask(gateway.port(), '/')).status;
  await untilConnected(THREADS, server);
  const before = await listClients(server);
  assert.deepEqual([await status(), await status(), await status()], [200, 200, 429]);
  await gateway.reconfigure({
    ...configuration,
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'changed' } } } },
  });
  assert.equal(await status(), 429);
  assert.deepEqual(await listClients(server), before);
  await gateway.reconfigure(limited(other.url, { limit: '2/day' }, { ...patient, password: 'secret-of-redis' }));
  const login = ['-a', 'secret-of-redis', '--no-auth-warning'];
  await untilConnected(THREADS, other, ...login);
  assert.equal(await status(), 200);
  // The server sees a moment later that a connection was closed.
  while ((await listClients(server)).length > 0);
  await gateway.reconfigure({ routes: { all: { match: { path: '/*' }, to: { respond: { text: 'free' } } } } });
  assert.equal(await status(), 200);
  while ((await listClients(other, ...login)).length > 0);
});

test('over TLS, with the authority of the server and no other', redis, async (t) => {
  const folder = await makeFolder(t);
  const nowMs = Date.now();
  const authority = await createAuthority('Authority of Redis', { nowMs, days: 30 });
  const signed = await createSigned([REDIS_HOST, 'localhost'], authority, { nowMs, days: 30 });
  const other = await createAuthority('Another authority', { nowMs, days: 30 });
  const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(files.ca, authority.certPem);
  await writeFile(files.cert, signed.certPem);
  await writeFile(files.key, signed.keyPem);
  await writeFile(join(folder, 'other.pem'), other.certPem);
  const server = await RedisServer.start(t, { tls: files });
  const withCa = (ca: string) => limited(server.url, { limit: '1/day', onFailure: 'refuse' }, { ...patient, ca });
  const gateway = await startTestGateway(withCa(files.ca), { threads: THREADS });
  t.after(() => gateway.stop());
  const status = async () => (await ask(gateway.port(), '/')).status;
  assert.deepEqual([await status(), await status()], [200, 429]);
  await gateway.reconfigure(withCa(join(folder, 'other.pem')));
  assert.equal(await status(), 503);
  assert.match((await gateway.reconfigure(withCa(join(folder, 'none.pem')))).join(), /none\.pem/);
});

test('the password is in nothing that the gateway writes', async (t) => {
  const password = 'hunter2-of-redis';
  const gateway = await GatehouseProcess.start(t, limited('redis://127.0.0.1:1', { limit: '1/day' }, { password }));
  assert.equal((await ask(gateway.port(), '/')).status, 200);
  await gateway.nextEvent('store is away');
  gateway.signal('SIGTERM');
  await gateway.ended;
  assert.ok(![gateway.stdout, gateway.stderr].join().includes(password));
});

test('metrics tell how many were refused, and for how many the store did not decide', async (t) => {
  const configuration = limited('redis://127.0.0.1:1', { limit: '1/day' });
  const gateway = await startTestGateway({ ...configuration, admin: { address: '127.0.0.1:0' } }, { threads: THREADS });
  t.after(() => gateway.stop());
  for (const status of [200, 429, 429]) assert.equal((await ask(gateway.port(), '/')).status, status);
  const started = await gateway.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const isCounted = (page: MetricsPage) =>
    page.value('gatehouse_rate_limit_refused_total') === 2 &&
    page.value('gatehouse_rate_limit_store_failures_total') === 3 &&
    page.value('gatehouse_rate_limit_overflow_total') === 0;
  await MetricsPage.loadUntil(started.admin.port, isCounted, 'two refusals and three failures are counted');
});
