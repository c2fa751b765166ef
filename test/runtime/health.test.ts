/** The admin address: whether the process lives, and whether it should get traffic. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';

for (const threads of [0, 2]) {
  test(`tells that it lives and is ready, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, { threads, admin: { address: '127.0.0.1:0' } });
    const port = await gatehouse.untilListening('admin');
    for (const path of ['/healthz', '/readyz', '/readyz?verbose']) {
      const { status, headers, body } = await ask(port, path);
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body), { status: 'ok' });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['cache-control'], 'no-store');
    }
    const { status, headers } = await ask(port, '/other');
    assert.equal(status, 404);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal((await ask(port, '/healthz', { method: 'HEAD' })).body, '');
  });
}

test('stays ready when a new configuration is refused', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, { admin: { address: '127.0.0.1:0' } });
  const port = await gatehouse.untilListening('admin');
  await writeFile(gatehouse.file, 'version: 2');
  gatehouse.signal('SIGHUP');
  await gatehouse.nextEvent('configuration refused');
  assert.equal((await ask(port, '/readyz')).status, 200);
});

test('answers on a Unix socket', async (t) => {
  const socketPath = join(await makeFolder(t), 'admin.sock');
  const gatehouse = await GatehouseProcess.start(t, { admin: { address: `unix:${socketPath}` } });
  await gatehouse.until(() => gatehouse.stdout.includes(`listening admin unix:${socketPath}\n`), 'the admin side');
  assert.equal((await ask(0, '/healthz', { socketPath })).status, 200);
});
