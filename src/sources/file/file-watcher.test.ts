import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileWatcher } from './file-watcher.ts';

/** Longer than any test. */
const NEVER_MS = 3_600_000;

async function setUp(t: TestContext, names: readonly string[] = ['file']) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'));
  let changes = 0;
  const watcher = new FileWatcher(() => {
    changes += 1;
  });
  t.after(() => watcher.stop());
  t.after(() => rm(folder, { recursive: true }));
  const paths = names.map((name) => join(folder, name));
  for (const path of paths) {
    await writeFile(path, 'first');
    // Long ago: the clock of a file system is coarse, and what follows comes within one of its ticks.
    await utimes(path, 1, 1);
  }
  await watcher.watch(paths);
  return {
    folder,
    file: paths[0]!,
    paths,
    watcher,
    /** Looks as often as it takes to be sure, and says how many changes were told since it was asked last. */
    async changes() {
      await watcher.look();
      await watcher.look();
      const seen = changes;
      changes = 0;
      return seen;
    },
  };
}

test('says nothing of files that stay as they are', async (t) => {
  const { changes, file } = await setUp(t);
  assert.equal(await changes(), 0);
  await utimes(file, 2, 2);
  assert.equal(await changes(), 1);
  assert.equal(await changes(), 0);
});

test('notices a file that is rewritten in place, also with as many bytes', async (t) => {
  const { changes, file } = await setUp(t);
  await writeFile(file, 'other');
  assert.equal(await changes(), 1);
});

test('notices a file that is replaced by another of the same age and size', async (t) => {
  const { changes, file } = await setUp(t);
  await writeFile(`${file}~`, 'other');
  await utimes(`${file}~`, 1, 1);
  await rename(`${file}~`, file);
  assert.equal(await changes(), 1);
});

test('notices a link further up that leads elsewhere now', async (t) => {
  const { folder, watcher, changes } = await setUp(t);
  await mkdir(join(folder, 'one'));
  await mkdir(join(folder, 'two'));
  await writeFile(join(folder, 'one/file'), 'same');
  await writeFile(join(folder, 'two/file'), 'same');
  await symlink('one', join(folder, '..data'));
  await symlink('..data/file', join(folder, 'link'));
  await watcher.watch([join(folder, 'link')]);
  assert.equal(await changes(), 0);
  await symlink('two', join(folder, 'next'));
  await rename(join(folder, 'next'), join(folder, '..data'));
  assert.equal(await changes(), 1);
});

test('tells a change once the file has stopped changing', async (t) => {
  const { changes, watcher, file } = await setUp(t);
  await writeFile(file, 'a part');
  await watcher.look();
  await writeFile(file, 'a part and more');
  await watcher.look();
  await writeFile(file, 'a part and more, and the rest');
  await watcher.look();
  assert.equal(await changes(), 1);
});

test('waits for a file that vanishes, and tells when it is back', async (t) => {
  const { changes, file } = await setUp(t);
  await unlink(file);
  assert.equal(await changes(), 0);
  await writeFile(file, 'first');
  assert.equal(await changes(), 1);
});

test('waits for a file that was never there', async (t) => {
  const { changes, watcher, folder } = await setUp(t);
  await watcher.watch([join(folder, 'later')]);
  assert.equal(await changes(), 0);
  await writeFile(join(folder, 'later'), 'here');
  assert.equal(await changes(), 1);
});

test('tells one change of several files once', async (t) => {
  const { changes, paths } = await setUp(t, ['a', 'b', 'c']);
  for (const path of paths) await writeFile(path, 'other');
  assert.equal(await changes(), 1);
});

test('a change between reading the files and watching them anew is not lost', async (t) => {
  const { changes, watcher, file, folder } = await setUp(t);
  await watcher.mark();
  await writeFile(file, 'written while it was loaded');
  await writeFile(join(folder, 'more'), 'more');
  await watcher.watch([file, join(folder, 'more')]);
  assert.equal(await changes(), 1);
});

test('what was marked is no change', async (t) => {
  const { changes, watcher, file } = await setUp(t);
  await writeFile(file, 'other');
  await watcher.look();
  await watcher.mark();
  assert.equal(await changes(), 0);
});

test('says nothing any more when it is stopped', async (t) => {
  const { changes, watcher, file } = await setUp(t);
  await writeFile(file, 'other');
  watcher.stop();
  assert.equal(await changes(), 0);
});

for (const { what, change } of [
  { what: 'is written in place', change: (folder: string) => writeFile(join(folder, 'one/file'), 'other') },
  {
    what: 'is replaced',
    change: async (folder: string) => {
      await writeFile(join(folder, 'one/next'), 'other');
      await rename(join(folder, 'one/next'), join(folder, 'one/file'));
    },
  },
  {
    what: 'is reached over a link that leads elsewhere now',
    change: async (folder: string) => {
      await symlink('two', join(folder, 'next'));
      await rename(join(folder, 'next'), join(folder, 'link'));
    },
  },
  {
    what: 'is in a folder that is another one now',
    change: async (folder: string) => {
      await rename(join(folder, 'one'), join(folder, 'before'));
      await rename(join(folder, 'two'), join(folder, 'one'));
      await unlink(join(folder, 'one/file'));
      await writeFile(join(folder, 'one/file'), 'other');
      await unlink(join(folder, 'link'));
      await symlink('one', join(folder, 'link'));
    },
  },
]) {
  test(`an eager watcher notices without the clock a file that ${what}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'));
    t.after(() => rm(folder, { recursive: true }));
    for (const name of ['one', 'two']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'file'), name);
    }
    await symlink('one', join(folder, 'link'));
    const noticed = Promise.withResolvers<void>();
    const watcher = new FileWatcher(() => noticed.resolve(), { isEager: true, everyMs: NEVER_MS });
    t.after(() => watcher.stop());
    await watcher.watch([join(folder, 'link/file')]);
    await change(folder);
    await noticed.promise;
  });
}
