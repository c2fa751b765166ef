/** Limits of concurrency that several threads count together: exactly as many run as may, whatever becomes of threads. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const THREADS = 4;
const LIMIT = 10;
const REQUEST = 'GET / HTTP/1.1\r\nhost: x\r\nx-team: a\r\n\r\n';
/** Four threads start on machines that have two processors. */
const PATIENCE_MS = 30_000;

/** A service that answers nobody until it is told to. */
async function startHolding(t: TestContext) {
  const held = new Set<UpstreamConnection>();
  const upstream = await startRawUpstream((connection) => void held.add(connection));
  t.after(() => upstream.close());
  const input = (limit: number) => ({
    admin: { address: '127.0.0.1:0' },
    services: { main: { endpoints: [upstream.url] } },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
    policies: { concurrency: { limit, by: 'header.x-team' } },
  });
  const gateway = await startTestGateway(input(LIMIT), { threads: THREADS });
  t.after(() => gateway.stop());
  const { admin } = (await gateway.control.start()) as { readonly admin: { readonly port: number } };
  /** The places of so many requests are back: their threads give them back a moment after the clients have their answers. */
  const untilOver = (count: number) =>
    eventuallyAnswers(async () => {
      const { body } = await ask(admin.port, '/metrics');
      const counts = [...body.matchAll(/^gatehouse_requests_total\{.*\} (\d+)$/gm)].map(([, text]) => Number(text));
      assert.equal(
        counts.reduce((sum, one) => sum + one, 0),
        count,
      );
    });
  const clients: RawClient[] = [];
  t.after(() => {
    for (const client of clients) client.close();
  });
  return {
    gateway,
    held,
    input,
    untilOver,
    /** How many of so many new clients are refused, when all the others are held. */
    async countRefused(asking: number): Promise<number> {
      const heldBefore = held.size;
      const asked = await Promise.all(Array.from({ length: asking }, () => RawClient.open(gateway.port())));
      clients.push(...asked);
      for (const client of asked) client.send(REQUEST);
      const countAnswered = () => asked.filter(({ received }) => received.endsWith('}\n')).length;
      await eventually(() => countAnswered() + held.size - heldBefore === asking, 'all are held or answered', PATIENCE_MS);
      assert.ok(asked.every(({ received }) => received === '' || received.startsWith('HTTP/1.1 429 ')));
      return countAnswered();
    },
    async answerHeld(): Promise<void> {
      const answered = () => clients.filter(({ received }) => received.endsWith('\r\n\r\nok')).length;
      const wanted = answered() + held.size;
      for (const connection of held) connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      held.clear();
      await eventually(() => answered() === wanted, 'all that were held are answered', PATIENCE_MS);
      await untilOver(clients.length);
    },
  };
}

test('as many run at a gateway with four threads as the limit says, again and again', async (t) => {
  const { countRefused, answerHeld } = await startHolding(t);
  for (let round = 0; round < 3; round++) {
    assert.equal(await countRefused(30), 30 - LIMIT);
    await answerHeld();
  }
});

test('what threads held that died is free again', async (t) => {
  const { gateway, held, countRefused } = await startHolding(t);
  assert.equal(await countRefused(30), 30 - LIMIT);
  const pool = gateway.control.pool!;
  for (const id of pool.threadIds) await pool.kill(id);
  await eventually(
    () => [...held].every(({ socket }) => socket.closed || socket.readableEnded),
    'the service is left',
    PATIENCE_MS,
  );
  held.clear();
  let first: RawClient | undefined;
  // New threads may not listen yet.
  while (first === undefined) first = await RawClient.open(gateway.port()).catch(() => undefined);
  first.close();
  assert.equal(await countRefused(30), 30 - LIMIT);
});

test('a client that leaves gives its place back at once', async (t) => {
  const { gateway, held, countRefused, untilOver } = await startHolding(t);
  const leaving = await Promise.all(Array.from({ length: LIMIT }, () => RawClient.open(gateway.port())));
  for (const client of leaving) client.send(REQUEST);
  await eventually(() => held.size === LIMIT, 'all are held', PATIENCE_MS);
  assert.equal(await countRefused(1), 1);
  for (const client of leaving) client.close();
  await eventually(
    () => [...held].every(({ socket }) => socket.closed || socket.readableEnded),
    'the service is left',
    PATIENCE_MS,
  );
  await untilOver(LIMIT + 1);
  held.clear();
  assert.equal(await countRefused(LIMIT + 1), 1);
});

test('a reload changes how many may run, and counts those on that run already', async (t) => {
  const { gateway, input, countRefused, answerHeld } = await startHolding(t);
  assert.equal(await countRefused(LIMIT), 0);
  await gateway.reconfigure(input(LIMIT + 2));
  assert.equal(await countRefused(LIMIT), LIMIT - 2);
  await gateway.reconfigure(input(1));
  assert.equal(await countRefused(1), 1);
  await answerHeld();
  assert.equal(await countRefused(3), 2);
});
