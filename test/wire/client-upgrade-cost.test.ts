import assert from 'node:assert/strict';
import test from 'node:test';
import { startClientBench } from '#test/support/client-bench.ts';

test('a protocol list made of blanks costs no more than any other head of its size', async (t) => {
  const bench = await startClientBench(t);
  const client = await bench.open();
  const startMs = performance.now();
  client.send(`GET /local/x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a,${' '.repeat(60_000)}x\r\n\r\n`);
  await client.until('HTTP/1.1 200');
  // It took several seconds when each blank was looked at for each other one.
  assert.ok(performance.now() - startMs < 1_000);
});
