/** What the gateway says of itself, as the configuration wants it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';

/** The whole lines of a file. None where there is no such file yet. */
function readEvents(file: string): Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('events of all threads go to a file, and after a rotation to a new one', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 1,
    log: { to: { file: './events.log' } },
    // The thread that serves cannot write this one, and says so.
    accessLog: { to: { file: '/dev/full' }, flushEvery: '10ms' },
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } },
  });
  const file = join(gatehouse.folder, 'events.log');
  const find = (message: string) => readEvents(file).find((event) => event['message'] === message);
  const untilSaid = (message: string) => eventually(() => find(message) !== undefined, `the file has "${message}"`);
  await ask(gatehouse.port(), '/a');
  await untilSaid('access log cannot be written');
  assert.equal(typeof find('access log cannot be written')?.['thread'], 'number');
  renameSync(file, `${file}.1`);
  gatehouse.signal('SIGHUP');
  await untilSaid('configuration applied');
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  assert.equal(gatehouse.stderr, '');
});

test('events can be text, and fewer', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, { threads: 0, log: { format: 'text', level: 'info' } });
  gatehouse.signal('SIGHUP');
  await gatehouse.until(() => /configuration applied.*\n/.test(gatehouse.stderr), 'the event');
  assert.match(
    gatehouse.stderr,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO {2}configuration applied +version=2 hash=[0-9a-f]{12} routes=0 source=reload by=file\n$/,
  );
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
});
