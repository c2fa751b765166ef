/** What a configuration reaches outside of itself, and how tests stand in for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openRoutes } from '#gatehouse/test';

const listeners = { web: { address: ':0' } };

test('a server that is no service has a stub by its URL', async () => {
  await using gateway = await openRoutes(
    {
      version: 1,
      listeners,
      services: { orders: { endpoints: ['http://orders'] } },
      policies: {
        introspection: { endpoint: 'https://login.example/introspect', clientId: 'gatehouse', clientSecret: 'not-so-secret' },
      },
      routes: { orders: { match: { path: '/orders' }, to: 'orders' } },
    },
    { env: {}, now: '2030-01-01T00:00:00Z' },
  );
  const headers = { authorization: 'Bearer opaque' };
  await gateway.expectRoute('GET', '/orders', { headers }).not.toReach('orders');
  assert.deepEqual(gateway.coverage().unstubbed, ['https://login.example/introspect']);
  await gateway.advance('1m');
  gateway.stubUrl('https://login.example/', ({ body }) => ({
    json: { active: body.includes('token=opaque'), sub: 'ann', iss: 'https://login.example/' },
  }));
  await gateway.expectRoute('GET', '/orders', { headers }).toReach('orders');
  await gateway.expectRoute('GET', '/orders', { headers: { authorization: 'Bearer other' } }).toBeRefused(401);
});

test('the requests of a batch are asked by whoever asks for the batch', async () => {
  await using gateway = await openRoutes(
    {
      version: 1,
      listeners,
      services: { orders: { endpoints: ['http://orders'] } },
      consumers: { ops: {} },
      routes: {
        batch: { match: { path: '/batch' }, to: { batch: { requests: 5 } } },
        admin: { match: { path: '/admin/*' }, policies: { 'api-key': {} }, to: 'orders' },
      },
    },
    { env: {} },
  );
  const json = [{ path: '/admin/x' }];
  gateway.stub('orders', { text: 'done' });
  await gateway
    .as('ops')
    .expectRoute('POST', '/batch', { json })
    .toReach('orders')
    .toAnswer({ json: { responses: [{ status: 200 }] } });
  await gateway
    .expectRoute('POST', '/batch', { json })
    .not.toReach('orders')
    .toAnswer({ json: { responses: [{ status: 401 }] } });
});

test('two gateways keep their counts and their time apart', async () => {
  const configuration = {
    version: 1,
    listeners,
    routes: { a: { match: { path: '/' }, policies: { 'rate-limit': { limit: '1/minute' } }, to: { respond: { text: 'a' } } } },
  } as const;
  await using one = await openRoutes(configuration, { env: {} });
  await using other = await openRoutes(configuration, { env: {} });
  await one.expectRoute('GET', '/').toAnswer({ status: 200 });
  await other.expectRoute('GET', '/').toAnswer({ status: 200 });
  await one.advance('1m');
  await one.expectRoute('GET', '/').toAnswer({ status: 200 });
  await other.expectRoute('GET', '/').toBeRefused('GH_RATE_LIMIT_EXCEEDED');
});
