import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock.ts';
import { closeFile, FileFolder, isBelow } from './file-folder.ts';
import { FileMemory } from './file-memory.ts';
import { isOpened } from './opening.ts';

const makeMeans = () => ({ clock: new FakeClock(), memory: new FileMemory() });

async function makeFolder(t: TestContext): Promise<string> {
  const around = await mkdtemp(join(tmpdir(), 'gatehouse-folder-'));
  t.after(() => rm(around, { recursive: true, force: true }));
  const folder = join(around, 'site');
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(folder, 'sub/a'), 'a');
  await writeFile(join(around, 'secret'), 's');
  await symlink('../secret', join(folder, 'out'));
  await symlink('sub/a', join(folder, 'inner'));
  await symlink('..', join(folder, 'above'));
  return folder;
}

for (const pathsOfOpenFiles of ['proc', 'compared'] as const) {
  test(`what is in the folder is opened, and what is not is closed again (${pathsOfOpenFiles})`, async (t) => {
    const folder = new FileFolder(await makeFolder(t), { followsLinks: false, keptMs: 0, pathsOfOpenFiles }, makeMeans());
    const outcomes: Record<string, unknown> = {};
    for (const path of ['sub/a', 'inner', 'out', 'above/secret', 'above', 'sub', 'none', 'sub/a/b']) {
      const opening = await folder.open(path);
      outcomes[path] = isOpened(opening) ? opening.sizeBytes : opening.reason;
      if (isOpened(opening)) closeFile(opening);
    }
    assert.deepEqual(outcomes, {
      'sub/a': 1,
      inner: 1,
      out: 'outside',
      'above/secret': 'outside',
      above: 'outside',
      sub: 'directory',
      none: 'missing',
      'sub/a/b': 'missing',
    });
  });
}

for (const [found, asked, isInside] of [
  ['/srv/site/a', 'a', true],
  ['/srv/site/sub/a', 'link', true],
  ['/srv/site/a (deleted)', 'a', true],
  ['/srv/site', '', true],
  ['/srv/site-2/a', 'a', false],
  ['/srv/sitea', 'a', false],
  ['/srv/a', 'a', false],
  ['/', 'a', false],
  // The system has taken one spelling for another.
  ['/srv/site/Admin/a', 'admin/a', false],
  ['/srv/site/admin/a', 'ADMIN/a', false],
] as const) {
  test(`${found} is ${isInside ? '' : 'not '}what is asked for as ${JSON.stringify(asked)} in /srv/site`, () => {
    assert.equal(isBelow(found, '/srv/site', asked), isInside);
  });
}

test('everything is below the root', () => {
  assert.equal(isBelow('/a', '/', 'a'), true);
});
