import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { defineGateway, type GatewayInput } from './define-gateway.ts';
import { loadConfigurationValue } from './load.ts';

const gateway = defineGateway({
  version: 1,
  listeners: { web: { address: ':8080', timeouts: { head: '5s' } } },
  services: { orders: { endpoints: ['http://orders:3000', { url: 'http://orders:3001', weight: 2 }], host: 'endpoint' } },
  routes: {
    orders: {
      match: [
        { path: '/orders/*', method: ['GET', 'POST'] },
        { path: { regex: '/o/.*' }, headers: { 'x-a': { present: true } } },
      ],
      policies: { rewrite: { stripPrefix: '/orders' }, headers: false },
      to: [{ service: 'orders', weight: 1 }],
    },
    hello: { match: { path: '/hello/:name' }, to: { respond: { json: { hello: '${path.name}' } } } },
  },
});

test('types what a configuration in TypeScript may hold', async () => {
  const { issues } = await loadConfigurationValue(gateway, '/', { policies: policyOrder, env: {} });
  assert.deepEqual(issues, []);
});

test('has the editor refuse what loading would refuse', () => {
  const wrong: readonly GatewayInput[] = [
    // @ts-expect-error: a mistyped key
    { version: 1, listeners: {}, rotes: {} },
    // @ts-expect-error: a number where a duration belongs
    { version: 1, listeners: {}, shutdown: { delay: 5 } },
    // @ts-expect-error: a policy that does not exist
    { version: 1, listeners: {}, policies: { hedders: {} } },
    // @ts-expect-error: no version
    { listeners: {} },
  ];
  assert.equal(wrong.length, 4);
});
