/** Tests of routes as a user runs them: with `gatehouse test`, and with Node's own runner. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeFolder } from '#test/support/gatehouse-process.ts';

const root = join(import.meta.dirname, '../..');
const executable = join(root, 'bin/gatehouse');
const library = pathToFileURL(join(root, 'src/gatehouse-test.ts')).href;

const configuration = `version: 1
listeners: { web: { address: ":8080" } }
services: { orders: { endpoints: [http://orders] } }
routes:
  orders: { match: { path: /orders/* }, to: orders }
  hello: { match: { path: /hello }, to: { respond: { text: hello } } }
`;
const opening = `import { test } from 'node:test';
import { openRoutes } from '${library}';
const gateway = await openRoutes(new URL('gatehouse.yaml', import.meta.url));
`;
const passing = `${opening}test('orders', () => gateway.expectRoute('GET', '/orders/5').toReach('orders'));\n`;
const failing = `${opening}test('hello', () => gateway.expectRoute('POST', '/helo').toMatchRoute('hello'));\n`;

async function writeProject(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeFolder(t);
  for (const [name, content] of Object.entries({
    'gatehouse.yaml': configuration,
    'package.json': '{"type":"module"}',
    ...files,
  })) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

async function run(folder: string, args: readonly string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  // Inside of a test, Node's runner would report to the one around it.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, stdout, stderr };
}

test('gatehouse test finds the tests beside the configuration, and tells what they cover', async (t) => {
  const folder = await writeProject(t, {
    'gatehouse.test.ts': passing,
    'sub/other.routes.test.ts': passing.replaceAll("'gatehouse.yaml'", "'../gatehouse.yaml'"),
  });
  const { status, stdout, stderr } = await run(folder, [executable, 'test', '--coverage-min', '60']);
  assert.match(stdout, /^ℹ pass 2$/m);
  assert.match(stdout, /^Coverage of .*gatehouse\.yaml: 50 % \(1 of 2\)$/m);
  assert.match(stdout, /^Not covered:\n {2}gatehouse\.yaml:6:3 route hello$/m);
  assert.match(stdout, /^Asked without a stub, and answered with an empty 200: orders$/m);
  assert.match(stderr, /50 % of .* is covered; --coverage-min asks for 60 %/);
  assert.equal(status, 1);
});

test('gatehouse test --json is for programs, and says what failed and where', async (t) => {
  const folder = await writeProject(t, { 'a.routes.test.ts': passing, 'b.routes.test.ts': failing });
  const { status, stdout } = await run(folder, [executable, 'test', '--json']);
  const { passed, failed, tests, coverage } = JSON.parse(stdout);
  assert.deepEqual([status, passed, failed, coverage.length, coverage[0].percent], [1, 1, 1, 1, 50]);
  const [failure] = tests.filter((each: { passed: boolean }) => !each.passed);
  assert.deepEqual([failure.name, failure.line], ['hello', 4]);
  assert.match(
    failure.error,
    /expected POST \/helo to match the route `hello`[\s\S]*b\.routes\.test\.ts:4:\d+[\s\S]*near miss: `hello` \(gatehouse\.yaml:6:3\)/,
  );
});

test('the same files are tests for node --test, which fails with the line of the test', async (t) => {
  const folder = await writeProject(t, { 'gatehouse.test.ts': `${passing}${failing.split('\n').at(-2)}\n` });
  const { status, stdout } = await run(folder, ['--test', '--test-reporter=spec', 'gatehouse.test.ts']);
  assert.equal(status, 1);
  assert.match(stdout, /✔ orders/);
  assert.match(stdout, /but no route takes it/);
});

test('gatehouse test refuses to run nothing', async (t) => {
  const folder = await writeProject(t, {});
  const { status, stderr } = await run(folder, [executable, 'test']);
  assert.deepEqual([status, /there is no \{gatehouse,\*\.routes\}\.test/.test(stderr)], [2, true]);
  const full = await writeProject(t, { 'gatehouse.test.ts': passing });
  for (const [pattern, said] of [
    ['nothing', /no test has run/],
    ['(', /--test-name-pattern \(: Invalid regular expression/],
  ] as const) {
    const refused = await run(full, [executable, 'test', '--json', '--test-name-pattern', pattern]);
    assert.deepEqual([refused.status, refused.stdout], [2, ''], refused.stderr);
    assert.match(refused.stderr, said);
  }
});

test('gatehouse test counts what is still to be done as little as node --test does', async (t) => {
  const folder = await writeProject(t, {
    'gatehouse.test.ts': `${passing}test('later', { todo: true }, () => assert.fail());\n`,
  });
  const { status, stdout } = await run(folder, [executable, 'test', '--json']);
  const { passed, failed } = JSON.parse(stdout);
  assert.deepEqual([status, passed, failed], [0, 1, 0]);
});
