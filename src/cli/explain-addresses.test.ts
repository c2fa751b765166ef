/** What `explain` and `check` say of lists of addresses. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { runCheck } from './check.ts';
import { runExplain } from './explain.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-explain-'));
after(() => rmSync(folder, { recursive: true }));

const toYaml = (file: string) => `version: 1
listeners:
  web: { address: ":8080" }
  inside: { address: ":8081", policies: { ip: { mode: report, allow: [10.0.0.0/8] } } }
policies:
  ip:
    deny: [203.0.113.0/24, { file: ${file} }]
routes:
  all: { match: { path: /* }, to: { respond: { text: in } } }
  admin:
    match: { path: /admin }
    to: { respond: { text: in } }
    policies: { ip: { allow: [10.0.0.0/8, 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5], deny: [10.0.0.9] } }
  open: { match: { path: /open }, to: { respond: { text: in } }, policies: { ip: false } }
`;
const list = join(folder, 'blocked.txt');
writeFileSync(list, '# Known bad\n198.51.100.0/25\n2001:db8::/32\n');
writeFileSync(join(folder, 'gatehouse.yaml'), toYaml('./blocked.txt'));
writeFileSync(join(folder, 'broken.txt'), '10.0.0.1\nx\n  y\n');
writeFileSync(join(folder, 'broken.yaml'), toYaml('broken.txt'));

/** The lines about the policy. */
async function explain(path: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await runCommand(runExplain, ['GET', path, ...args], folder);
  return stdout.split('\n').flatMap((line) => /^ {2}ip: (.*)$/.exec(line)?.[1] ?? []);
}

const settings = `deny 203.0.113.0/24, ${list}`;
const ofAdmin = 'deny 10.0.0.9; allow 10.0.0.0/8, 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 1 more and nobody else';

for (const [path, client, expected] of [
  ['/', '127.0.0.1', [settings, '127.0.0.1 may pass: it is not denied']],
  ['/', '203.0.113.7', [settings, '203.0.113.7 is refused with 403: `deny` holds it by 203.0.113.0/24']],
  ['/', '::ffff:203.0.113.7', [settings, '::ffff:203.0.113.7 is refused with 403: `deny` holds it by 203.0.113.0/24']],
  ['/', '198.51.100.1', [settings, `198.51.100.1 is refused with 403: \`deny\` holds it by 198.51.100.0/25 (${list}:2)`]],
  ['/', '2001:db8::1', [settings, `2001:db8::1 is refused with 403: \`deny\` holds it by 2001:db8::/32 (${list}:3)`]],
  ['/admin', '10.0.0.8', [ofAdmin, '10.0.0.8 may pass: `allow` holds it by 10.0.0.0/8']],
  ['/admin', '10.0.0.9', [ofAdmin, '10.0.0.9 is refused with 403: `deny` holds it by 10.0.0.9']],
  ['/admin', '11.0.0.0', [ofAdmin, '11.0.0.0 is refused with 403: `allow` does not hold it']],
  ['/open', '203.0.113.7', []],
] as const) {
  test(`says what happens to ${client} at ${path}`, async () =>
    assert.deepEqual(await explain(path, '--client', client), expected));
}

test('says who would be refused where nobody is', async () =>
  assert.deepEqual(await explain('/', '--client', '11.0.0.0', '--listener', 'inside'), [
    'allow 10.0.0.0/8 and nobody else (report only)',
    '11.0.0.0 would be refused and may pass: `allow` does not hold it',
  ]));

const problemOf = (text: string) =>
  `"${text}" is not an address or range; write \`10.0.0.0/8\`, \`2001:db8::/32\` or \`192.0.2.7\``;

test('explain refuses a configuration whose list cannot be used', async () => {
  const { status, stderr } = await runCommand(runExplain, ['GET', '/', '--config', 'broken.yaml'], folder);
  assert.equal(status, 2);
  const file = join(folder, 'broken.txt');
  assert.ok(stderr.includes(`${file}:2:1: ${problemOf('x')}\n${file}:3:3: ${problemOf('y')}\n`), stderr);
});

test('check finds the mistakes of a list, and takes one without', async () => {
  const file = join(folder, 'broken.txt');
  const place = 'broken.yaml:7:36 policies.ip.deny[1].file:';
  assert.deepEqual(await runCommand(runCheck, ['--config', 'broken.yaml'], folder), {
    status: 2,
    stdout: `${place} ${file}:2:1: ${problemOf('x')}\n${place} ${file}:3:3: ${problemOf('y')}\n`,
    stderr: 'broken.yaml has 2 mistakes\n',
  });
  const good = await runCommand(runCheck, [], folder);
  assert.deepEqual([good.status, good.stdout], [0, 'gatehouse.yaml is valid\n']);
});
