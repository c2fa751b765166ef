import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ProgramModules } from './program-modules.ts';

test('modules of CommonJS, which are kept as they are, are not among those that are run anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-modules-'));
  t.after(() => rm(folder, { recursive: true }));
  const [main, own, kept] = ['main.mjs', 'own.mjs', 'kept.cjs'].map((name) => join(folder, name)) as [string, string, string];
  await writeFile(main, "import kept from './kept.cjs';\nimport { own } from './own.mjs';\nexport default [kept, own];\n");
  const read = async (text: string) => {
    await writeFile(own, `export const own = '${text}';\n`);
    await writeFile(kept, `module.exports = '${text}';\n`);
    const modules = new ProgramModules();
    const loaded = (await modules.import(pathToFileURL(main).href)) as { default: unknown };
    return { said: loaded.default, files: modules.files };
  };
  assert.deepEqual(await read('one'), { said: ['one', 'one'], files: [own] });
  assert.deepEqual(await read('two'), { said: ['one', 'two'], files: [own] });
});
