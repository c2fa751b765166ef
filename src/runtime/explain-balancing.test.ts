import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { ask } from '#test/support/ask.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import type { EndpointChoice } from './explain-balancing.ts';
import { explainRequest, type RequestToExplain } from './explain-request.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const secret = 'a-secret-that-is-long-enough';

async function explain(
  services: Readonly<Record<string, ServiceInput>>,
  request: Partial<RequestToExplain> = {},
  top: Partial<GatewayInput> = {},
): Promise<readonly EndpointChoice[]> {
  const to = Object.keys(services).map((service) => ({ service }));
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    services,
    routes: { it: { match: { path: '/u/:user' }, to } },
    ...top,
  };
  const { configuration, issues } = await loadConfigurationValue(value, '/', { policies: policyOrder, env: {} });
  assert.deepEqual(issues, []);
  const asked = { method: 'GET', url: '/u/ann?q=1', headers: [], ...request };
  const explanation = await explainRequest(configuration!, asked, { clock: systemClock, logger: silentLogger });
  assert.ok(typeof explanation === 'object');
  return explanation.route!.endpoints;
}

const two = ['http://10.0.0.1:1', 'http://10.0.0.2:1'];

const reasons: readonly [balance: NonNullable<ServiceInput['balance']>, because: RegExp][] = [
  ['round-robin', /^endpoints take turns by their weights$/],
  ['least-requests', /^it takes the one of two, drawn by weight, where less runs$/],
  ['peak-ewma', /^it takes .* answer sooner$/],
  ['random', /^it draws by weight$/],
  [{ hash: { by: 'header.x-user' } }, /^the request has no header\.x-user, so endpoints take turns$/],
];
for (const [balance, because] of reasons) {
  test(`says how ${JSON.stringify(balance)} chooses, and leaves open which endpoint that will be`, async () => {
    const [choice] = await explain({ a: { endpoints: two, balance } });
    assert.equal(choice?.endpoint, undefined);
    assert.match(choice!.because, because);
  });
}

test('shows the share of each endpoint by weight, priority and zone', async () => {
  const endpoints = [
    { url: 'http://a', weight: 3, zone: 'x' },
    { url: 'http://b', zone: 'x' },
    { url: 'http://c', zone: 'y' },
    { url: 'http://d', zone: 'x', priority: 1 },
    { url: 'http://e', zone: 'x', weight: 0 },
  ];
  const [choice] = await explain({ a: { endpoints } }, {}, { zone: 'x' });
  assert.deepEqual(
    choice?.candidates.map(({ url, percent }) => [url, percent]),
    [
      ['http://a:80', 75],
      ['http://b:80', 25],
      ['http://c:80', 0],
      ['http://d:80', 0],
      ['http://e:80', 0],
    ],
  );
});

test('the only endpoint that takes requests is chosen, whatever the balancer', async () => {
  const endpoints = [{ url: 'http://a' }, { url: 'http://b', priority: 1 }];
  const [choice] = await explain({ a: { endpoints, balance: 'random' } });
  assert.equal(choice?.endpoint, 'http://a:80');
  assert.equal(choice?.because, 'no other endpoint takes requests');
});

test('each service of a route has its choice', async () => {
  const choices = await explain({
    a: { endpoints: two },
    b: { endpoints: two, balance: { hash: { by: 'ip', boundedLoad: 2 } } },
  });
  assert.deepEqual(
    choices.map(({ service, weight, balance }) => [service, weight, balance]),
    [
      ['a', 1, 'round-robin'],
      ['b', 1, 'hash of ip'],
    ],
  );
  assert.match(choices[1]!.because, /^the hash of its ip leads there, as long as at most 2 times the mean runs there$/);
});

test('the endpoint that a hash leads to is the one that a gateway sends the request to', async (t) => {
  const upstreams = await Promise.all(
    [0, 1, 2].map(() => startRawUpstream((connection) => connection.send('HTTP/1.1 204 No Content\r\n\r\n'))),
  );
  const endpoints = upstreams.map(({ url }) => url);
  const service: ServiceInput = { endpoints, balance: { hash: { by: 'path.user' } } };
  const gateway = await startTestGateway({ services: { a: service }, routes: { it: { match: { path: '/u/:user' }, to: 'a' } } });
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  for (let i = 0; i < 12; i++) {
    const [choice] = await explain({ a: service }, { url: `/u/user-${i}` });
    const before = upstreams.map(({ connections }) => connections.map(({ received }) => received).join('').length);
    await ask(gateway.port(), `/u/user-${i}`);
    const after = upstreams.map(({ connections }) => connections.map(({ received }) => received).join('').length);
    assert.equal(choice?.endpoint, endpoints[after.findIndex((length, at) => length > before[at]!)]);
  }
});

test('a cookie that keeps the client somewhere goes before the balancer', async (t) => {
  const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 204 No Content\r\n\r\n'));
  const service: ServiceInput = { endpoints: [upstream.url, ...two], affinity: { cookie: 'at', secret } };
  const [first] = await explain({ a: service });
  assert.match(first!.because, /turns by their weights; from then on the cookie at keeps the client there$/);
  const gateway = await startTestGateway({ services: { a: service }, routes: { it: { match: {}, to: 'a' } } });
  t.after(async () => {
    await gateway.stop();
    await upstream.close();
  });
  const { headers } = await ask(gateway.port(), '/');
  const cookie = headers['set-cookie']![0]!.split(';')[0]!;
  const [kept] = await explain({ a: service }, { headers: [['cookie', cookie]] });
  assert.equal(kept?.endpoint, upstream.url);
  assert.equal(kept?.because, 'the cookie at keeps the client there');
});
