/** Where preflights go, and what pages may read where there is no route; through a whole gateway without sockets. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createGateway, type GatewayInput } from '#gatehouse';

const APP = 'https://app.example.com';
const OTHER = 'https://other.example.com';
const text = (word: string) => ({ respond: { status: 200, text: word } }) as const;
const allow = (origin: string) => ({ cors: { origins: [origin] } });

const configuration: GatewayInput = {
  version: 1,
  listeners: { web: { address: '127.0.0.1:0' }, bare: { address: '127.0.0.1:0', policies: { cors: false } } },
  accessLog: false,
  consumers: { alice: { keys: ['alice-key-0123456789abcdef'] } },
  routes: {
    read: { match: { path: '/orders', method: 'GET' }, to: text('read'), policies: allow(OTHER) },
    write: { match: { path: '/orders', method: 'PUT' }, to: text('write') },
    byHand: { match: { path: '/hand', method: 'OPTIONS' }, to: text('by hand'), policies: { cors: false } },
    handled: { match: { path: '/hand', method: 'GET' }, to: text('handled'), policies: { cors: false } },
  },
  policies: { ...allow(APP), 'api-key': {} },
};

const gateway = createGateway({ configuration });
after(() => gateway.stop());

async function ask(url: string, { method = 'OPTIONS', origin = APP, asked = 'GET', listener = 'web' }) {
  const headers = method === 'OPTIONS' ? { origin, 'access-control-request-method': asked } : { origin };
  const answer = await gateway.inject({ url, method, listener, headers });
  return { status: answer.status, allowed: answer.headers['access-control-allow-origin'], route: answer.route };
}

test('a preflight belongs to the route of the request that it asks for', async () => {
  assert.deepEqual(await ask('/orders', { origin: OTHER }), { status: 204, allowed: OTHER, route: 'read' });
  assert.deepEqual(await ask('/orders', { asked: 'PUT' }), { status: 204, allowed: APP, route: 'write' });
  assert.deepEqual(await ask('/orders', { origin: OTHER, asked: 'PUT' }), { status: 403, allowed: undefined, route: 'write' });
});

test('where that route answers no preflights, it is a request with OPTIONS', async () => {
  assert.equal((await ask('/hand', {})).route, 'byHand');
});

test('refusals and missing routes can be read by the pages of the gateway', async () => {
  assert.deepEqual(await ask('/orders', { method: 'PUT' }), { status: 401, allowed: APP, route: 'write' });
  assert.deepEqual(await ask('/nowhere', { method: 'GET' }), { status: 404, allowed: APP, route: undefined });
  assert.deepEqual(await ask('/nowhere', {}), { status: 204, allowed: APP, route: undefined });
  assert.deepEqual(await ask('/nowhere', { method: 'GET', listener: 'bare' }), {
    status: 404,
    allowed: undefined,
    route: undefined,
  });
});
