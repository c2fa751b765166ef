/** Clients that stay at one endpoint by a cookie: what they get, what services see, and what outlasts changes. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const secret = 'a-secret-that-is-long-enough';
const COOKIE = /^at=([\w-]{22}); Path=\/; HttpOnly; SameSite=Lax$/;

interface Shop {
  readonly gateway: TestGateway;
  readonly upstreams: readonly RawUpstream[];
  /** The URLs in the same order. */
  readonly urls: readonly string[];
  readonly input: (parts?: Partial<ServiceInput>) => Partial<GatewayInput>;
}

/** Several endpoints that answer with their number. */
async function startShop(
  t: TestContext,
  { count = 3, parts = {}, options = {} }: { count?: number; parts?: Partial<ServiceInput>; options?: TestGatewayOptions } = {},
): Promise<Shop> {
  const upstreams = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startRawUpstream((connection) => connection.send(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${i}`)),
    ),
  );
  const urls = upstreams.map(({ url }) => url);
  const input = (changed: Partial<ServiceInput> = {}): Partial<GatewayInput> => ({
    services: { shop: { endpoints: urls, affinity: { cookie: 'at', secret }, ...parts, ...changed } },
    routes: { shop: { match: {}, to: 'shop' } },
  });
  const gateway = await startTestGateway(input(), options);
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  return { gateway, upstreams, urls, input };
}

async function askShop({ gateway }: { gateway: TestGateway }, cookie?: string) {
  const { body, headers } = await ask(gateway.port(), '/', { headers: cookie === undefined ? {} : { cookie } });
  return { endpoint: body, setCookie: headers['set-cookie']?.[0] };
}

function toCookie(setCookie: string | undefined): string {
  return setCookie!.split(';')[0]!;
}

test('a client gets a cookie once, and stays where it was', async (t) => {
  const shop = await startShop(t);
  const first = await askShop(shop);
  assert.match(first.setCookie!, COOKIE);
  for (let i = 0; i < 5; i++) {
    assert.deepEqual(await askShop(shop, toCookie(first.setCookie)), { endpoint: first.endpoint, setCookie: undefined });
  }
  const others = await Promise.all([askShop(shop), askShop(shop)]);
  assert.equal(new Set([first, ...others].map(({ endpoint }) => endpoint)).size, 3);
});

test('services never see the cookie, and see all others', async (t) => {
  const shop = await startShop(t, { count: 1 });
  const cookie = toCookie((await askShop(shop)).setCookie);
  await askShop(shop, `a=1; ${cookie}; b=2`);
  await askShop(shop, cookie);
  await askShop(shop, 'at=forged; c=3');
  const sent = shop.upstreams[0]!.connections.map(({ received }) => received).join('');
  assert.deepEqual(sent.match(/^cookie: .*$/gm), ['cookie: a=1; b=2', 'cookie: c=3']);
  assert.doesNotMatch(sent, /\bat=/);
});

test('services that policies write requests for do not see the cookie either', async (t) => {
  const shop = await startShop(t, { count: 1 });
  const problems = await shop.gateway.reconfigure({
    ...shop.input(),
    policies: { headers: { request: { set: { 'x-team': 'blue' } } } },
  });
  assert.deepEqual(problems, []);
  await askShop(shop, 'at=x; b=2');
  const sent = shop.upstreams[0]!.connections.at(-1)!.received;
  assert.match(sent, /\r\ncookie: b=2\r\n/);
  assert.match(sent, /\r\nx-team: blue\r\n/);
});

test('neither a fallback, nor another service of a split, nor a mirror sees the cookies of the services of a route', async (t) => {
  const served = (connection: UpstreamConnection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const upstreams = await Promise.all(['spare', 'other', 'mirror'].map(() => startRawUpstream(served)));
  const [spare, other, mirror] = upstreams as [RawUpstream, RawUpstream, RawUpstream];
  const down = 'http://127.0.0.1:1';
  const gateway = await startTestGateway({
    services: {
      shop: { endpoints: [down], affinity: { cookie: 'at-shop', secret } },
      spare: { endpoints: [spare.url], affinity: { cookie: 'at-spare', secret } },
      other: { endpoints: [other.url] },
      mirror: { endpoints: [mirror.url], affinity: { cookie: 'at-mirror', secret } },
    },
    routes: {
      shop: {
        match: { path: '/shop' },
        to: { service: 'shop', fallback: { service: 'spare' } },
        policies: { mirror: { to: 'mirror' } },
      },
      split: {
        match: { path: '/split' },
        to: [
          { service: 'shop', weight: 0 },
          { service: 'other', weight: 1 },
        ],
      },
    },
  });
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  const headers = { cookie: 'at-shop=a; at-spare=b; theme=dark; at-mirror=c' };
  for (const path of ['/shop', '/split']) assert.equal((await ask(gateway.port(), path, { headers })).status, 200);
  await eventually(() => mirror.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the copy is there');
  const cookies = upstreams.map(({ connections }) => /^cookie: (.*)\r$/m.exec(connections[0]!.received)?.[1]);
  assert.deepEqual(cookies, ['theme=dark; at-mirror=c', 'at-spare=b; theme=dark; at-mirror=c', 'theme=dark']);
});

test('a cookie that somebody made himself means nothing, and is replaced', async (t) => {
  const shop = await startShop(t);
  const valid = toCookie((await askShop(shop)).setCookie);
  const forged = `${valid.slice(0, -1)}${valid.endsWith('A') ? 'B' : 'A'}`;
  const endpoints = new Set<string>();
  for (const cookie of [forged, 'at=', `at=${shop.urls[0]}`, forged]) {
    const { endpoint, setCookie } = await askShop(shop, cookie);
    assert.match(setCookie!, COOKIE);
    endpoints.add(endpoint);
  }
  assert.equal(endpoints.size, 3);
});

test('a client whose endpoint is gone goes to another one, and stays there', async (t) => {
  const shop = await startShop(t);
  const first = await askShop(shop);
  const left = shop.urls.filter((_, i) => String(i) !== first.endpoint);
  assert.deepEqual(await shop.gateway.reconfigure(shop.input({ endpoints: [...left] })), []);
  const second = await askShop(shop, toCookie(first.setCookie));
  assert.notEqual(second.endpoint, first.endpoint);
  assert.match(second.setCookie!, COOKIE);
  const third = await askShop(shop, toCookie(second.setCookie));
  assert.deepEqual(third, { endpoint: second.endpoint, setCookie: undefined });
});

test('a client whose endpoint takes nothing at the moment goes to another one', async (t) => {
  const shop = await startShop(t);
  const first = await askShop(shop);
  const endpoints = shop.urls.map((url, i) => ({ url, weight: String(i) === first.endpoint ? 0 : 1 }));
  assert.deepEqual(await shop.gateway.reconfigure(shop.input({ endpoints })), []);
  const second = await askShop(shop, toCookie(first.setCookie));
  assert.notEqual(second.endpoint, first.endpoint);
  assert.match(second.setCookie!, COOKIE);
});

test('a client stays where it was when its endpoint had closed the connection that was to be used again', async (t) => {
  const answered = new Set<UpstreamConnection>();
  const answers = (name: string) => (connection: UpstreamConnection) => {
    // The gateway must not know of the end before it has sent the request.
    if (answered.has(connection)) connection.socket.destroy();
    else connection.send(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${name}`);
    answered.add(connection);
  };
  const upstreams = [await startRawUpstream(answers('a')), await startRawUpstream(answers('b'))];
  const gateway = await startTestGateway({
    services: { shop: { endpoints: upstreams.map(({ url }) => url), affinity: { cookie: 'at', secret } } },
    routes: { shop: { match: {}, to: 'shop' } },
  });
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  const { endpoint, setCookie } = await askShop({ gateway });
  assert.deepEqual(await askShop({ gateway }, toCookie(setCookie)), { endpoint, setCookie: undefined });
  assert.equal(upstreams.flatMap(({ connections }) => connections).length, 2);
});

