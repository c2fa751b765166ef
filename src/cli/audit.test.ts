import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { run } from '#test/support/programs.ts';
import { runAudit } from './audit.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-audit-'));
after(() => rmSync(folder, { recursive: true }));

const weak = `version: 1
listeners: { web: { address: ":8080", maxConnectionsPerClient: 9 } }
services: { shop: { endpoints: [https://10.0.0.1], tls: { verify: dangerously-off } } }
policies: { rate-limit: { limit: 9/second } }
routes:
  shop: { match: { path: /shop/*, method: GET }, to: shop }
  stock: { match: { path: /stock/*, method: GET }, to: shop }
`;
const accepting = (accept: string) => `${weak}audit:\n  accept: { ${accept} }\n`;
const files = {
  'weak.yaml': weak,
  'sound.yaml': 'version: 1\nlisteners: { web: { address: "127.0.0.1:8080" } }\n',
  'accepted.yaml': accepting(
    'unverified-service: in one rack, plain-http: inside, open-route: { reason: public, at: [routes.shop, routes.stock] }',
  ),
  'half.yaml': accepting('open-route: { reason: public, at: [routes.sho, routes.stock] }'),
  'misspelt.yaml': accepting('open-routes: public'),
  'bad.yaml': weak.replace('listeners', 'listener'),
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

const audit = (...args: string[]) => runCommand(runAudit, args, folder);
const idsOf = (stdout: string) => JSON.parse(stdout).findings.map(({ id }: { id: string }) => id);

test('says each kind of finding once, the worst first, with its places and what mends it', async () => {
  const { stdout, status } = await audit('--config', 'weak.yaml');
  assert.equal(status, 1);
  const lines = stdout.split('\n');
  assert.equal(lines[0], 'weak.yaml: 1 high, 1 medium, 2 low');
  assert.deepEqual(
    lines.filter((line) => /^[A-Z]/.test(line)).map((line) => line.split(':')[0]),
    ['HIGH unverified-service', 'MEDIUM plain-http', 'LOW open-route'],
  );
  assert.match(
    stdout,
    /^ {2}weak\.yaml:6:3 `shop` answers anybody\n {2}weak\.yaml:7:3 `stock` answers anybody\n {2}to mend it: /m,
  );
  assert.match(stdout, /^ {2}weak\.yaml:3:\d+ certificates of `shop` are not verified$/m);
});

test('its exit status says whether something is found at or above --at-least', async () => {
  const statuses = [
    ['--config', 'weak.yaml', '--at-least', 'high'],
    ['--config', 'weak.yaml', '--at-least', 'high', '--ignore', 'unverified-service'],
    ['--config', 'sound.yaml'],
    ['--config', 'accepted.yaml'],
    ['--config', 'bad.yaml'],
    [],
  ].map(async (args) => (await audit(...args)).status);
  assert.deepEqual(await Promise.all(statuses), [1, 0, 0, 0, 2, 2]);
});

test('is a command of the program', async () => {
  const program = join(import.meta.dirname, '../../bin/gatehouse');
  const { status, stdout } = await run(process.execPath, [program, 'audit', '--config', join(folder, 'weak.yaml')]);
  assert.equal(status, 1);
  assert.match(stdout.toString(), /^HIGH unverified-service: /m);
});

test('prints JSON with everything that the text says', async () => {
  const { findings, ...rest } = JSON.parse((await audit('--config', 'weak.yaml', '--at-least', 'medium', '--json')).stdout);
  assert.deepEqual(rest, { file: 'weak.yaml', atLeast: 'medium', accepted: [], counts: { high: 1, medium: 1, low: 2 } });
  assert.equal(findings.length, 2);
  assert.deepEqual(Object.keys(findings[0]).sort(), ['because', 'id', 'mend', 'path', 'place', 'severity', 'what']);
  assert.deepEqual([findings[0].path, findings[0].severity], ['services.shop.tls.verify', 'high']);
});

test('leaves out what is accepted, with its reason, where it is accepted', async () => {
  const { stdout } = await audit('--config', 'accepted.yaml');
  assert.equal(stdout, 'accepted.yaml: nothing weak is found; 4 accepted\n');
  const { accepted } = JSON.parse((await audit('--config', 'accepted.yaml', '--json')).stdout);
  assert.deepEqual(
    accepted.map(({ id, reason }: { id: string; reason: string }) => `${id}: ${reason}`),
    ['plain-http: inside', 'open-route: public', 'open-route: public', 'unverified-service: in one rack'],
  );
});

test('finds acceptances that nothing needs', async () => {
  const half = await audit('--config', 'half.yaml', '--json');
  assert.deepEqual(idsOf(half.stdout), ['unverified-service', 'plain-http', 'open-route', 'useless-acceptance']);
  const { stdout } = await audit('--config', 'misspelt.yaml', '--ignore', 'open-route');
  assert.match(stdout, /^ {2}misspelt\.yaml:9:13 `open-routes` is accepted, and not found$/m);
});

test('says what is wrong with its command line and with the configuration', async () => {
  const messages = await Promise.all([
    audit('--config', 'weak.yaml', '--at-least', 'severe'),
    audit('--config', 'weak.yaml', '--ignore', 'open-routes'),
    audit('--config', 'bad.yaml'),
    audit('--config', 'missing.yaml'),
    audit('--jsn'),
    audit('weak.yaml'),
    audit(),
  ]);
  const wanted = [
    /--at-least severe: expected high, medium, low/,
    /--ignore open-routes: there is no such finding; did you mean open-route\?/,
    /^bad\.yaml:2:1 .*listener/m,
    /missing\.yaml.*there is no such file/,
    /unknown option --jsn; did you mean --json\?/,
    /unexpected argument 'weak\.yaml'/,
    /there is no gatehouse/,
  ];
  for (const [i, { status, stderr }] of messages.entries()) {
    assert.equal(status, 2);
    assert.match(stderr, wanted[i]!);
  }
});
