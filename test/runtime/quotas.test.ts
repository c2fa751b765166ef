/** Quotas over threads, restarts and processes: what was counted stays counted. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const THREADS = 4;
const CLIENTS = 8;
const TOKEN = '0123456789abcdef';
/** Four threads start on machines that have two processors. */
const PATIENCE_MS = 30_000;

type Quota = Exclude<NonNullable<NonNullable<GatewayInput['policies']>['quota']>, false>;

const limited = (quota: Quota, file?: string): Partial<GatewayInput> => ({
  policies: { quota: { by: 'header.x-who', ...quota } },
  routes: { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } },
  ...(file !== undefined && { stores: { file } }),
});

async function countAdmitted(port: number, requests: number, who = 'a'): Promise<number> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(port)));
  const each = requests / CLIENTS;
  try {
    for (const client of clients) client.send(`GET / HTTP/1.1\r\nhost: x\r\nx-who: ${who}\r\n\r\n`.repeat(each));
    const countHeads = (text: string) => text.split('HTTP/1.1 ').length - 1;
    await eventually(() => clients.every(({ received }) => countHeads(received) === each), 'all have answers', PATIENCE_MS);
    return clients.reduce((sum, { received }) => sum + received.split('HTTP/1.1 200 ').length - 1, 0);
  } finally {
    for (const client of clients) client.close();
  }
}

const statusFor = async (port: number, who = 'a') => (await ask(port, '/', { headers: { 'x-who': who } })).status;

test('eight clients of a gateway with four threads get exactly as many answers as the quota says', async (t) => {
  const gateway = await startTestGateway(limited({ limit: '100/month' }), { threads: THREADS });
  t.after(() => gateway.stop());
  assert.equal(await countAdmitted(gateway.port(), 400), 100);
  await gateway.reconfigure(limited({ limits: ['150/month', '120/week'] }));
  assert.equal(await countAdmitted(gateway.port(), 400), 50, 'weeks are counted from now on');
  await gateway.reconfigure(limited({ limit: '150/month' }));
  const pool = gateway.control.pool!;
  for (const id of pool.threadIds) await pool.kill(id);
  let answered: number | undefined;
  // They may not listen yet.
  while (answered === undefined) answered = await statusFor(gateway.port()).catch(() => undefined);
  assert.equal(answered, 429, 'new threads know what was counted');
});

test('a quota outlives a restart with the same file, and the file tells nobody keys that may be secrets', async (t) => {
  const folder = await makeFolder(t);
  const file = join(folder, 'state.db');
  const first = await startTestGateway(limited({ limit: '3/month' }, file), { threads: 2 });
  assert.deepEqual([await statusFor(first.port(), 'hunter2'), await statusFor(first.port(), 'hunter2')], [200, 200]);
  await first.stop();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file).includes('hunter2'));
  const second = await startTestGateway(limited({ limit: '3/month' }, file), { threads: 0 });
  t.after(() => second.stop());
  const answers = [await statusFor(second.port(), 'hunter2'), await statusFor(second.port(), 'hunter2')];
  assert.deepEqual([...answers, await statusFor(second.port(), 'other')], [200, 429, 200]);
});

test('what was counted in a window that is over by the next start is forgotten', async (t) => {
  const file = join(await makeFolder(t), 'state.db');
  const clock = new FakeClock();
  clock.jumpWallTo(Date.parse('2026-11-30T23:59:00Z'));
  const first = await startTestGateway(limited({ limits: ['1/day', '2/week'] }, file), { clock });
  assert.deepEqual([await statusFor(first.port()), await statusFor(first.port())], [200, 429]);
  await first.stop();
  clock.jumpWallTo(Date.parse('2026-12-01T00:00:00Z'));
  const second = await startTestGateway(limited({ limits: ['1/day', '2/week'] }, file), { clock });
  t.after(() => second.stop());
  assert.deepEqual([await statusFor(second.port()), await statusFor(second.port())], [200, 429]);
  clock.jumpWallTo(Date.parse('2026-12-02T00:00:00Z'));
  assert.equal(await statusFor(second.port()), 429, 'the week has seen two');
});

test('a process that is killed has saved what it counted more than a second ago', async (t) => {
  const folder = await makeFolder(t);
  const configuration = { ...limited({ limit: '1/month' }, './state.db'), threads: 1 };
  const first = await GatehouseProcess.start(t, configuration, { folder });
  const log = join(folder, 'state.db-wal');
  assert.equal(await statusFor(first.port()), 200);
  // What is saved may have been read before; when something has been saved twice, it was read behind that answer.
  for (const who of ['b', 'c']) {
    const { size } = statSync(log);
    assert.equal(await statusFor(first.port(), who), 200);
    await eventually(() => statSync(log).size > size, 'counts are saved', PATIENCE_MS);
  }
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await GatehouseProcess.start(t, configuration, { folder });
  assert.deepEqual([await statusFor(second.port()), await statusFor(second.port(), 'other')], [429, 200]);
});

