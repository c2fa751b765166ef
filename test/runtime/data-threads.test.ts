/** Data threads that die: the others serve on, and a new one takes the place. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const routes = (text: string): GatewayInput['routes'] => ({ all: { match: { path: '/*' }, to: { respond: { text } } } });

/** So many that the survivor has some: which thread gets a connection is as good as tossing a coin. */
const CONNECTIONS = 32;

/** Loaded into every thread: the first data thread that finds a file of this name does what the name says. */
const faults = `
const { isMainThread } = require('node:worker_threads');
const { unlinkSync } = require('node:fs');
function take(name) {
  try { unlinkSync(name); return true; } catch { return false; }
}
if (!isMainThread) setInterval(() => {
  if (take('throw')) throw new Error('provoked');
  if (take('hang')) for (;;);
  if (take('exhaust')) for (const held = [];;) held.push(new Array(1e5).fill(held.length));
}, 10).unref();
`;

async function startWithFaults(t: TestContext, configuration: Partial<GatewayInput>) {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'faults.cjs'), faults);
  const env = { NODE_OPTIONS: `--require=${join(folder, 'faults.cjs')} --max-old-space-size=256` };
  const gatehouse = await GatehouseProcess.launch(t, configuration, { folder, env });
  await gatehouse.untilListening('web');
  return { gatehouse, provoke: (fault: string) => writeFile(join(folder, fault), '') };
}

/** So many answers in a row hardly come unless both of two threads serve. */
async function assertServes(port: number): Promise<void> {
  for (let i = 0; i < 20; i++) assert.equal((await ask(port, '/')).status, 200);
}

test('the others go on while a killed thread is replaced', async (t) => {
  const gateway = await startTestGateway({ routes: routes('here') }, { threads: 2 });
  t.after(() => gateway.stop());
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.open(gateway.port())));
  t.after(() => clients.forEach((client) => void client.close()));
  const pool = gateway.control.pool!;
  const [killed, survivor] = pool.threadIds;
  await pool.kill(killed!);
  for (const client of clients) client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await Promise.all(clients.map((client) => client.until('here').catch(() => assert.ok(client.hasEnded))));
  assert.ok(
    clients.some(({ received }) => received.includes('here')),
    'a thread that was not killed answers',
  );
  await eventually(() => pool.threadIds.length === 2, 'there are two threads again');
  assert.ok(pool.threadIds.includes(survivor!));
  assert.ok(!pool.threadIds.includes(killed!));
  await assertServes(gateway.port());
  assert.deepEqual(
    gateway.events.map(({ level, message }) => `${level} ${message}`),
    ['error data thread ended and is replaced'],
  );
});

test('threads that are killed again and again come back with the newest configuration', async (t) => {
  const gateway = await startTestGateway({ routes: routes('one') }, { threads: 2 });
  t.after(() => gateway.stop());
  const pool = gateway.control.pool!;
  await pool.kill(pool.threadIds[0]!);
  await gateway.reconfigure({ routes: routes('two') });
  await pool.kill(pool.threadIds[0]!);
  await pool.kill(pool.threadIds[0]!);
  await eventually(() => pool.threadIds.length === 2, 'there are two threads again');
  await gateway.reconfigure({ routes: routes('three') });
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port(), '/')).body, 'three');
});

test('a thread that dies while it takes a configuration leaves all on one configuration', async (t) => {
  const gateway = await startTestGateway({ routes: routes('one') }, { threads: 2 });
  t.after(() => gateway.stop());
  const pool = gateway.control.pool!;
  const many = Object.fromEntries(
    Array.from({ length: 2000 }, (_, i) => [`r${i}`, { match: { path: `/r${i}` }, to: { respond: { text: 'r' } } }]),
  );
  const reconfigured = gateway.reconfigure({ routes: { ...routes('two'), ...many } });
  await pool.kill(pool.threadIds[1]!);
  const refusal = await reconfigured;
  await eventually(() => pool.threadIds.length === 2, 'there are two threads again');
  const expected = refusal.length === 0 ? 'two' : 'one';
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port(), '/')).body, expected);
  assert.deepEqual(await gateway.reconfigure({ routes: routes('three') }), []);
  for (let i = 0; i < 20; i++) assert.equal((await ask(gateway.port(), '/')).body, 'three');
});

for (const fault of ['throw', 'exhaust']) {
  test(`a thread that fails (${fault}) is reported and replaced, and the gateway goes on`, async (t) => {
    const { gatehouse, provoke } = await startWithFaults(t, { threads: 2, routes: routes('here') });
    await provoke(fault);
    const failure = await gatehouse.nextEvent('data thread failed');
    assert.match(JSON.stringify(failure['error']), fault === 'throw' ? /provoked/ : /memory/);
    await gatehouse.nextEvent('data thread ended and is replaced');
    await assertServes(gatehouse.port());
    await gatehouse.reconfigure({ threads: 2, routes: routes('new') });
    await assertServes(gatehouse.port());
    gatehouse.signal('SIGTERM');
    assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  });
}

test('the only thread is replaced too, with the Unix socket that it had', async (t) => {
  const folder = await makeFolder(t);
  const socketPath = join(folder, 'web.sock');
  const { gatehouse, provoke } = await startWithFaults(t, {
    threads: 1,
    listeners: { web: { address: '127.0.0.1:0' }, socket: { address: `unix:${socketPath}` } },
    routes: routes('here'),
  });
  assert.equal((await ask(0, '/', { socketPath })).body, 'here');
  await provoke('throw');
  await gatehouse.nextEvent('data thread ended and is replaced');
  for (;;) {
    const answer = await ask(0, '/', { socketPath }).catch(() => undefined);
    if (answer !== undefined) break;
  }
  assert.equal((await ask(gatehouse.port(), '/')).body, 'here');
});

async function askUntilAnswered(socketPath: string): Promise<string> {
  for (;;) {
    try {
      return (await ask(0, '/', { socketPath })).body;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    }
  }
}

test('a replaced thread that cannot listen yet tries again', async (t) => {
  const folder = join(await makeFolder(t), 'sockets');
  await mkdir(folder);
  const socketPath = join(folder, 'web.sock');
  const gateway = await startTestGateway(
    { listeners: { web: { address: '127.0.0.1:0' }, socket: { address: `unix:${socketPath}` } }, routes: routes('here') },
    { threads: 1 },
  );
  t.after(() => gateway.stop());
  await rm(folder, { recursive: true });
  await gateway.control.pool!.kill(gateway.control.pool!.threadIds[0]!);
  await eventually(() => gateway.events.some(({ message }) => message.includes('refused')), 'the new thread could not listen');
  await mkdir(folder);
  // The file is there a moment before anybody is listened to.
  await eventually(() => existsSync(socketPath), 'it has an address');
  assert.equal(await askUntilAnswered(socketPath), 'here');
  assert.equal((await ask(gateway.port(), '/')).body, 'here');
});

test('a thread that hangs does not keep the gateway from ending', async (t) => {
  const { gatehouse, provoke } = await startWithFaults(t, {
    threads: 2,
    routes: routes('here'),
    shutdown: { deadline: '100ms' },
  });
  await provoke('hang');
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
});
