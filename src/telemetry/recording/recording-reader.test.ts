import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { createFolder } from '#test/support/recorded-lines.ts';
import type { RecordedExchange } from './recorded-exchange.ts';
import { readRecording } from './recording-reader.ts';

function toLine(text: string): RecordedExchange {
  return {
    recording: 1,
    time: '2026-05-01T10:00:00.000Z',
    id: 'a',
    listener: 'web',
    protocol: 'HTTP/1.1',
    request: { method: 'GET', scheme: 'http', authority: 'a', target: '/', headers: [] },
    decision: { status: 200, policies: [] },
    calls: [],
    answer: { status: 200, headers: [['x-é', 'é']], body: { bytes: text.length, text } },
    durationMs: 1,
  };
}

test('lines longer than a piece of the file come whole, what is too long is told, and the rest goes on', async (t) => {
  const file = join(await createFolder(t), 'traffic.jsonl');
  const long = toLine('é'.repeat(200_000));
  const tooLong = 'x'.repeat(limits.recordingLineBytesMax + 1);
  writeFileSync(
    file,
    `${JSON.stringify(long)}\n\n${tooLong}\n${JSON.stringify({ ...toLine('b'), later: 'member' })}\n${JSON.stringify(toLine('c'))}`,
  );
  const read = [];
  for await (const line of readRecording(file)) read.push(line);
  assert.deepEqual(
    read.map(({ line, read: found }) => [line, typeof found === 'string' ? found : found.answer.body?.text?.length]),
    [
      [1, 200_000],
      [3, 'the line is too long'],
      [4, 1],
      // Whoever has written it has come to its end.
      [5, 1],
    ],
  );
  assert.deepEqual(read[0]?.read, long);
});

test('a file that is not there is an error', async () => {
  await assert.rejects(async () => {
    for await (const line of readRecording('/gone.jsonl')) assert.fail(String(line.line));
  }, /ENOENT/);
});
