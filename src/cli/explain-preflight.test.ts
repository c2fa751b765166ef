/** What `explain` says of requests that pages send. */
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
listeners: { web: { address: ":8080" } }
consumers: { alice: { password: "a password of hers", keys: [alice-key-0123456789abcdef] }, guest: {} }
policies: { any-of: { methods: [{ api-key: {} }, { basic-auth: {} }], anonymous: guest } }
routes:
  write:
    match: { path: /orders, method: PUT }
    to: { respond: { text: written } }
    policies: { cors: { origins: ["https://app.example.com"] } }
  preflights: { match: { path: /orders, method: OPTIONS }, to: { respond: { text: by hand } } }
`,
);

async function explain(...headers: string[]): Promise<string> {
  const args = headers.flatMap((header) => ['--header', header]);
  return (await runCommand(runExplain, ['OPTIONS', '/orders', ...args], folder)).stdout;
}

test('a preflight is explained by the route of the request that it asks for', async () => {
  const allowed = await explain('origin: https://app.example.com', 'access-control-request-method: PUT');
  assert.match(allowed, /^Route write /m);
  assert.match(allowed, /cors: pages of https:\/\/app\.example\.com may ask\n/);
  assert.match(
    await explain('origin: https://evil.test', 'access-control-request-method: PUT'),
    /cors: pages of https:\/\/evil\.test may not read the answer; their preflights are refused with 403\n/,
  );
  assert.match(await explain('origin: https://app.example.com'), /^Route preflights /m);
});

test('tells what any of several methods looks for, and no secret', async () => {
  const text = await explain('origin: https://app.example.com');
  assert.match(
    text,
    /any-of: api-key \(key in x-api-key\), or basic-auth \(name and password for "gatehouse"\); otherwise guest\n/,
  );
  assert.doesNotMatch(text, /password of hers|alice-key/);
});
