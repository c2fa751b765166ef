import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { findReferenceMistakes } from './aggregate-references.ts';

const document = `openapi: 3.1.0
info: { title: shop, version: "1" }
servers: [{ url: "https://shop.example/v1" }]
paths:
  /users/{id}:
    get:
      responses:
        "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } }
        "404": { description: none, content: { application/json: { schema: { properties: { error: {} } } } } }
  /users/me:
    get: { responses: { default: { $ref: "#/components/responses/Me" } } }
  /orders:
    get: { responses: { 2XX: { description: ok, content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Order" } } } } } } }
    post: { responses: { "201": { description: ok } } }
components:
  responses:
    Me: { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true, properties: { a: {} } } } } }
  schemas:
    Named: { type: object, properties: { name: { type: string } } }
    User:
      allOf:
        - { $ref: "#/components/schemas/Named" }
        - { type: object, properties: { id: { type: integer }, friend: { $ref: "#/components/schemas/User" }, more: { type: object }, any: true } }
    Order: { type: object, properties: { sku: { type: string }, parts: { type: array, items: { oneOf: [{ properties: { x: {} } }, { properties: { y: {} } }] } } } }
`;

async function check(t: TestContext, aggregate: string, text = document): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-openapi-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'shop.yaml'), text);
  const source = `version: 1
listeners: { web: { address: ":1" } }
services: { shop: { endpoints: [http://a:1], openapi: shop.yaml }, other: { endpoints: [http://b:1] } }
routes: { view: { match: { path: "/view/:id" }, to: { aggregate: { ${aggregate} } } } }
`;
  const { configuration, issues } = await loadConfigurationText(source, join(folder, 'gatehouse.yaml'), {
    policies: policyOrder,
    env: {},
  });
  assert.deepEqual(issues, []);
  const findings = await findReferenceMistakes(configuration!);
  return findings.map(({ path, message }) => `${path.slice(4).join('.')}: ${message}`);
}

const user = 'user: { service: shop, path: "/v1/users/${path.id}" }';
const orders = 'orders: { service: shop, path: /v1/orders }';

test('what documents describe may be referred to, and what they do not rule out', async (t) => {
  const references = [
    'user.body',
    'user.body.name',
    'user.body.id',
    'user.body.friend.friend.name',
    'user.body.more.whatever',
    'user.body.any.thing',
    'me.body.else',
    'orders.body[0].sku',
    'orders.body[3].parts[0].y',
    'other.body.x',
    'made.body.x',
    'each.body[0].name',
  ].map((each) => `"\${calls.${each}}"`);
  const more = `me: { service: shop, path: /v1/users/me }, other: { service: other, path: /x }, made: { service: shop, method: POST, path: /v1/orders },
    each: { service: shop, path: "/v1/users/\${item.sku}", each: "\${calls.orders.body}" }`;
  assert.deepEqual(await check(t, `calls: { ${user}, ${orders}, ${more} }, answer: [${references.join(', ')}]`), []);
});

test('what they do not describe is a mistake at its place', async (t) => {
  const found = await check(
    t,
    `calls: { ${user}, ${orders}, each: { service: shop, path: "/v1/users/\${calls.user.body.naem}", each: "\${calls.orders.body}" } },
     headers: { x-a: "\${calls.user.body.id.x}" },
     answer: { a: "\${calls.user.body.friend.nmae}", b: ["\${calls.orders.body.sku}", "\${calls.orders.body[0].parts[0].long}"], c: "\${calls.each.body.name}" }`,
  );
  assert.deepEqual(found, [
    'calls.each.path: `${calls.user.body.naem}`: the document of the service describes no "naem" there; did you mean `name`?',
    'headers.x-a: `${calls.user.body.id.x}`: the document of the service describes no "x" there',
    'answer.a: `${calls.user.body.friend.nmae}`: the document of the service describes no "nmae" there; did you mean `name`?',
    'answer.b.0: `${calls.orders.body.sku}`: the document of the service describes no "sku" there',
    'answer.b.1: `${calls.orders.body[0].parts[0].long}`: the document of the service describes no "long" there; there are x, y',
    'answer.c: `${calls.each.body.name}`: the document of the service describes no "name" there',
  ]);
});

test('an operation that there is not is a mistake, and so is a document that is none', async (t) => {
  assert.deepEqual(await check(t, 'calls: { a: { service: shop, path: "/users/${path.id}" } }, answer: 1'), [
    'calls.a.path: the document of the service `shop` has no operation GET /users/${path.id}',
  ]);
  assert.match((await check(t, `calls: { ${user} }, answer: 1`, 'a: 1')).join(), /expected a document of OpenAPI/);
  assert.match((await check(t, `calls: { ${user} }, answer: 1`, 'a: [')).join(), /shop\.yaml/);
});
