/** The example of aggregates does what it says, in front of a service that plays all four. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runExplain } from '#cli/explain.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type ServiceScript, startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const script: ServiceScript = ({ target, body, response }) => {
  if (target === '/users/7')
    return void response.setHeader('etag', '"7"').end('{"id":7,"name":"Ada","region":"eu","discount":0.10}');
  if (target === '/orders?user=7&limit=2') return '{"items":[{"sku":"a"},{"sku":"b"}]}';
  if (target === '/parts/a') return '{"name":"wheel"}';
  if (target === '/news?region=eu') return '["fresh"]';
  if (target === '/quotes') return { status: 201, body: `{"for":${body}}` };
  return { status: 404, body: '{"error":"not found"}' };
};

test('examples/one-request/aggregate.yaml answers as its comments say', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '../../examples/one-request/aggregate.yaml'), 'utf8');
  const service = await startAnsweringService(t, script);
  const { services, routes } = parse(text.replaceAll('http://127.0.0.1:3000', service.url)) as GatewayInput;
  const gateway = await startTestGateway({ services, routes });
  t.after(() => gateway.stop());
  const page = await ask(gateway.port(), '/api/users/7/page?limit=2');
  assert.equal(
    page.body,
    '{"user":{"id":7,"name":"Ada"},"orders":[{"sku":"a"},{"sku":"b"}],"parts":[{"name":"wheel"},null],"news":["fresh"],"missing":["parts"]}',
  );
  assert.deepEqual([page.headers['gatehouse-partial'], page.headers.etag], ['parts', '"7"']);
  const none = await ask(gateway.port(), '/api/users/0/page?limit=2');
  assert.deepEqual([none.status, none.body], [404, '{"error":"not found"}']);
  const quote = await ask(gateway.port(), '/api/users/7/quotes', { method: 'POST', body: '{"items":[{"sku":"a"}]}' });
  assert.deepEqual([quote.status, quote.body], [201, '{"for":{"customer":7,"discount":0.10,"items":[{"sku":"a"}]}}']);
});

test('explain shows which calls of the example run at the same time, and which wait', async () => {
  const config = join(import.meta.dirname, '../../examples/one-request/aggregate.yaml');
  const { stdout } = await runCommand(runExplain, ['GET', '/api/users/7/page', '--config', config], '/');
  for (const line of [
    'goes to 4 calls, whose answers become one',
    'stage 1: user = GET /users/${path.id} of users (5s, kept for 5s); orders = GET /orders of orders (5s)',
    /stage 2: parts = .*waits for orders, for each item.*; news = .*waits for user.*the last good answer, else a fixed value/,
  ])
    if (typeof line === 'string') assert.ok(stdout.includes(line), stdout);
    else assert.match(stdout, line);
});
