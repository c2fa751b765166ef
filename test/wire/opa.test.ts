/** Requests that an Open Policy Agent decides about. It is played by what speaks the documented HTTP of its data API. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { onEachRequest } from '#test/support/forwarding.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const GOLD_KEY = 'gold-key-0123456789abcdef';
const PLAIN_KEY = 'plain-key-0123456789abcdef';

interface Input {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly consumer: { readonly name: string; readonly groups: readonly string[] } | null;
}

/**
 * As an agent with `allow if input.method == "GET"` and `allow if "gold" in input.consumer.groups` would answer, and as one
 * that has no rule elsewhere.
 */
async function startAgent(t: TestContext): Promise<{ url: string; asked: Input[] }> {
  const asked: Input[] = [];
  const server = createServer(async (request, response) => {
    const { input } = JSON.parse(await text(request)) as { input: Input };
    asked.push(input);
    const isAllowed = input.method === 'GET' || input.consumer?.groups.includes('gold') === true;
    const result =
      input.path[0] === 'documents'
        ? { allow: isAllowed, headers: { 'x-plan': input.consumer?.groups[0] ?? 'none' }, status: 451, reason: 'not gold' }
        : isAllowed;
    const isDefined = request.url === '/v1/data/shop/allow' && request.method === 'POST' && input.path[0] !== 'nowhere';
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(isDefined ? { result } : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

test('an agent decides by what is asked and by who asks', async (t) => {
  const { url, asked } = await startAgent(t);
  const served = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nserved';
  const shop = await startRawUpstream(onEachRequest((connection) => connection.send(served)));
  t.after(() => shop.close());
  const gateway = await startTestGateway({
    consumers: { alice: { groups: ['gold'], keys: [GOLD_KEY] }, bob: { keys: [PLAIN_KEY] } },
    services: { shop: { endpoints: [shop.url] }, agent: { endpoints: [url] } },
    policies: { 'api-key': {} },
    routes: {
      all: {
        match: { path: '/*' },
        to: 'shop',
        policies: { opa: { service: 'agent', path: '/v1/data/shop/allow', forward: ['x-plan'], timeout: '1m' } },
      },
    },
  });
  const send = (path: string, key: string, method = 'GET') =>
    ask(gateway.port(), path, { method, headers: { 'x-api-key': key, 'x-plan': 'forged' } });
  assert.equal((await send('/orders/7?a=1', PLAIN_KEY)).status, 200);
  assert.deepEqual([asked[0]?.path, asked[0]?.query, asked[0]?.consumer?.name], [['orders', '7'], { a: ['1'] }, 'bob']);
  assert.equal((await send('/orders/7', PLAIN_KEY, 'DELETE')).status, 403);
  assert.equal((await send('/orders/7', GOLD_KEY, 'DELETE')).status, 200);
  assert.equal((await send('/documents/7', GOLD_KEY, 'DELETE')).status, 200);
  assert.equal((await send('/documents/7', PLAIN_KEY, 'DELETE')).status, 451);
  assert.equal((await send('/nowhere', GOLD_KEY)).status, 403, 'no rule lets it pass');
  const seen = shop.connections.map(({ received }) => received).join('');
  assert.doesNotMatch(seen, /forged/);
  assert.match(seen, /^x-plan: gold\r$/m);
  const reasons = (await gateway.stop()).flatMap((line) => (line['detail'] === undefined ? [] : [line['detail']]));
  assert.deepEqual(reasons, [{ reason: 'false' }, { reason: 'not gold' }, { reason: 'undefined' }]);
});
