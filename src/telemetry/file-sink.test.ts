import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { FileSink } from './file-sink.ts';

/** Where `isBlocked`, a file stands in the place of the folder `logs`. */
async function setUp(t: TestContext, name = 'log', isBlocked = false) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-sink-'));
  t.after(() => rm(folder, { recursive: true }));
  if (isBlocked) await writeFile(join(folder, 'logs'), '');
  const errors: NodeJS.ErrnoException[] = [];
  const file = name.startsWith('/') ? name : join(folder, name);
  const sink = new FileSink({
    target: { file },
    onError: (error) => void errors.push(error),
    later: (run) => void setImmediate(run),
  });
  return { folder, file, errors, sink };
}

const read = (file: string) => readFile(file, 'utf8').catch(() => '');

async function untilText(file: string, expected: string): Promise<void> {
  while ((await read(file)) !== expected);
}

test('appends to what is there, and makes folders that are missing', async (t) => {
  const { file, sink } = await setUp(t, 'a/b/log');
  sink.write(Buffer.from('one\n'));
  await sink.close();
  const again = new FileSink({ target: { file }, onError: assert.ifError, later: setImmediate });
  again.write(Buffer.from('two\n'));
  again.write(Buffer.from('three\n'));
  await again.close();
  assert.equal(await read(file), 'one\ntwo\nthree\n');
});

test('closing writes everything in its order', async (t) => {
  const { file, sink } = await setUp(t);
  for (let i = 0; i < 500; i++) assert.ok(sink.write(Buffer.from(`${i}\n`)));
  await sink.close();
  assert.equal(await read(file), Array.from({ length: 500 }, (_, i) => `${i}\n`).join(''));
});

test('reopening leaves a file that was moved, and writes on in a new one', async (t) => {
  const { file, sink } = await setUp(t);
  sink.write(Buffer.from('old\n'));
  await untilText(file, 'old\n');
  await rename(file, `${file}.1`);
  sink.write(Buffer.from('still old\n'));
  await untilText(`${file}.1`, 'old\nstill old\n');
  sink.reopen();
  sink.write(Buffer.from('new\n'));
  await sink.close();
  assert.equal(await read(`${file}.1`), 'old\nstill old\n');
  assert.equal(await read(file), 'new\n');
});

test('reopening what cannot be opened goes on with what is open', async (t) => {
  const { folder, file, errors, sink } = await setUp(t, 'logs/log');
  sink.write(Buffer.from('one\n'));
  await untilText(file, 'one\n');
  await rename(join(folder, 'logs'), join(folder, 'moved'));
  await writeFile(join(folder, 'logs'), '');
  sink.reopen();
  sink.write(Buffer.from('two\n'));
  await sink.close();
  assert.equal(await read(join(folder, 'moved/log')), 'one\ntwo\n');
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ENOTDIR'],
  );
});

test('reopening what can be opened later is tried with each batch, and reported once', async (t) => {
  const { folder, file, errors, sink } = await setUp(t, 'logs/log');
  sink.write(Buffer.from('one\n'));
  await untilText(file, 'one\n');
  await rename(join(folder, 'logs'), join(folder, 'moved'));
  await writeFile(join(folder, 'logs'), '');
  sink.reopen();
  sink.write(Buffer.from('two\n'));
  await untilText(join(folder, 'moved/log'), 'one\ntwo\n');
  sink.write(Buffer.from('three\n'));
  await untilText(join(folder, 'moved/log'), 'one\ntwo\nthree\n');
  await rm(join(folder, 'logs'));
  sink.write(Buffer.from('four\n'));
  await sink.close();
  assert.equal(await read(file), 'four\n');
  assert.equal(errors.length, 1);
});

test('a file that cannot be opened is reported once, and written when it can be', async (t) => {
  const { folder, file, errors, sink } = await setUp(t, 'logs/log', true);
  sink.write(Buffer.from('one\n'));
  await eventually(() => errors.length > 0, 'the failure is reported');
  for (let i = 0; i < 5; i++) sink.write(Buffer.from('more\n'));
  await rm(join(folder, 'logs'));
  while ((await read(file)) === '') sink.write(Buffer.alloc(0));
  await sink.close();
  assert.equal(await read(file), `one\n${'more\n'.repeat(5)}`);
  assert.equal(errors.length, 1);
});

test('a full disk is reported once, and lines beyond the limit are refused', async (t) => {
  const { errors, sink } = await setUp(t, '/dev/full');
  const batch = Buffer.alloc(1024 * 1024, 'x');
  let taken = 0;
  while (sink.write(batch)) taken += 1;
  assert.equal(taken, Math.floor(limits.accessLogPendingBytesMax / batch.length));
  await eventually(() => errors.length > 0, 'the failure is reported');
  for (let i = 0; i < 5; i++) sink.write(Buffer.alloc(0));
  await sink.close();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ENOSPC'],
  );
});

test('closing ends even if nothing can be written, and says how many lines are lost', async (t) => {
  for (const [name, isBlocked] of [
    ['logs/log', true],
    ['/dev/full', false],
  ] as const) {
    const { sink } = await setUp(t, name, isBlocked);
    sink.write(Buffer.from('one\ntwo\n'));
    sink.write(Buffer.from('three\n'));
    assert.equal(await sink.close(), 3);
  }
  const { sink } = await setUp(t);
  sink.write(Buffer.from('one\n'));
  assert.equal(await sink.close(), 0);
});
