/** Documents on their way to the threads, and what becomes of them when their files change. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';
import { ask as askAdmin } from '#test/support/ask.ts';
import { writeFolder } from '#test/support/contracts.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { bodyOf, statusOf } from '#test/support/site.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const SHOP = `openapi: 3.0.0
info: { title: Shop }
paths:
  /items/{id}: { get: { parameters: [{ name: id, in: path, required: true, schema: { $ref: "types.yaml#/Id" } }], responses: {} } }
`;

function writeShop(t: TestContext): string {
  return writeFolder(t, { 'shop.yaml': SHOP, 'types.yaml': 'Id: { type: integer }\n' });
}

const toInput = (folder: string) => ({
  routes: {
    shop: {
      match: { path: '/*' },
      to: { respond: { text: 'served' } },
      policies: { validate: { openapi: join(folder, 'shop.yaml') } },
    },
  },
});

async function ask(port: number, target: string): Promise<string> {
  const client = await RawClient.open(port);
  client.send(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  const answer = await client.untilEnd();
  client.close();
  return answer;
}

for (const threads of [0, 2]) {
  test(`with threads: ${threads}, every thread knows the document, and a new one after a reload`, async (t) => {
    const folder = writeShop(t);
    const gateway = await startTestGateway(toInput(folder), { threads });
    t.after(() => gateway.stop());
    for (let i = 0; i < 4; i++) {
      assert.equal(statusOf(await ask(gateway.port(), '/items/x')), 400);
      assert.equal(bodyOf(await ask(gateway.port(), '/items/7')), 'served');
    }
    writeFileSync(join(folder, 'types.yaml'), 'Id: { type: string, pattern: "^[a-z]+$" }\n');
    assert.deepEqual(await gateway.reconfigure(toInput(folder)), []);
    for (let i = 0; i < 4; i++) {
      assert.equal(statusOf(await ask(gateway.port(), '/items/7')), 400);
      assert.equal(bodyOf(await ask(gateway.port(), '/items/x')), 'served');
    }
  });
}

test('a document with a mistake is refused, and the one before stays', async (t) => {
  const folder = writeShop(t);
  const gateway = await startTestGateway(toInput(folder));
  t.after(() => gateway.stop());
  writeFileSync(join(folder, 'types.yaml'), 'Id: { type: integer, pattern: "(" }\n');
  const refusal = await gateway.reconfigure(toInput(folder));
  assert.equal(refusal.length, 1);
  assert.match(refusal[0]!, /types\.yaml:1:\d+: #\/Id\/pattern: `\(` is not a regular expression/);
  assert.equal(statusOf(await ask(gateway.port(), '/items/x')), 400);
});

test('a file that the document refers to is watched', async (t) => {
  const folder = writeShop(t);
  const text = `version: 1
listeners: { web: { address: "127.0.0.1:0" } }
accessLog: false
routes: { shop: { match: { path: "/*" }, to: { respond: { text: served } }, policies: { validate: { openapi: ./shop.yaml } } } }
`;
  const messages: string[] = [];
  const control = new Control({
    clock: systemClock,
    logger: { log: (_, message) => void messages.push(message) },
    load: () => loadConfigurationText(text, join(folder, 'gatehouse.yaml'), { policies: policyOrder, env: {} }),
    threads: 0,
    watches: true,
  });
  const started = await control.start();
  t.after(() => control.stop());
  assert.ok('listening' in started);
  const address = started.listening[0]!.address;
  assert.ok('port' in address);
  assert.equal(statusOf(await ask(address.port, '/items/x')), 400);
  writeFileSync(join(folder, 'types.yaml'), 'Id: { type: string, maxLength: 10 }\n');
  await eventually(() => messages.includes('configuration applied'), 'the change is taken over');
  assert.equal(statusOf(await ask(address.port, '/items/x')), 200);
});

test('the admin API answers as its own document says, with a gateway in front that compares both', async (t) => {
  const behind = await startTestGateway({
    admin: { address: '127.0.0.1:0' },
    services: { orders: { endpoints: ['http://127.0.0.1:3000'] } },
    routes: { all: { match: { path: '/*' }, to: 'orders' } },
  });
  t.after(() => behind.stop());
  const started = await behind.control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const { body: document } = await askAdmin(started.admin.port, '/api/openapi.json');
  const openapi = join(writeFolder(t, { 'admin.json': document }), 'admin.json');
  const front = await startTestGateway({
    services: { admin: { endpoints: [`http://127.0.0.1:${started.admin.port}`], host: 'endpoint' } },
    routes: {
      admin: {
        match: { path: '/*' },
        to: 'admin',
        policies: {
          validate: { openapi, answers: { mode: 'refuse', undeclared: 'refuse' }, undeclared: { properties: 'refuse' } },
        },
      },
    },
  });
  t.after(() => front.stop());
  const answers = ['/api/services', '/api/services/orders', '/api/services/none', '/api/nothing'];
  const statuses = await Promise.all(answers.map(async (path) => statusOf(await ask(front.port(), path))));
  assert.deepEqual(statuses, [200, 200, 404, 404]);
});
