import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import { runOpenapi } from './openapi.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-openapi-'));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, 'shop.yaml'),
  `openapi: 3.1.0
info: { title: shop, version: "1" }
paths:
  /users/{id}:
    get: { responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } } } }
components: { schemas: { User: { type: object, properties: { name: { type: string }, friends: { type: array, items: { type: string } } } } } }
`,
);
writeFileSync(
  join(folder, 'gatehouse.yaml'),
  `version: 1
listeners: { web: { address: ":1" } }
services: { shop: { endpoints: [http://a:1], openapi: shop.yaml } }
routes:
  view:
    match: { path: "/view/:id", method: [GET, HEAD] }
    to:
      aggregate:
        partialField: missing
        calls:
          user: { service: shop, path: "/users/\${path.id}" }
          friends: { service: shop, path: "/users/\${item}", query: { q: "\${query.q}" }, each: "\${calls.user.body.friends}", optional: true }
        answer: { name: "\${calls.user.body.name}", friends: "\${calls.friends.body}", status: "\${calls.user.status}", hello: "hi \${header.x-me}" }
  plain: { match: { path: /plain }, to: shop }
`,
);

test('prints what aggregates take and answer, and where services describe it', async () => {
  const { status, stdout, stderr } = await runCommand(runOpenapi, [], folder);
  assert.deepEqual([status, stderr], [0, '']);
  const { openapi, paths } = JSON.parse(stdout);
  assert.equal(openapi, '3.1.0');
  assert.deepEqual(Object.keys(paths), ['/view/{id}']);
  assert.deepEqual(Object.keys(paths['/view/{id}']), ['get', 'head']);
  const { operationId, parameters, responses } = paths['/view/{id}'].get;
  assert.equal(operationId, 'view');
  assert.deepEqual(
    parameters.map((parameter: { in: string; name: string }) => `${parameter.in} ${parameter.name}`),
    ['path id', 'query q', 'header x-me'],
  );
  assert.deepEqual(responses[200].content['application/json'].schema.allOf, [
    {
      type: 'object',
      properties: {
        name: { $ref: 'shop.yaml#/components/schemas/User/properties/name' },
        friends: { type: 'array', items: { $ref: 'shop.yaml#/components/schemas/User' } },
        status: { type: 'integer' },
        hello: { type: 'string' },
      },
    },
    { type: 'object', properties: { missing: { type: 'array', items: { type: 'string' } } } },
  ]);
});

test('refuses a route that is no aggregate', async () => {
  const { status, stdout, stderr } = await runCommand(runOpenapi, ['view', 'plain'], folder);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /there is no route `plain` that is an aggregate/);
});
