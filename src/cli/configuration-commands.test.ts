/** `check`, `init` and `schema`, run as a user would, in a folder of their own. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCheck } from './check.ts';
import type { CommandIo } from './command-io.ts';
import { runInit } from './init.ts';
import { runSchema } from './schema.ts';

type Command = (args: string[], io: CommandIo) => Promise<number>;

const folders: string[] = [];
after(() => folders.map((folder) => rmSync(folder, { recursive: true })));

function makeFolder(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function run(command: Command, args: string[], cwd: string): Promise<{ status: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const io: CommandIo = {
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    env: { PORT: '8080' },
    cwd,
    isTerminal: false,
  };
  const status = await command(args, io);
  return { status, stdout, stderr };
}

const VALID = 'version: 1\nlisteners: { web: { address: ":${env:PORT}" } }\n';
const WRONG = 'version: 1\nlisteners:\n  web: { address: 8080 }\nrotes: {}\n';

test('check says that a configuration is valid', async () => {
  const folder = makeFolder({ 'gatehouse.yml': VALID });
  assert.deepEqual(await run(runCheck, [], folder), { status: 0, stdout: 'gatehouse.yml is valid\n', stderr: '' });
});

test('check shows every issue with its place, and exits with 2', async () => {
  const folder = makeFolder({ 'a.yaml': WRONG });
  assert.deepEqual(await run(runCheck, ['--config', 'a.yaml'], folder), {
    status: 2,
    stdout:
      'a.yaml:3:19 listeners.web.address: expected an address such as `0.0.0.0:8080`, not the number 8080\n' +
      'a.yaml:4:1 rotes: unknown key `rotes`; did you mean `routes`?\n',
    stderr: 'a.yaml has 2 mistakes\n',
  });
});

test('check shows warnings and takes the configuration all the same', async () => {
  const doubtful = `${VALID}services: { a: { endpoints: [http://a], timeouts: { attempt: 2s, request: 1s } } }\n`;
  const folder = makeFolder({ 'gatehouse.yaml': doubtful });
  const message = '`2s` cannot pass, because `services.a.timeouts.request` is shorter: `1s`';
  assert.deepEqual(await run(runCheck, [], folder), {
    status: 0,
    stdout: `gatehouse.yaml:3:62 warning: services.a.timeouts.attempt: ${message}\ngatehouse.yaml is valid\n`,
    stderr: '',
  });
  const json = await run(runCheck, ['--json'], folder);
  assert.equal(json.status, 0);
  const { valid, issues } = JSON.parse(json.stdout);
  assert.equal(valid, true);
  assert.deepEqual(
    issues.map((issue: { severity: string; message: string }) => [issue.severity, issue.message]),
    [['warning', message]],
  );
});

test('check speaks JSON to programs', async () => {
  const folder = makeFolder({ 'a.yaml': WRONG, 'gatehouse.yaml': VALID });
  const refused = await run(runCheck, ['--json', '-c', 'a.yaml'], folder);
  assert.equal(refused.status, 2);
  const { file, valid, issues } = JSON.parse(refused.stdout);
  assert.deepEqual({ file, valid }, { file: 'a.yaml', valid: false });
  assert.deepEqual(issues[1], {
    path: ['rotes'],
    code: 'unknown-key',
    severity: 'error',
    message: 'unknown key `rotes`; did you mean `routes`?',
    file: 'a.yaml',
    line: 4,
    column: 1,
  });
  const accepted = await run(runCheck, ['--json'], folder);
  assert.deepEqual(JSON.parse(accepted.stdout), { file: 'gatehouse.yaml', valid: true, issues: [] });
});

test('check says what it looked for in an empty folder', async () => {
  const folder = makeFolder();
  const { status, stderr } = await run(runCheck, [], folder);
  assert.equal(status, 2);
  assert.equal(
    stderr,
    `gatehouse check: there is no gatehouse.config.ts, gatehouse.yaml, gatehouse.yml, gatehouse.json in ${folder}\n` +
      'Name a file with --config FILE, or write one with `gatehouse init`.\n',
  );
});

test('check names a file that is missing', async () => {
  assert.deepEqual(await run(runCheck, ['--config', 'nowhere.yaml'], makeFolder()), {
    status: 2,
    stdout: 'nowhere.yaml the file cannot be read: there is no such file\n',
    stderr: 'nowhere.yaml has one mistake\n',
  });
});

const wrongArguments: readonly (readonly [Command, string[], string])[] = [
  [runCheck, ['--jsn'], 'gatehouse check: unknown option --jsn; did you mean --json?\n'],
  [runCheck, ['-x'], 'gatehouse check: unknown option -x\n'],
  [runCheck, ['--config'], "gatehouse check: option '-c, --config <value>' argument missing\n"],
  [runCheck, ['a.yaml'], "gatehouse check: unexpected argument 'a.yaml'; a configuration is named with --config\n"],
  [runCheck, ['--config', 'a.yaml', '4'], "gatehouse check: unexpected argument '4'\n"],
  [runInit, ['--force'], 'gatehouse init: unknown option --force\n'],
  [runSchema, ['yaml'], "gatehouse schema: unexpected argument 'yaml'\n"],
];

for (const [command, args, message] of wrongArguments) {
  test(`${command.name} refuses ${args.join(' ')}`, async () => {
    const { status, stdout, stderr } = await run(command, args, makeFolder());
    assert.deepEqual({ status, stdout, first: stderr.split('\n')[0] }, { status: 2, stdout: '', first: message.trimEnd() });
  });
}

for (const command of [runCheck, runInit, runSchema]) {
  test(`${command.name} helps`, async () => {
    const folder = makeFolder();
    const { status, stdout } = await run(command, ['--help'], folder);
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: gatehouse \w+/);
    assert.ok(!existsSync(join(folder, 'gatehouse.yaml')));
  });
}

test('init writes a configuration that check accepts', async () => {
  const folder = makeFolder();
  const { status, stdout } = await run(runInit, [], folder);
  assert.deepEqual(
    { status, stdout },
    {
      status: 0,
      stdout: 'wrote gatehouse.yaml; check it with `gatehouse check`, run it with `gatehouse start`\n',
    },
  );
  assert.deepEqual(await run(runCheck, [], folder), { status: 0, stdout: 'gatehouse.yaml is valid\n', stderr: '' });
});

test('init overwrites nothing', async () => {
  const folder = makeFolder({ 'gatehouse.yaml': VALID });
  assert.deepEqual(await run(runInit, [], folder), {
    status: 2,
    stdout: '',
    stderr: 'gatehouse init: gatehouse.yaml is here already; nothing was written\n',
  });
  assert.equal(readFileSync(join(folder, 'gatehouse.yaml'), 'utf8'), VALID);
});

test('init adds no second configuration beside another kind of file', async () => {
  const folder = makeFolder({ 'gatehouse.json': '{}' });
  assert.equal((await run(runInit, [], folder)).status, 2);
  assert.ok(!existsSync(join(folder, 'gatehouse.yaml')));
});

test('schema prints JSON that knows the policies', async () => {
  const { status, stdout } = await run(runSchema, [], makeFolder());
  assert.equal(status, 0);
  const schema = JSON.parse(stdout);
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.ok('rewrite' in schema.properties.policies.properties && 'headers' in schema.properties.policies.properties);
});
