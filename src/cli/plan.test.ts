import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { runPlan } from './plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-plan-'));
after(() => rmSync(folder, { recursive: true }));

const old = `version: 1
listeners: { web: { address: ":8080" } }
routes:
  hello: { match: { path: /hello }, to: { respond: { text: hello } } }
  bye: { match: { path: /bye }, to: { respond: { text: bye } } }
`;
const files = {
  'old.yaml': old,
  'lost.yaml': old.replace(/ {2}bye: .*\n/, ''),
  'risky.yaml': old.replace('text: bye', 'text: goodbye'),
  'bad.yaml': old.replace('listeners', 'listener'),
  'access.log': `${JSON.stringify({ method: 'GET', host: 'a.example', target: '/bye', listener: 'web' })}\n`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

const plan = (...args: string[]) => runCommand(runPlan, args, folder);

test('its exit status says whether a change is at least as bad as --fail-on', async () => {
  const statuses = [
    ['old.yaml', 'old.yaml'],
    ['old.yaml', 'risky.yaml'],
    ['old.yaml', 'risky.yaml', '--fail-on', 'risky'],
    ['old.yaml', 'lost.yaml'],
    ['old.yaml', 'lost.yaml', '--fail-on', 'none'],
    ['old.yaml', 'bad.yaml'],
  ].map(async (args) => (await plan(...args)).status);
  assert.deepEqual(await Promise.all(statuses), [0, 0, 1, 1, 0, 2]);
});

test('prints text, Markdown or JSON', async () => {
  assert.match((await plan('old.yaml', 'lost.yaml')).stdout, /^BREAKING lost\.yaml:3:1\n {2}the route `bye` is gone/m);
  assert.match((await plan('old.yaml', 'lost.yaml', '--markdown')).stdout, /^- \*\*the route `bye` is gone/m);
  const { changes, counts, failOn, old: from } = JSON.parse((await plan('old.yaml', 'lost.yaml', '--json')).stdout);
  assert.deepEqual([changes.length, counts.breaking, failOn, from], [1, 1, 'breaking', 'old.yaml']);
});

test('tries the requests of a log', async () => {
  const { stdout, status } = await plan('old.yaml', 'lost.yaml', '--log', 'access.log');
  assert.match(
    stdout,
    /1 of 1 requests of the log would now get 404 GH_GATEWAY_NO_ROUTE, instead of 200 of the gateway on the route bye/,
  );
  assert.equal(status, 1);
});

test('says what is wrong with its command line and with configurations', async () => {
  const messages = await Promise.all([
    plan('old.yaml'),
    plan('old.yaml', 'old.yaml', '--fail-on', 'anything'),
    plan('old.yaml', 'old.yaml', '--log', 'missing.log'),
    plan('old.yaml', 'bad.yaml'),
    plan('old.yaml', 'missing.yaml'),
  ]);
  const wanted = [
    /expected two configurations/,
    /--fail-on anything: expected breaking/,
    /no file missing\.log/,
    /^bad\.yaml:2:1 .*listener/m,
    /missing\.yaml.*there is no such file/,
  ];
  for (const [i, { status, stderr }] of messages.entries()) {
    assert.equal(status, 2);
    assert.match(stderr, wanted[i]!);
  }
});
