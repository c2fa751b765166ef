import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { startTraceCollector } from '#test/support/trace-collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

test('a traced request has a span, and one for what the service was asked', async (t) => {
  const collector = await startTraceCollector(t);
  const service = await startAnsweringService(t, () => '{}');
  const gateway = await startTestGateway({
    tracing: { to: { otlp: collector.url }, sample: '100%', resource: { 'service.name': 'shop' } },
    services: { orders: { endpoints: [service.url] } },
    routes: { orders: { match: { path: '/orders/:id' }, to: 'orders' } },
  });
  t.after(() => gateway.stop());
  await ask(gateway.port(), '/orders/7?page=2');
  const [server, client] = await collector.waitFor(2);
  assert.equal(server!.name, 'GET /orders/:id');
  assert.equal(client!.parentId, server!.spanId);
  console.log(server, client, service.asked[0]!.headers, (await gateway.stop()), gateway.events);
});
