/** The example of aggregates in TypeScript: its types are up to date, it is what YAML would say, and answers as it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runTypes } from '#cli/service-types.ts';
import { loadConfiguration, loadConfigurationText } from '#config/load.ts';
import { findReferenceMistakes } from '#openapi/aggregate-references.ts';
import { policyOrder } from '#policies/registry.ts';
import { type ServiceScript, startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import example from '../../examples/one-request/typed/gatehouse.config.ts';

const folder = join(import.meta.dirname, '../../examples/one-request/typed');

const written = `version: 1
listeners: { web: { address: ":8080" } }
services:
  users: { endpoints: ["http://127.0.0.1:3000"], openapi: ./users.yaml }
  orders: { endpoints: ["http://127.0.0.1:3000"], openapi: ./orders.yaml }
routes:
  page:
    match: { path: "/api/users/:id/page" }
    to:
      aggregate:
        partialField: missing
        calls:
          user: { service: users, path: "/users/\${path.id}", pass: [404] }
          orders: { service: orders, path: /orders, query: { customer: "\${calls.user.body.id}", limit: "5" } }
          news: { service: orders, path: /news, query: { region: "\${calls.user.body.region}" }, optional: true, timeout: 300ms }
          parts:
            service: orders
            path: "/parts/\${item.sku}"
            each: { list: "\${calls.orders.body.items}", beyond: cut }
            optional: true
        headers: { etag: "\${calls.user.header.etag}" }
        answer:
          user: { $pick: { from: "\${calls.user.body}", names: [id, name] } }
          greeting: Hello \${calls.user.body.name}
          orders:
            $each:
              in: "\${calls.orders.body.items}"
              do: { part: "\${item.sku}", count: "\${item.count}", note: { $default: ["\${item.note}", ""] } }
          parts: "\${calls.parts.body}"
          news: "\${calls.news.body}"
`;

test('the types of examples/one-request/typed are up to date', async () => {
  const args = 'users=users.yaml orders=orders.yaml --out gatehouse-services.ts --library #gatehouse --check'.split(' ');
  const { status, stderr } = await runCommand(runTypes, args, folder);
  assert.deepEqual([status, stderr], [0, '']);
});

test('examples/one-request/typed says what is written in YAML', async () => {
  const options = { policies: policyOrder, env: {} };
  const ofProgram = await loadConfiguration(join(folder, 'gatehouse.config.ts'), options);
  const ofText = await loadConfigurationText(written, join(folder, 'gatehouse.yaml'), options);
  assert.deepEqual([ofProgram.issues, ofText.issues], [[], []]);
  assert.deepEqual(ofProgram.configuration, ofText.configuration);
  assert.deepEqual(await findReferenceMistakes(ofProgram.configuration!), []);
});

const script: ServiceScript = ({ target, response }) => {
  if (target === '/users/7')
    return void response.setHeader('etag', '"7"').end('{"id":12345678901234567890,"name":"Ada","region":"eu"}');
  if (target === '/orders?customer=12345678901234567890&limit=5')
    return '{"items":[{"sku":"a","count":1.0},{"sku":"b","count":2,"note":"soon"}]}';
  if (target === '/parts/a') return '{"name":"wheel"}';
  if (target === '/news?region=eu') return '["fresh"]';
  return { status: 404, body: '{"title":"not found"}' };
};

test('examples/one-request/typed answers as it says', async (t) => {
  const service = await startAnsweringService(t, script);
  const endpoints = [service.url];
  const services = { users: { endpoints }, orders: { endpoints } };
  const gateway = await startTestGateway({ services, ...(example.routes && { routes: example.routes }) });
  t.after(() => gateway.stop());
  const page = await ask(gateway.port(), '/api/users/7/page');
  assert.equal(
    page.body,
    '{"user":{"id":12345678901234567890,"name":"Ada"},"greeting":"Hello Ada","orders":[{"part":"a","count":1.0,"note":""},{"part":"b","count":2,"note":"soon"}],"parts":[{"name":"wheel"},null],"news":["fresh"],"missing":["parts"]}',
  );
  assert.deepEqual([page.headers['gatehouse-partial'], page.headers.etag], ['parts', '"7"']);
  const none = await ask(gateway.port(), '/api/users/0/page');
  assert.deepEqual([none.status, none.body], [404, '{"title":"not found"}']);
});

test('examples/one-request/typed is listed there', () => {
  const list = readFileSync(join(folder, '../README.md'), 'utf8');
  assert.ok(list.includes('[typed](typed/gatehouse.config.ts)'));
});
