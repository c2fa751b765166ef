/** What a configuration says of endpoints is what happens to requests. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

/** Endpoints that answer with their number, and a gateway whose one service has them as `toService` says. */
async function startBalanced(
  t: TestContext,
  count: number,
  toService: (urls: readonly string[]) => ServiceInput,
  top: Partial<GatewayInput> = {},
): Promise<TestGateway> {
  const upstreams = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startRawUpstream((connection) => connection.send(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${i}`)),
    ),
  );
  const service = toService(upstreams.map(({ url }) => url));
  const gateway = await startTestGateway({ services: { shop: service }, routes: { shop: { match: {}, to: 'shop' } }, ...top });
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  return gateway;
}

async function askMany(gateway: TestGateway, count: number, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  let bodies = '';
  for (let i = 0; i < count; i++) bodies += (await ask(gateway.port(), '/', { headers })).body;
  return bodies;
}

for (const balance of ['round-robin', 'least-requests', 'peak-ewma', 'random'] as const) {
  test(`${balance}: all endpoints answer`, async (t) => {
    const gateway = await startBalanced(t, 3, (urls) => ({ endpoints: [...urls], balance }));
    assert.equal(new Set(await askMany(gateway, 60)).size, 3);
  });
}

test('the same value of a header goes to the same endpoint, and others go elsewhere', async (t) => {
  const gateway = await startBalanced(t, 3, (urls) => ({ endpoints: [...urls], balance: { hash: { by: 'header.X-User' } } }));
  const endpoints = new Set<string>();
  // Whose endpoint is which depends on their ports, which are chance: so many users leave none out.
  for (let user = 0; user < 80; user++) {
    const bodies = await askMany(gateway, 3, { 'x-user': `user-${user}` });
    assert.equal(new Set(bodies).size, 1);
    endpoints.add(bodies[0]!);
  }
  assert.equal(endpoints.size, 3);
  assert.equal(await askMany(gateway, 6), '012012');
});

test('endpoints in the gateway’s zone answer, and after a change of the zone others do', async (t) => {
  let service: ServiceInput = { endpoints: ['http://127.0.0.1:1'] };
  const toService = ([a, b, c]: readonly string[]) => {
    service = {
      endpoints: [
        { url: a!, zone: 'x' },
        { url: b!, zone: 'y' },
        { url: c!, zone: 'x', priority: 1 },
      ],
    };
    return service;
  };
  const gateway = await startBalanced(t, 3, toService, { zone: 'x' });
  assert.equal(await askMany(gateway, 4), '0000');
  const routes = { shop: { match: {}, to: 'shop' } };
  assert.deepEqual(await gateway.reconfigure({ services: { shop: service }, routes, zone: 'y' }), []);
  assert.equal(await askMany(gateway, 4), '1111');
});

test('endpoints with a higher priority number wait while those with a lower one are there', async (t) => {
  const toService = (urls: readonly string[]) => ({
    endpoints: urls.map((url, i) => ({ url, priority: i < 2 ? 0 : 7, weight: 1 })),
  });
  const gateway = await startBalanced(t, 3, toService);
  assert.equal(await askMany(gateway, 4), '0101');
});
