/** What the gateway says of itself, as the configuration wants it. */
import assert from 'node:assert/strict';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess } from '#test/support/gatehouse-process.ts';

const PATIENCE_MS = 20_000;

test('events of all threads go to a file, and after a rotation to a new one', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, {
    threads: 1,
    log: { to: { file: './events.log' } },
    // The thread that serves cannot write this one, and says so.
    accessLog: { to: { file: '/dev/full' }, flushEvery: '10ms' },
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'here' } } } },
  });
  const file = join(gatehouse.folder, 'events.log');
  let messages: Record<string, unknown>[] = [];
  const read = async (path: string) => {
    const text = await readFile(path, 'utf8').catch(() => '');
    messages = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const untilSaid = (path: string, message: string) =>
    eventually(
      () => {
        void read(path);
        return messages.some((event) => event['message'] === message);
      },
      `the file has "${message}"`,
      PATIENCE_MS,
    );
  await ask(gatehouse.port(), '/a');
  await untilSaid(file, 'access log cannot be written');
  assert.equal(typeof messages.find(({ message }) => message === 'access log cannot be written')?.['thread'], 'number');
  await rename(file, `${file}.1`);
  gatehouse.signal('SIGHUP');
  await untilSaid(file, 'configuration applied');
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  assert.equal(gatehouse.stderr, '');
});

test('events can be text, and fewer', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, { threads: 0, log: { format: 'text', level: 'info' } });
  gatehouse.signal('SIGHUP');
  await gatehouse.until(() => gatehouse.stderr.includes('configuration applied'), 'the event');
  assert.match(
    gatehouse.stderr,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO {2}configuration applied +version=2 hash=[0-9a-f]{12} routes=0 source=reload by=file\n$/,
  );
  gatehouse.signal('SIGTERM');
  await gatehouse.ended;
});
