import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { writeFolder } from '#test/support/contracts.ts';
import { runCheck } from './check.ts';
import { runExplain } from './explain.ts';
import { runImport } from './import.ts';

const SHOP = `
openapi: 3.1.0
info: { title: "The Shop: \${env:HOME}", version: "1" }
servers: [{ url: "https://api.example.com/v1" }, { url: "https://other.example.com/v1" }]
security: [{ token: [] }, { key: [] }]
paths:
  /: { get: { responses: {} } }
  /items:
    get: { operationId: listItems, summary: "Items,\\n  all of them", responses: {} }
    post: { operationId: "create item!", security: [], callbacks: { done: {} }, responses: {} }
  /items/{item-id}/parts/{item_id}: { delete: { operationId: listItems, deprecated: true, responses: {} } }
  /reports/{from}..{to}.csv: { get: { responses: {} } }
  /reports/{name}.csv: { get: { responses: {} } }
  /slash/: { get: { security: [{ oauth: [read, write] }], responses: {} } }
  /a/{x}/c/{y}: { get: { parameters: [{ name: x, in: path, required: true, schema: { type: string, pattern: "^(?!x)" } }], responses: {} } }
  /a/b/{x}/d: { get: { responses: {} } }
webhooks: {}
components:
  securitySchemes:
    token: { type: http, scheme: bearer, bearerFormat: JWT }
    key: { type: apiKey, in: header, name: X-Key }
    oauth: { type: oauth2, flows: {} }
    id: { type: openIdConnect, openIdConnectUrl: "https://login.example.com/.well-known/openid-configuration" }
`;

test('a configuration is written that check accepts without a warning', async (t) => {
  const folder = writeFolder(t, { 'shop.yaml': SHOP });
  const run = await runCommand(runImport, ['openapi', 'shop.yaml', '--out', 'gatehouse.yaml'], folder);
  assert.deepEqual(
    [run.status, run.stdout],
    [0, 'wrote gatehouse.yaml; check it with `gatehouse check --config gatehouse.yaml`\n'],
  );
  const text = readFileSync(join(folder, 'gatehouse.yaml'), 'utf8');
  const routes = text.slice(text.indexOf('routes:\n')).split('\n');
  assert.deepEqual(
    routes.filter((line) => !line.trimStart().startsWith('#')),
    [
      'routes:',
      '  get: { match: { path: { regex: /v1/ }, method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  listItems: { match: { path: /v1/items, method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  create-item: { match: { path: /v1/items, method: POST }, to: The-Shop-env-HOME }',
      '  listItems-2: { match: { path: "/v1/items/:item_id/parts/:item_id_2", method: DELETE }, to: The-Shop-env-HOME }',
      '  get-reports-from-..-to-.csv: { match: { path: { regex: "/v1/reports/[^/]+\\\\.\\\\.[^/]+\\\\.csv" }, method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  get-reports-name-.csv: { match: { path: { regex: "/v1/reports/[^/]+\\\\.csv" }, method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  get-slash: { match: { path: { regex: /v1/slash/ }, method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  get-a-x-c-y: { match: { path: "/v1/a/:x/c/:y", method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '  get-a-b-x-d: { match: { path: "/v1/a/b/:x/d", method: [GET, HEAD] }, to: The-Shop-env-HOME }',
      '',
    ],
  );
  assert.match(text, /validate: \{ openapi: \{ file: \.\/shop\.yaml, patterns: skip \} \}/);
  assert.match(text, /# The security scheme key: api-key: \{ header: X-Key \}\n/);
  assert.match(text, /# The security scheme id: jwt: \{ issuer: "https:\/\/login\.example\.com", audience: AUDIENCE \}\n/);
  assert.match(text, / {2}# Items, all of them\n {2}# Asks for token, or key\.\n {2}listItems:/);
  assert.match(text, / {2}# Asks for oauth \(read write\)\.\n {2}get-slash:/);
  assert.deepEqual(
    run.stderr.split('\n').map((line) => line.slice(0, 50)),
    [
      'warning: the document has several servers; request',
      'warning: `webhooks` are requests of the service it',
      'warning: create item!: `callbacks` are requests of',
      'warning: some patterns cannot be matched in linear',
      'warning: security schemes are comments: who issues',
      '',
    ],
  );
  const check = await runCommand(runCheck, ['--config', 'gatehouse.yaml'], folder);
  assert.deepEqual(check, { status: 0, stdout: 'gatehouse.yaml is valid\n', stderr: '' });
  const explain = await runCommand(runExplain, ['GET', '/v1/a/z/c/1', '--config', 'gatehouse.yaml'], folder);
  assert.match(explain.stdout, /operation GET \/a\/\{x\}\/c\/\{y\} at \/v1\/a\/\{x\}\/c\/\{y\}: path `x` \(required\)/);
});

test('nothing is written over, unless that is asked for', async (t) => {
  const folder = writeFolder(t, { 'shop.yaml': SHOP, 'gatehouse.yaml': 'mine' });
  const args = ['openapi', 'shop.yaml', '--out', 'gatehouse.yaml', '--url', 'http://shop:3000', '--service', 'shop'];
  const refused = await runCommand(runImport, args, folder);
  assert.equal(refused.status, 2);
  assert.equal(readFileSync(join(folder, 'gatehouse.yaml'), 'utf8'), 'mine');
  assert.equal((await runCommand(runImport, [...args, '--force'], folder)).status, 0);
  assert.match(readFileSync(join(folder, 'gatehouse.yaml'), 'utf8'), /\n {2}shop: \{ endpoints: \["http:\/\/shop:3000"\] \}\n/);
});

test('without a place to write to, the configuration is shown', async (t) => {
  const folder = writeFolder(t, {
    'shop.json': JSON.stringify({ openapi: '3.0.0', info: { title: '' }, paths: { '/a': { get: {} } } }),
  });
  const run = await runCommand(runImport, ['openapi', 'shop.json'], folder);
  assert.equal(run.status, 0);
  assert.match(run.stdout, /api: \{ endpoints: \["http:\/\/127\.0\.0\.1:3000"\] \}/);
  assert.match(run.stderr, /the document names no server/);
});

test('a document that cannot be used, and wrong arguments, are refused', async (t) => {
  const folder = writeFolder(t, { 'shop.yaml': 'openapi: 3.1.0\npaths: { /a: { get: { parameters: [{ in: query }] } } }\n' });
  const run = await runCommand(runImport, ['openapi', 'shop.yaml'], folder);
  assert.equal(run.status, 2);
  assert.match(run.stdout, /shop\.yaml:2:\d+: #\/paths\/~1a\/get\/parameters\/0: a parameter has a `name`/);
  assert.match((await runCommand(runImport, ['openapi', 'none.yaml'], folder)).stdout, /there is no such file/);
  for (const args of [[], ['openapi'], ['raml', 'shop.yaml'], ['openapi', 'shop.yaml', '--url', 'shop']])
    assert.equal((await runCommand(runImport, args, folder)).status, 2);
});
