/** The executable in a checkout, and under versions of Node that are too old for it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

const repositoryRoot = join(import.meta.dirname, '../..');

/** Replaces what Node says about itself before the executable looks. */
const oldNode = "Object.defineProperty(process.versions, 'node', { value: '20.1.0' }); delete process.execve;";

const main = `
export async function main(args: string[]): Promise<number> {
  if (args[0] !== 'wait') {
    console.log(JSON.stringify({ args, version: process.versions.node }));
    return 3;
  }
  const keepAlive = setInterval(() => {}, 1000);
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGHUP', resolve);
    console.log('waiting');
  });
  clearInterval(keepAlive);
  console.log(signal);
  return 4;
}
`;

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gatehouse-executable-'));
  cpSync(join(repositoryRoot, 'bin'), join(root, 'bin'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(root, 'old-node.cjs'), oldNode);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function addFile(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A checkout whose pinned Node is the running one, entered without what makes it look old. */
function addCheckout(): void {
  addFile('src/cli/main.ts', main);
  addFile('node_modules/.package-lock.json', '{}');
  addFile('node_modules/node/bin/node', `#!/bin/sh\nshift 2\nexec '${process.execPath}' "$@"\n`);
  chmodSync(join(root, 'node_modules/node/bin/node'), 0o755);
}

interface Ending {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(nodeArgs: readonly string[], args: readonly string[]) {
  const ending = Promise.withResolvers<Ending>();
  const child = execFile(process.execPath, [...nodeArgs, join(root, 'bin/gatehouse'), ...args], (_, stdout, stderr) => {
    ending.resolve({ exitCode: child.exitCode, stdout, stderr });
  });
  return { child, ending: ending.promise };
}

const asOldNode = () => ['--require', join(root, 'old-node.cjs')];

test('runs the sources of a checkout under a new Node', async () => {
  addCheckout();
  const { exitCode, stdout } = await start([], ['explain', 'GET', '/']).ending;
  assert.equal(exitCode, 3);
  assert.deepEqual(JSON.parse(stdout), { args: ['explain', 'GET', '/'], version: process.versions.node });
});

test('hands over to the pinned Node under an old one, with arguments and exit status', async () => {
  addCheckout();
  const { exitCode, stdout, stderr } = await start(asOldNode(), ['check', 'a b']).ending;
  assert.equal(exitCode, 3, stderr);
  assert.deepEqual(JSON.parse(stdout).args, ['check', 'a b']);
});

for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  test(`passes ${signal} on to the Node it handed over to`, async () => {
    addCheckout();
    const { child, ending } = start(asOldNode(), ['wait']);
    child.stdout?.once('data', () => child.kill(signal));
    const { exitCode, stdout } = await ending;
    assert.equal(exitCode, 4);
    assert.equal(stdout, `waiting\n${signal}\n`);
  });
}

test('asks for `npm install` in a checkout without dependencies', async () => {
  addFile('src/cli/main.ts', main);
  const { exitCode, stderr } = await start([], ['check']).ending;
  assert.equal(exitCode, 1);
  assert.match(stderr, /^gatehouse: .*npm install/);
});

test('runs the built program of a package', async () => {
  addFile('dist/src/cli/main.js', 'export async function main(args) { console.log(args.join()); return 0; }');
  const { exitCode, stdout } = await start([], ['check', '--json']).ending;
  assert.equal(exitCode, 0);
  assert.equal(stdout, 'check,--json\n');
});

test('finds its package when it is started by a link', async () => {
  addFile('dist/src/cli/main.js', 'export async function main(args) { console.log(args.join()); return 0; }');
  const bin = join(root, 'bin/gatehouse');
  cpSync(bin, `${bin}-real`);
  rmSync(bin);
  symlinkSync(`${bin}-real`, bin);
  assert.ok(existsSync(bin));
  assert.equal((await start([], ['check']).ending).stdout, 'check\n');
});

test('names both versions when a package runs under a Node that is too old', async () => {
  addFile('dist/src/cli/main.js', 'syntax of tomorrow');
  const { exitCode, stderr } = await start(asOldNode(), ['check']).ending;
  assert.equal(exitCode, 1);
  assert.match(stderr, /^gatehouse: needs Node\.js 24 or newer; this is v\d+\.\d+\.\d+/);
});
