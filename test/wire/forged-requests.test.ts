/** What clients forge or pile up makes nobody else of them, and costs the gateway no more than its limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const KEY = 'alice-2dSxkW0nB5Ue8hQv';
const INSIDE = '10.0.0.1';

/** As many ways as there are to say where a request came from; the gateway reads none of them from clients that it does not trust. */
const forgeries: readonly Record<string, string>[] = [
  { 'x-forwarded-for': INSIDE },
  { 'x-forwarded-for': `${INSIDE}, 127.0.0.1` },
  { 'x-forwarded-for': `${INSIDE},`.repeat(500) },
  { forwarded: `for=${INSIDE}` },
  { forwarded: `for="${INSIDE}:80";proto=https, for=127.0.0.1` },
  { 'x-real-ip': INSIDE, 'true-client-ip': INSIDE, 'cf-connecting-ip': INSIDE, 'x-client-ip': INSIDE },
  { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'inside.example.com', 'x-forwarded-port': '443' },
  { 'x-forwarded-client-cert': 'Subject="CN=alice"', 'client-cert': ':AAAA:' },
  { 'x-consumer': 'alice', 'x-user': 'alice', 'x-gatehouse-consumer': 'alice', 'x-gatehouse-token': 'e30.e30.' },
];

test('nothing that a client says of its address opens what is open to others', async (t) => {
  const gateway = await startTestGateway({
    routes: {
      inside: { match: { path: '/inside' }, to: { respond: { text: 'in' } }, policies: { ip: { allow: ['10.0.0.0/8'] } } },
      secure: { match: { path: '/secure' }, to: { respond: { text: 'in' } }, policies: { 'https-redirect': {} } },
      known: { match: { path: '/known' }, to: { respond: { text: '${consumer}' } }, policies: { 'api-key': {} } },
      shown: { match: { path: '/shown' }, to: { respond: { text: '${clientIp} ${scheme}' } } },
    },
    consumers: { alice: { keys: [KEY] } },
  });
  t.after(() => gateway.stop());
  for (const headers of forgeries) {
    const statusOf = async (path: string) => (await ask(gateway.port(), path, { headers })).status;
    assert.equal(await statusOf('/inside'), 403, JSON.stringify(headers));
    assert.equal(await statusOf('/secure'), 308);
    assert.equal(await statusOf('/known'), 401);
    assert.equal((await ask(gateway.port(), '/shown', { headers })).body, '127.0.0.1 http');
  }
});

test('a forged address is no fresh allowance', async (t) => {
  const limit = { limits: ['3/hour'], by: 'ip' };
  const gateway = await startTestGateway({
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'in' } }, policies: { 'rate-limit': limit } } },
  });
  t.after(() => gateway.stop());
  const statuses: number[] = [];
  for (const headers of forgeries) statuses.push((await ask(gateway.port(), '/', { headers })).status);
  assert.deepEqual(statuses, [200, 200, 200, 429, 429, 429, 429, 429, 429]);
});

test('heaps of fields and cookies are refused by their size, and looked through where they fit', async (t) => {
  const gateway = await startTestGateway({
    routes: {
      all: { match: { path: '/*' }, to: { respond: { text: '${consumer}' } }, policies: { 'api-key': { cookie: 'key' } } },
    },
    consumers: { alice: { keys: [KEY] } },
  });
  t.after(() => gateway.stop());
  const send = (headers: Record<string, string>) => ask(gateway.port(), '/', { headers });
  const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_value, i) => [`x-${i}`, 'x']));
  const cookies = (count: number) => 'a=1; '.repeat(count);
  assert.equal((await send({ ...fields(140), cookie: `key=${KEY}` })).status, 431);
  assert.equal((await send({ ...fields(100), cookie: `key=${KEY}` })).body, 'alice');
  assert.equal((await send({ cookie: `${cookies(14_000)}key=${KEY}` })).status, 431);
  assert.equal((await send({ cookie: `${cookies(12_000)}key=${KEY}` })).body, 'alice');
  assert.equal((await send({ cookie: cookies(12_000) })).status, 401);
  // The first of several cookies with one name counts, whatever comes behind it.
  assert.equal((await send({ cookie: `key=${'x'.repeat(30_000)}; key=${KEY}` })).status, 401);
});
