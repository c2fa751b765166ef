import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { Secret } from '#base/secret.ts';
import { readDebugToken } from '#runtime/debug-token.ts';
import { runCommand } from '#test/support/command.ts';
import { runDebugToken } from './debug-token.ts';

const key = '0123456789abcdef0123456789abcdef';
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-debug-'));
after(() => rmSync(folder, { recursive: true }));

const rest =
  'version: 1\nlisteners: { web: { address: ":1" } }\nroutes: { hello: { match: { path: / }, to: { respond: { status: 204 } } } }\n';
writeFileSync(join(folder, 'gatehouse.yaml'), `${rest}debug: { key: ${key} }\n`);
writeFileSync(join(folder, 'without.yaml'), rest);
writeFileSync(join(folder, 'short.yaml'), `${rest}debug: { key: short }\n`);

test('the token that it prints grants what was asked for, for as long', async () => {
  const { status, stdout } = await runCommand(
    runDebugToken,
    ['--valid', '5m', '--route', 'hello', '--path', '/a', '--summary'],
    folder,
  );
  assert.equal(status, 0);
  const nowMs = systemClock.wallMs();
  const grant = readDebugToken(stdout.trim(), new Secret(key), nowMs);
  assert.deepEqual({ ...grant, expiresMs: 0 }, { expiresMs: 0, route: 'hello', path: '/a', sees: 'summary' });
  assert.ok(Math.abs(grant!.expiresMs - nowMs - 300_000) < 60_000);
  assert.equal(readDebugToken(stdout.trim(), new Secret(key), grant!.expiresMs), undefined);
  assert.equal(readDebugToken(stdout.trim(), new Secret(`${key}0`), nowMs), undefined);
});

test('without options, it is for all requests and the whole document', async () => {
  const { stdout } = await runCommand(runDebugToken, [], folder);
  const { expiresMs: _, ...grant } = readDebugToken(stdout.trim(), new Secret(key), systemClock.wallMs())!;
  assert.deepEqual(grant, { route: undefined, path: undefined, sees: 'document' });
});

const refused: readonly (readonly [args: string[], said: RegExp])[] = [
  [['--valid', '2d'], /--valid 2d: expected a duration such as 10m, of at most 1d/],
  [['--valid', '0s'], /--valid 0s/],
  [['--valid', '10'], /--valid 10:/],
  [['--route', 'helo'], /there is no such route; did you mean hello\?/],
  [['--path', 'a'], /--path a: expected a path/],
  [['-c', 'without.yaml'], /without\.yaml has no `debug: \{ key: … \}`/],
  [['-c', 'short.yaml'], /short\.yaml:4:\d+ .*too short; at least 32 characters/],
  [['-c', 'none.yaml'], /none\.yaml/],
];

for (const [args, said] of refused) {
  test(`${args.join(' ')} is refused`, async () => {
    const { status, stdout, stderr } = await runCommand(runDebugToken, args, folder);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, said);
  });
}
