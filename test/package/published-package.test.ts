/** Packs what would be published, installs it beside its dependencies, and uses it as a user would. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const repositoryRoot = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'));

const workFolder = mkdtempSync(join(tmpdir(), 'gatehouse-package-'));
const userFolder = join(workFolder, 'user');
const installed = join(userFolder, 'node_modules/gatehouse');

const serving = {
  version: 1,
  listeners: { web: { address: '127.0.0.1:0' } },
  accessLog: false,
  routes: { hello: { match: { path: '/hello' }, to: { respond: { text: 'hello' } } } },
};

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
  const licences = readFileSync(join(installed, 'dist/LICENSES-OF-BUNDLED-PACKAGES'), 'utf8');
  assert.match(licences, /^@hono\/zod-openapi \d.*Yusuke Wada.*^yaml \d.*Eemeli Aro.*^zod \d.*Colin McDonnell/ms);
  assert.deepEqual(
    paths.filter((path) => /(?<!\.d)\.ts$|\.test\.|\.fuzz\.|testdata/.test(path)),
    [],
  );
});

test('answers --version from the executable', async () => {
  const { stdout } = await run(process.execPath, [join(installed, 'bin/gatehouse'), '--version'], { cwd: userFolder });
  assert.match(stdout, new RegExp(`\\b${manifest.version.replaceAll('.', '\\.')}\\b`));
});

for (const threads of [0, 1]) {
  test(`serves from the executable with ${threads} data threads`, async (t) => {
    const file = join(userFolder, `serves-${threads}.json`);
    writeFileSync(file, JSON.stringify({ ...serving, threads, admin: { address: '127.0.0.1:0' } }));
    const child = spawn(process.execPath, [join(installed, 'bin/gatehouse'), 'start', '--config', file]);
    t.after(() => child.kill('SIGKILL'));
    const urls = new Map<string, string>();
    for await (const line of createInterface(child.stdout)) {
      const [, name, url] = /^listening (\S+) (\S+)$/.exec(line) ?? assert.fail(line);
      urls.set(name!, url!);
      if (urls.size === 2) break;
    }
    assert.equal(await (await fetch(`${urls.get('web')}/hello`)).text(), 'hello');
    for (const path of ['/', '/readyz', '/api/services', '/api/openapi.json'])
      assert.equal((await fetch(`${urls.get('admin')}${path}`)).status, 200, path);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  });

  test(`serves from the library with ${threads} data threads`, async () => {
    const program = `import { createGateway } from 'gatehouse';
      const gateway = createGateway({ threads: ${threads}, configuration: ${JSON.stringify(serving)} });
      const { web } = await gateway.start();
      console.log(await (await fetch(web + '/hello')).text());
      await gateway.stop();`;
    const file = join(userFolder, `serves-${threads}.js`);
    writeFileSync(file, program);
    const { stdout } = await run(process.execPath, [file]);
    assert.equal(stdout, 'hello\n');
  });
}

test('leads back to the sources from stack traces', () => {
  const maps = readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.js.map'),
  );
  const sources = maps.flatMap((path): string[] =>
    JSON.parse(readFileSync(join(installed, 'dist', path), 'utf8')).sources.map((source: string) =>
      join('dist', path, '..', source),
    ),
  );
  assert.ok(sources.includes('src/runtime/data-plane.ts'));
  assert.deepEqual(
    sources.filter(
      (source) => !/^(?:src|node_modules)\//.test(source) && source !== 'package.json' && !source.includes('rolldown'),
    ),
    [],
  );
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

test('runs tests of routes in a project that has it installed', async () => {
  writeFileSync(join(userFolder, 'gatehouse.json'), JSON.stringify(serving));
  writeFileSync(
    join(userFolder, 'gatehouse.test.js'),
    `import { test } from 'node:test';
import { openRoutes } from 'gatehouse/test';
const gateway = await openRoutes(new URL('gatehouse.json', import.meta.url));
test('hello', () => gateway.expectRoute('GET', '/hello').toAnswer({ status: 200, text: 'hello' }));
`,
  );
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, [join(installed, 'bin/gatehouse'), 'test', '--coverage-min', '100'], {
    cwd: userFolder,
    env,
  });
  assert.match(stdout, /^Coverage of .*gatehouse\.json: 100 %/m);
});

test("compiles in a user's project that checks every declaration", async () => {
  writeFileSync(
    join(userFolder, 'consumer.ts'),
    `import * as gatehouse from 'gatehouse';
export const names: string[] = Object.keys(gatehouse);
import { openRoutes } from 'gatehouse/test';
export const gateway = await openRoutes('gatehouse.yaml');
await gateway.as('alice').expectRoute('GET', '/').toReach('shop').toSend({ path: /^x/ });
// @ts-expect-error: there is no such answer
gateway.stub('shop', { fails: 'sometimes' });
const shop = gatehouse.defineService<{ get: gatehouse.Operation<{ id: number }, { 200: { name: string } }> }>('shop', {
  get: { method: 'GET', path: '/things/{id}', parameters: { id: ['path', 'id'] } },
});
const first = gatehouse.aggregate().call('thing', shop.get({ id: 1 }));
export const to = first.answer(({ thing }) => thing.body.name);
// @ts-expect-error: there is no such member
first.answer(({ thing }) => thing.body.naem);
`,
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