test('a cookie outlasts a reload, and counts at another gateway with the same secret', async (t) => {
  const shop = await startShop(t);
  const { endpoint, setCookie } = await askShop(shop);
  const cookie = toCookie(setCookie);
  assert.deepEqual(await shop.gateway.reconfigure(shop.input({ balance: 'random', timeouts: { connect: '3s' } })), []);
  for (let i = 0; i < 3; i++) assert.deepEqual(await askShop(shop, cookie), { endpoint, setCookie: undefined });
  const other = await startTestGateway(shop.input());
  t.after(() => other.stop());
  for (let i = 0; i < 3; i++) assert.deepEqual(await askShop({ gateway: other }, cookie), { endpoint, setCookie: undefined });
});

test('another secret makes all cookies anew', async (t) => {
  const shop = await startShop(t);
  const first = await askShop(shop);
  const affinity = { cookie: 'at', secret: 'another-secret-that-is-as-long' };
  assert.deepEqual(await shop.gateway.reconfigure(shop.input({ affinity })), []);
  const second = await askShop(shop, toCookie(first.setCookie));
  assert.match(second.setCookie!, COOKIE);
  assert.notEqual(toCookie(second.setCookie), toCookie(first.setCookie));
});

test('a client stays where it was, whichever thread answers', async (t) => {
  const shop = await startShop(t, { options: { threads: 2 } });
  const { endpoint, setCookie } = await askShop(shop);
  const cookie = toCookie(setCookie);
  // So many connections hardly all go to one of two threads.
  for (let i = 0; i < 30; i++) assert.deepEqual(await askShop(shop, cookie), { endpoint, setCookie: undefined });
});

test('the cookie has the attributes that were asked for', async (t) => {
  const affinity = { cookie: 'at', secret, ttl: '1h', path: '/shop', sameSite: 'none' } as const;
  const shop = await startShop(t, { parts: { affinity } });
  const { setCookie } = await askShop(shop);
  assert.match(setCookie!, /^at=[\w-]+; Path=\/shop; Max-Age=3600; HttpOnly; SameSite=None; Secure$/);
});

test('an answer that changes the protocol carries the cookie too', async (t) => {
  const upstream = await startRawUpstream((connection) =>
    connection.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'),
  );
  const gateway = await startTestGateway({
    services: { chat: { endpoints: [upstream.url], affinity: { cookie: 'at', secret } } },
    routes: { chat: { match: {}, to: 'chat' } },
  });
  t.after(async () => {
    await gateway.stop();
    await upstream.close();
  });
  const client = await RawClient.open(gateway.port());
  client.send('GET / HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: echo\r\ncookie: at=old\r\n\r\n');
  await client.until(/\r\n\r\n$/);
  assert.match(client.received, /\r\nset-cookie: at=[\w-]{22}; Path=\//);
  assert.doesNotMatch(upstream.connections[0]!.received, /cookie/);
  client.close();
});
