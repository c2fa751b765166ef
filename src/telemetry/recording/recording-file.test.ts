import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import { createFolder } from '#test/support/recorded-lines.ts';
import { RecordingFile, type RecordingFileOptions } from './recording-file.ts';

async function setUp(t: TestContext, more: Partial<RecordingFileOptions> = {}) {
  const folder = await createFolder(t);
  const file = join(folder, 'traffic.jsonl');
  const errors: NodeJS.ErrnoException[] = [];
  const outcomes: boolean[] = [];
  const recording = new RecordingFile({
    file,
    bytesMax: 1_000,
    filesMax: 2,
    onError: (error) => void errors.push(error as NodeJS.ErrnoException),
    onDone: ({ isWritten }) => void outcomes.push(isWritten),
    ...more,
  });
  return { folder, file, recording, errors, outcomes, read: (name = file) => readFileSync(name, 'utf8') };
}

test('lines are appended in their order, for those alone who run the gateway', async (t) => {
  const { file, recording, outcomes, read } = await setUp(t);
  for (const line of ['one\n', 'two\n']) assert.ok(recording.write(line));
  await recording.close();
  assert.equal(read(), 'one\ntwo\n');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(outcomes, [true, true]);
});

test('a line begins on a line of its own, whatever ended before it', async (t) => {
  const { file, recording, read } = await setUp(t);
  writeFileSync(file, '{"half":');
  recording.write('one\n');
  await recording.close();
  assert.equal(read(), '{"half":\none\n');
});

test('a file is as long as it may be, and so many of them are kept', async (t) => {
  const { folder, file, recording, read } = await setUp(t, { bytesMax: 8 });
  for (const line of ['one\n', 'two\n', '333\n', '4\n', 'longer than any\n', '6\n']) recording.write(line);
  await recording.close();
  assert.deepEqual((await readdir(folder)).sort(), ['traffic.jsonl', 'traffic.jsonl.1']);
  assert.deepEqual([read(`${file}.1`), read()], ['longer than any\n', '6\n']);
});

test('a disk that is full is told of once, and its lines are given up', async (t) => {
  const { recording, errors, outcomes } = await setUp(t, { file: '/dev/full' });
  for (const line of ['one\n', 'two\n']) recording.write(line);
  await recording.close();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ENOSPC'],
  );
  assert.deepEqual(outcomes, [false, false]);
});

test('no more waits than there is room for', async (t) => {
  const { recording } = await setUp(t, { bytesMax: limits.recordingPendingBytesMax });
  const half = 'x'.repeat(limits.recordingPendingBytesMax / 2);
  assert.deepEqual(
    [half, half, 'x'].map((line) => recording.write(line)),
    [true, true, false],
  );
  await recording.close();
});

test('closed, it takes nothing and opens no file', async (t) => {
  const { folder, file, recording, read } = await setUp(t);
  recording.write('one\n');
  const closed = recording.close();
  assert.equal(recording.write('two\n'), false);
  await closed;
  assert.equal(read(), 'one\n');
  await rm(file);
  assert.equal(recording.write('three\n'), false);
  assert.deepEqual(await readdir(folder), []);
});
