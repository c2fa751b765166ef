/** Requests that wait on purpose, over real connections and with real timers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';

const answer = onEachRequest((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nserved'));

test('a request waits for as long as it is told to, and is then served', async (t) => {
  const { gateway } = await startForwarding(t, answer, { route: { policies: { fault: { delay: { for: '40ms' } } } } });
  assert.equal((await ask(gateway.port(), '/', { method: 'POST', body: 'a' })).body, 'served');
  const [line] = await gateway.stop();
  // A timer of Node may be a millisecond early.
  assert.ok(Number(line?.['durationMs']) >= 39, String(line?.['durationMs']));
});

test('a client that leaves, and a gateway that stops, wait for no delay', async (t) => {
  const { gateway, upstream, open, settle } = await startForwarding(t, answer, {
    route: { policies: { fault: { delay: { for: '10m' } } } },
  });
  const waiting = await Promise.all([open(), open()]);
  for (const client of waiting) client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  await settle();
  waiting[0]!.socket.resetAndDestroy();
  await eventually(() => gateway.control.plane?.connectionCount === 1, 'the first client is gone');
  const lines = await gateway.stop();
  assert.equal(upstream.connections.length, 0);
  assert.ok(lines.some(({ status, target }) => status === 499 && target === '/'));
});
