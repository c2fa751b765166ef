/** Files with addresses that change under a running gateway, in all of its threads. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';

const THREADS = 2;
/** So many that each thread has some: which one gets a connection is as good as tossing a coin. */
const CONNECTIONS = 16;
const ME = '127.0.0.1';

const toYaml = (text = 'in') => `version: 1
threads: ${THREADS}
accessLog: false
listeners:
  web: { address: 127.0.0.1:0 }
policies:
  ip:
    deny:
      - 192.0.2.1
      - { file: ./lists/blocked.txt }
routes:
  all: { match: { path: /* }, to: { respond: { text: ${text} } } }
`;

interface Served {
  readonly gatehouse: GatehouseProcess;
  /** The file with addresses. */
  readonly file: string;
}

async function serve(t: TestContext, list: string): Promise<Served> {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'lists'));
  const file = join(folder, 'lists', 'blocked.txt');
  await writeFile(file, list);
  return { gatehouse: await GatehouseProcess.start(t, toYaml(), { folder }), file };
}

/** What the threads answer, each value once. */
async function askAll({ gatehouse }: Served): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(gatehouse.port(), '/')));
  return [...new Set(answers.map(({ status }) => status))];
}

async function assertStatus(served: Served, status: number): Promise<void> {
  assert.deepEqual(await askAll(served), [status]);
}

/** After a change of a file. What was seen of it first may have been half of it. */
async function untilStatus(served: Served, status: number): Promise<void> {
  do await served.gatehouse.nextEvent('configuration applied');
  while ((await askAll(served)).some((other) => other !== status));
}

test('a list that is rewritten in place takes effect by itself, and so does one that is put there by rename', async (t) => {
  const served = await serve(t, '# none\n');
  const { file } = served;
  await assertStatus(served, 200);
  await writeFile(file, `10.0.0.0/8\n${ME}\n`);
  await untilStatus(served, 403);
  await writeFile(`${file}.new`, '10.0.0.0/8\n');
  await rename(`${file}.new`, file);
  await untilStatus(served, 200);
});

test('a list behind a symbolic link takes effect when the link leads elsewhere, as in a mounted ConfigMap', async (t) => {
  const served = await serve(t, '# none\n');
  const { file } = served;
  const folder = join(file, '../..');
  for (const [name, text] of Object.entries({ one: '# none\n', two: `${ME}\n` })) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'blocked.txt'), text);
  }
  await symlink('../one', join(folder, 'lists', 'now'));
  await rm(file);
  await symlink('now/blocked.txt', file);
  await untilStatus(served, 200);
  await symlink('../two', join(folder, 'lists', 'next'));
  await rename(join(folder, 'lists', 'next'), join(folder, 'lists', 'now'));
  await untilStatus(served, 403);
});

const broken: readonly (readonly [
  what: string,
  spoil: (file: string) => Promise<unknown>,
  line: number | undefined,
  issue: RegExp,
])[] = [
  [
    'with a line that is no address',
    (file) => writeFile(file, '# x\n10.0.0.1\n  10.0.0.300\n'),
    3,
    /^"10\.0\.0\.300" is not an addr/,
  ],
  ['with bits behind a prefix', (file) => writeFile(file, '10.0.0.1/8\n'), 1, /write `10\.0\.0\.0\/8` for the range/],
  ['that is a page of a web server', (file) => writeFile(file, '<html>\n<p>502</p>\n'), 1, /^"<html>" is not an address/],
  ['that is empty', (file) => truncate(file), 1, /^the file is empty; write a comment/],
  ['whose place a folder has taken', (file) => rm(file).then(() => mkdir(file)), undefined, /cannot be read: it is a folder$/],
];

for (const [what, spoil, line, issue] of broken) {
  test(`a list ${what} leaves the one before in force, and holds up no other change`, async (t) => {
    const served = await serve(t, `${ME}\n`);
    const { file, gatehouse } = served;
    await assertStatus(served, 403);
    // What is emptied and not yet written would be refused for another reason.
    await gatehouse.whileHalted(() => spoil(file));
    const event = await gatehouse.nextEvent('address list refused; the one before stays');
    assert.deepEqual([event.level, event['file'], event['line']], ['error', file, line]);
    assert.match(String(event['issue']), issue);
    await untilStatus(served, 403);

    await gatehouse.reconfigure(toYaml('other').replace('192.0.2.1', '192.0.2.2'));
    await assertStatus(served, 403);

    await rm(file, { recursive: true });
    await writeFile(file, '# none\n');
    await untilStatus(served, 200);
    assert.equal((await ask(gatehouse.port(), '/')).body, 'other');
  });
}

test('a list that is gone leaves the one before in force, until it is there again', async (t) => {
  const served = await serve(t, `${ME}\n`);
  await rm(served.file);
  served.gatehouse.signal('SIGHUP');
  const event = await served.gatehouse.nextEvent('address list refused; the one before stays');
  assert.equal(event['issue'], 'it cannot be read: there is no such file');
  await untilStatus(served, 403);
  await writeFile(served.file, '# none\n');
  await untilStatus(served, 200);
});

test('a gateway does not start with a list that cannot be used, and says where it is wrong', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'lists'));
  const file = join(folder, 'lists', 'blocked.txt');
  for (const [text, message] of [
    [undefined, `the list of addresses ${file}: it cannot be read: there is no such file`],
    [
      '10.0.0.1\n10.0.0.0/40\n',
      `${file}:2:1: "10.0.0.0/40" has no valid prefix length; after an IPv4 address write \`/0\` to \`/32\``,
    ],
  ] as const) {
    if (text !== undefined) await writeFile(file, text);
    const gatehouse = await GatehouseProcess.launch(t, toYaml(), { folder });
    const { exitCode } = await gatehouse.ended;
    assert.notEqual(exitCode, 0);
    assert.ok(gatehouse.stderr.includes(`gatehouse.yaml:10:17 policies.ip.deny[1].file: ${message}`), gatehouse.stderr);
  }
});

test('a configuration with a new list that cannot be used is refused, and nothing has changed', async (t) => {
  const served = await serve(t, `${ME}\n`);
  const { gatehouse } = served;
  await writeFile(gatehouse.file, toYaml().replace('blocked.txt', 'other.txt'));
  const event = await gatehouse.nextEvent('configuration refused');
  assert.match(String(event['issue']), /other\.txt: it cannot be read: there is no such file$/);
  await assertStatus(served, 403);
});

test('a list of 300,000 entries is served by all threads', async (t) => {
  const lines = Array.from({ length: 150_000 }, (_, i) => [
    `11.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`,
    `2001:db8:${(i >>> 8).toString(16)}:${(i & 255).toString(16)}::/64`,
  ]).flat();
  const served = await serve(t, `${lines.join('\n')}\n`);
  await assertStatus(served, 200);
  await writeFile(served.file, `${lines.join('\n')}\n${ME}\n`);
  await untilStatus(served, 403);
});
