/** Packs what would be published, installs it beside its dependencies, and uses it as a user would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const repositoryRoot = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));

const workFolder = mkdtempSync(join(tmpdir(), 'gatehouse-package-'));
const userFolder = join(workFolder, 'user');
const installed = join(userFolder, 'node_modules/gatehouse');

before(async () => {
  await unpack(await pack(), installed);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types']) linkPackage(name);
  writeFileSync(join(userFolder, 'package.json'), '{ "type": "module" }');
});

after(() => rmSync(workFolder, { recursive: true, force: true }));

/** Builds and packs in a folder of its own, so that the repository's dist/ stays as it is. */
async function pack(): Promise<string> {
  const staging = join(workFolder, 'staging');
  await run(process.execPath, [join(repositoryRoot, 'scripts/build.ts'), '--out', join(staging, 'dist')]);
  for (const name of ['package.json', 'LICENSE', 'bin'])
    cpSync(join(repositoryRoot, name), join(staging, name), { recursive: true });
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', workFolder], { cwd: staging });
  const [packed] = JSON.parse(stdout);
  return join(workFolder, packed.filename);
}

async function unpack(archive: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await run('tar', ['--extract', '--strip-components=1', `--file=${archive}`, `--directory=${folder}`]);
}

function linkPackage(name: string): void {
  const link = join(userFolder, 'node_modules', name);
  mkdirSync(join(link, '..'), { recursive: true });
  symlinkSync(join(repositoryRoot, 'node_modules', name), link);
}

test('contains JavaScript and declarations, and neither sources nor tests', () => {
  const paths = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  assert.ok(paths.includes('dist/src/cli/main.js'));
  assert.ok(paths.includes('dist/src/gatehouse.d.ts'));
  assert.ok(paths.includes('LICENSE'));
  assert.deepEqual(
    paths.filter((path) => /(?<!\.d)\.ts$|\.test\.|\.fuzz\.|testdata/.test(path)),
    [],
  );
});

test('answers --version from the executable', async () => {
  const { stdout } = await run(process.execPath, [join(installed, 'bin/gatehouse'), '--version'], { cwd: userFolder });
  assert.match(stdout, new RegExp(`\\b${manifest.version.replaceAll('.', '\\.')}\\b`));
});

test('exports what the library promises', async () => {
  const { stdout } = await run(
    process.execPath,
    ['--eval', "import('gatehouse').then((g) => console.log(Object.keys(g).length > 0))"],
    {
      cwd: userFolder,
    },
  );
  assert.equal(stdout.trim(), 'true');
});

test("compiles in a user's project that checks every declaration", async () => {
  writeFileSync(
    join(userFolder, 'consumer.ts'),
    "import * as gatehouse from 'gatehouse';\nexport const names: string[] = Object.keys(gatehouse);\n",
  );
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'esnext',
    '--types',
    'node',
    '--skipLibCheck',
    'false',
  ];
  await run(join(repositoryRoot, 'node_modules/.bin/tsc'), [...options, 'consumer.ts'], { cwd: userFolder }).catch((error) => {
    // The compiler says what is wrong on its standard output.
    assert.fail(error.stdout);
  });
});
