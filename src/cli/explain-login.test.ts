/** What `explain` says of a login. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { runExplain } from './explain.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-explain-'));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, 'gatehouse.yaml'),
  `version: 1
listeners:
  web:
    address: ":8080"
    policies:
      oidc: { issuer: "https://login.example.com", clientId: shop, clientSecret: hidden-away, secret: 0123456789abcdef0123456789abcdef }
  inside: { address: ":8081" }
policies: { hsts: {} }
routes:
  shop: { match: { path: /shop/* }, to: { respond: { text: in } } }
`,
);

test('says where people log in, and no secret', async () => {
  const { stdout } = await runCommand(runExplain, ['GET', '/shop/a', '--listener', 'web'], folder);
  assert.match(
    stdout,
    /^ {2}oidc: login at https:\/\/login\.example\.com, session in a cookie; without one pages lead to the login/m,
  );
  assert.ok(!/0123456789|hidden/.test(stdout));
});

test('says that a path without a route is that of a policy, at the listener that has it', async () => {
  const { stdout, status } = await runCommand(runExplain, ['GET', '/oauth2/callback', '--listener', 'web'], folder);
  assert.match(
    stdout,
    /^No route takes this request\. Its path belongs to a policy, which answers it\.\n {2}policies hsts → oidc$/m,
  );
  assert.equal(status, 0);
  for (const [path, listener] of [
    ['/oauth2/callback', 'inside'],
    ['/oauth2/other', 'web'],
  ] as const) {
    const other = await runCommand(runExplain, ['GET', path, '--listener', listener], folder);
    assert.match(other.stdout, /the answer is 404/);
    assert.equal(other.status, 1);
  }
});
