import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { ConfigurationHistory } from './configuration-history.ts';

const toEntry = (hash: string, text = hash) => ({
  hash,
  version: 1,
  appliedMs: 1,
  origin: { source: 'file', by: 'file' } as const,
  text,
  isMade: false,
});

async function fill(keep: number, ...entries: readonly ReturnType<typeof toEntry>[]): Promise<ConfigurationHistory> {
  const history = new ConfigurationHistory();
  await history.follow(keep, undefined);
  for (const entry of entries) await history.add(entry);
  return history;
}

const hashes = (history: ConfigurationHistory) => history.entries.map(({ hash }) => hash);

test('the oldest go, by count and by size, and the present one stays however large it is', async () => {
  assert.deepEqual(hashes(await fill(2, toEntry('a'), toEntry('b'), toEntry('c'))), ['b', 'c']);
  const large = 'x'.repeat(limits.historyBytesMax / 2);
  assert.deepEqual(hashes(await fill(9, toEntry('a', large), toEntry('b', large))), ['a', 'b']);
  assert.deepEqual(hashes(await fill(9, toEntry('a', large), toEntry('b', `${large}x`))), ['b']);
  assert.deepEqual(hashes(await fill(9, toEntry('a'), toEntry('b', `${large}${large}x`))), ['b']);
});

test('one that runs again is the latest, with the text of now', async () => {
  const history = await fill(9, toEntry('a', 'one'), toEntry('b'), toEntry('a', 'two'));
  assert.deepEqual(
    history.entries.map(({ hash, text }) => [hash, text]),
    [
      ['b', 'b'],
      ['a', 'two'],
    ],
  );
});

test('is found by the beginning of its hash where only one has it', async () => {
  const history = await fill(9, toEntry('abc'), toEntry('abd'));
  assert.equal(history.find('abc')?.hash, 'abc');
  assert.equal(history.find('ab'), undefined);
  assert.equal(history.find('x'), undefined);
  assert.equal(history.findBefore('abd')?.hash, 'abc');
  assert.equal(history.findBefore('abc'), undefined);
});

test('counts the lines that came and went, however they have moved', async () => {
  const history = await fill(9, toEntry('a', 'one\ntwo\nthree'), toEntry('b', 'three\none\nfour\nfour'));
  assert.deepEqual(
    history.entries.map(({ lines }) => lines),
    [
      { added: 3, removed: 0 },
      { added: 2, removed: 1 },
    ],
  );
});

test('one that is applied again without a change still tells what it has changed', async () => {
  const history = await fill(9, toEntry('a', 'one\ntwo'), toEntry('b', 'one\nthree'), toEntry('b', 'one\nthree'));
  assert.deepEqual(history.entries.at(-1)?.lines, { added: 1, removed: 1 });
});