test('a second process is refused a file that is in use, and takes it when it is free', async (t) => {
  const folder = await makeFolder(t);
  const configuration = limited({ limit: '1/month' }, './state.db');
  const first = await GatehouseProcess.start(t, configuration, { folder });
  const refused = await GatehouseProcess.launch(t, configuration, { folder });
  assert.notEqual((await refused.ended).exitCode, 0);
  assert.match(refused.stderr, /state\.db: another process uses it; each gateway needs a file of its own/);
  assert.equal(await statusFor(first.port()), 200);
  first.child.kill('SIGTERM');
  await first.ended;
  const second = await GatehouseProcess.start(t, configuration, { folder });
  assert.equal(await statusFor(second.port()), 429);
});

test('a file that cannot be used is refused with its reason, and a reload with it changes nothing', async (t) => {
  const folder = await makeFolder(t);
  const damaged = join(folder, 'damaged.db');
  writeFileSync(damaged, 'this is a note and no database, however long it may be'.repeat(50));
  await assert.rejects(
    startTestGateway(limited({ limit: '1/month' }, damaged)),
    /damaged\.db: it is not a database, or is damaged/,
  );
  await assert.rejects(startTestGateway(limited({ limit: '1/month' }, join(folder, 'none/state.db'))), /unable to open/);
  const gateway = await startTestGateway({ routes: limited({ limit: '1/month' }).routes! });
  t.after(() => gateway.stop());
  assert.match((await gateway.reconfigure(limited({ limit: '1/month' }, damaged))).join(), /is not a database/);
  assert.deepEqual([await statusFor(gateway.port()), await statusFor(gateway.port())], [200, 200]);
  assert.deepEqual(await gateway.reconfigure(limited({ limit: '1/month' }, join(folder, 'good.db'))), []);
  assert.deepEqual([await statusFor(gateway.port()), await statusFor(gateway.port())], [200, 429]);
});

test('operators see what is counted page by page, without secrets, and reset it', async (t) => {
  const input = {
    ...limited({ limit: '2/month', by: 'path.tenant' }),
    policies: {},
    routes: {
      tenants: {
        match: { path: '/tenants/:tenant' },
        policies: { quota: { limit: '2/month', by: 'path.tenant' } },
        to: { respond: { text: 'here' } },
      },
      keys: {
        match: { path: '/keys' },
        policies: { quota: { limit: '2/day', by: 'header.x-api-key' } },
        to: { respond: { text: 'here' } },
      },
    },
    admin: { address: '127.0.0.1:0', token: TOKEN },
  } as const;
  const gateway = await GatehouseProcess.start(t, input);
  const admin = await gateway.untilListening('admin');
  const asked = { headers: { authorization: `Bearer ${TOKEN}` } };
  const list = async (query = '') => JSON.parse((await ask(admin, `/api/quotas${query}`, asked)).body);
  assert.deepEqual(await list(), { quotas: [] });
  const use = async (path: string, key = 'hunter2') =>
    (await ask(gateway.port(), path, { headers: { 'x-api-key': key } })).status;
  assert.deepEqual([await use('/tenants/a'), await use('/tenants/a'), await use('/tenants/a')], [200, 200, 429]);
  await use('/keys');
  const { quotas } = await list();
  const shown = quotas.map(({ quota, key, used, limit }: Record<string, unknown>) => ({ quota, key, used, limit }));
  assert.deepEqual(
    new Set(shown),
    new Set([
      { quota: 'route tenants by path.tenant, per month in UTC', key: 'a', used: 2, limit: 2 },
      { quota: 'route keys by header.x-api-key, per day in UTC', key: '', used: 1, limit: 2 },
    ]),
  );
  const page = await list('?max=1');
  assert.equal(page.quotas.length, 1);
  const rest = await list(`?max=1&from=${page.next}`);
  assert.deepEqual(new Set([...page.quotas, ...rest.quotas]), new Set(quotas));
  assert.equal(rest.next, undefined);
  const { id } = quotas.find(({ key }: { key: string }) => key === 'a');
  assert.equal((await ask(admin, `/api/quotas/${id}`, { method: 'DELETE' })).status, 401);
  assert.equal(await use('/tenants/a'), 429);
  assert.equal((await ask(admin, `/api/quotas/${id}`, { ...asked, method: 'DELETE' })).status, 204);
  assert.equal(await use('/tenants/a'), 200);
  assert.equal((await gateway.nextEvent('quota reset by an operator'))['id'], id);
  assert.equal((await ask(admin, '/api/quotas/0123456789abcdef', { ...asked, method: 'DELETE' })).status, 404);
  assert.equal((await ask(admin, '/api/quotas/x', { ...asked, method: 'DELETE' })).status, 404);
  assert.equal((await ask(admin, '/api/quotas?max=100000', asked)).status, 400);
});
