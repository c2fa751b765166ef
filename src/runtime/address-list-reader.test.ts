import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AddressRanges } from '#base/address-ranges.ts';
import { limits } from '#base/limits.ts';
import type { LogFields } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { AddressListReader } from './address-list-reader.ts';

async function setUp(t: TestContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-lists-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'list.txt');
  await writeFile(path, text);
  const logged: (LogFields | undefined)[] = [];
  const logger = { log: (_level: string, _message: string, fields?: LogFields) => void logged.push(fields) };
  const reader = new AddressListReader({ clock: new FakeClock(), logger });
  return { path, logged, reader, files: [{ path, at: ['here'] }] };
}

test('a file that says the same is the same image, whatever its times are', async (t) => {
  const { path, reader, files } = await setUp(t, '10.0.0.0/8\n');
  const first = (await reader.read(files)).lists[path]!;
  await utimes(path, 1, 1);
  assert.equal((await reader.read(files)).lists[path], first);
  await writeFile(path, '10.0.0.0/8\n192.0.2.1\n');
  const second = (await reader.read(files)).lists[path]!;
  assert.deepEqual([new AddressRanges(first).count, new AddressRanges(second).count], [1, 2]);
});

test('a file that has become wrong leaves the image before, until no place names it', async (t) => {
  const { path, logged, reader, files } = await setUp(t, '10.0.0.0/8\n');
  const { lists } = await reader.read(files);
  await writeFile(path, '10.0.0.0/8\nx\n');
  assert.deepEqual(await reader.read(files), { lists, findings: [] });
  const issue = '"x" is not an address or range; write `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`';
  assert.deepEqual(logged, [{ file: path, line: 2, column: 1, issue, mistakes: 1 }]);
  await reader.read([]);
  const message = `${path}:2:1: ${issue}`;
  assert.deepEqual(await reader.read(files), { lists: {}, findings: [{ path: ['here'], code: 'invalid-value', message }] });
});

test('a file that several places name is read once, and is wrong at each of them', async (t) => {
  const { path, reader } = await setUp(t, '<html>\n'.repeat(limits.addressListMistakesTold + 2));
  const { findings } = await reader.read(['one', 'two'].map((place) => ({ path, at: [place] })));
  assert.equal(findings.length, 2 * limits.addressListMistakesTold);
  assert.deepEqual([findings[0]?.path, findings.at(-1)?.path], [['one'], ['two']]);
  assert.match(findings.at(-1)!.message, /; 2 more lines are wrong$/);
  assert.doesNotMatch(findings.at(-2)!.message, /more lines/);
});

test('a file of the largest size is read, and not one byte more', async (t) => {
  const { path, reader, files } = await setUp(t, `${' '.repeat(limits.addressListBytesMax - 10)}10.0.0.1\n\n`);
  assert.equal(new AddressRanges((await reader.read(files)).lists[path]!).count, 1);
  await reader.read([]);
  await truncate(path, limits.addressListBytesMax + 1);
  const message = `the list of addresses ${path}: it has ${limits.addressListBytesMax + 1} bytes; at most ${limits.addressListBytesMax} are read`;
  assert.deepEqual((await reader.read(files)).findings, [{ path: ['here'], code: 'invalid-value', message }]);
});
