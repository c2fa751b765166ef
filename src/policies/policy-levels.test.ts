/** Where a policy is configured: at the gateway, at a listener, at a route, by name; through a whole gateway without sockets. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createGateway, type GatewayInput } from '#gatehouse';
import { policyOrder } from './registry.ts';

const mark = (level: string) => ({ headers: { response: { set: { 'x-level': level } } } });
const respond = { respond: { status: 200, text: 'local' } };

const configuration: GatewayInput = {
  version: 1,
  listeners: {
    web: { address: '127.0.0.1:0' },
    inner: { address: '127.0.0.1:0', policies: mark('listener') },
    bare: { address: '127.0.0.1:0', policies: { headers: false } },
  },
  accessLog: false,
  services: { unreachable: { endpoints: ['http://127.0.0.1:1'] } },
  routes: {
    plain: { match: { path: '/plain' }, to: respond },
    own: { match: { path: '/own' }, to: respond, policies: mark('route') },
    off: { match: { path: '/off' }, to: respond, policies: { headers: false } },
    down: { match: { path: '/down' }, to: 'unreachable' },
    moved: { match: { path: '/moved' }, to: { redirect: { path: '/plain' } } },
  },
  policies: mark('gateway'),
};

const gateway = createGateway({ configuration });
after(() => gateway.stop());

const levels: readonly (readonly [url: string, listener: string, level: string | undefined])[] = [
  ['/plain', 'web', 'gateway'],
  ['/plain', 'inner', 'listener'],
  ['/plain', 'bare', undefined],
  ['/own', 'web', 'route'],
  ['/own', 'inner', 'route'],
  ['/own', 'bare', 'route'],
  ['/off', 'web', undefined],
  ['/off', 'inner', undefined],
  ['/moved', 'web', 'gateway'],
];

for (const [url, listener, level] of levels) {
  test(`${url} through ${listener} has the policy of ${level === undefined ? 'no level' : `the ${level}`}`, async () => {
    const answer = await gateway.inject({ url, listener });
    assert.equal(answer.headers['x-level'], level);
  });
}

test('an error on the way to a service has the policy of its route', async () => {
  const answer = await gateway.inject({ url: '/down' });
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['x-level'], 'gateway');
});

test('a request that no route takes has no policies', async () => {
  const answer = await gateway.inject({ url: '/nowhere' });
  assert.equal(answer.status, 404);
  assert.equal(answer.headers['x-level'], undefined);
});

test('every policy has a name of its own and a summary', () => {
  const names = policyOrder.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { summary } of policyOrder) assert.match(summary, /^[A-Z].*\.$/);
});
