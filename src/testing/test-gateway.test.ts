import assert from 'node:assert/strict';
import diagnostics from 'node:diagnostics_channel';
import { after, describe, test } from 'node:test';
import { openRoutes } from '#gatehouse/test';
import { readCarelessly } from './matcher.ts';

const gateway = await openRoutes(
  {
    version: 1,
    listeners: { web: { address: ':0' }, inside: { address: ':0', policies: { ip: { allow: ['10.0.0.0/8'] } } } },
    services: {
      orders: { endpoints: ['http://orders-1:80', 'http://orders-2:80'], retry: { on: ['connect', 'reset', 503] } },
      slow: { endpoints: ['https://slow:443'], timeouts: { firstByte: '2s' }, retry: false },
      found: { discover: { dns: { name: 'found.example', port: 80 } } },
      internal: { endpoints: ['http://internal:80'] },
    },
    consumers: { alice: { groups: ['gold'] }, bob: {}, carol: { addresses: ['10.0.0.0/8'] } },
    stores: { redis: { url: 'redis://redis:6379' } },
    routes: {
      orders: { match: { host: 'shop.example', path: '/orders/*', method: ['GET', 'POST'] }, to: 'orders' },
      slow: {
        match: { path: '/slow' },
        to: { service: 'slow', fallback: { respond: { status: 203, text: 'later' }, when: ['timeout'] } },
      },
      found: { match: { path: '/found' }, policies: { 'api-key': {}, authorize: { groups: ['gold'] } }, to: 'found' },
      token: {
        match: { path: '/token' },
        policies: { jwt: { issuer: 'https://login.example/', audience: 'shop' }, authorize: { scopes: ['orders:read'] } },
        to: 'internal',
      },
      limited: {
        match: { path: '/limited' },
        policies: { 'rate-limit': { limit: '2/minute', by: 'ip', store: 'redis' } },
        to: 'orders',
      },
      cached: { match: { path: '/cached' }, policies: { cache: { ttl: '30s', store: 'redis' } }, to: 'orders' },
      late: { match: { path: '/late' }, policies: { fault: { delay: { for: '20s', percent: '100%' } } }, to: 'orders' },
      small: { match: { path: '/small' }, policies: { 'request-size': { body: '10B' } }, to: 'orders' },
      split: {
        match: { path: '/split' },
        to: [
          { service: 'orders', weight: 3 },
          { service: 'internal', weight: 1 },
        ],
      },
      moved: { match: { path: '/moved/:id' }, policies: { rewrite: { path: '/here/${path.id}' } }, to: 'orders' },
      gone: { match: { path: '/gone' }, to: { redirect: { path: '/there', status: 308 } } },
      shape: { match: { path: '/shape' }, to: { respond: { json: { name: 'a', list: [1, 2] } } } },
    },
  },
  { env: {}, now: '2030-01-01T00:00:00Z' },
);
after(() => gateway.close());

/** What a failing expectation says. */
async function messageOf(expectation: PromiseLike<unknown>): Promise<string> {
  try {
    await expectation;
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return assert.fail('the expectation holds');
}

describe('an expectation', () => {
  test('opens no socket, whatever the configuration names', async () => {
    let sockets = 0;
    const count = () => {
      sockets += 1;
    };
    diagnostics.subscribe('net.client.socket', count);
    await gateway.expectRoute('GET', 'https://shop.example/orders/5').toReach('orders');
    await gateway.as('alice').expectRoute('GET', '/found').toReach('found');
    await gateway.expectRoute('GET', '/token', { headers: { authorization: 'Bearer a.b.c' } }).toBeRefused('jwt');
    diagnostics.unsubscribe('net.client.socket', count);
    assert.equal(sockets, 0);
  });

  test('sees what a service would be sent, and what it answers', async () => {
    gateway.stub('orders', {
      '/orders/5': { json: { id: 5, lines: [{ sku: 'a' }] } },
      'POST /orders': ({ body }) => ({ status: 201, headers: { location: '/orders/6' }, text: body.toUpperCase() }),
      '/here/*': { text: 'here' },
    });
    await gateway
      .expectRoute('GET', 'https://shop.example/orders/5?full=1', { headers: { accept: 'application/json' } })
      .toMatchRoute('orders')
      .toReach('orders')
      .toSend({
        method: 'GET',
        path: '/orders/5',
        query: 'full=1',
        host: 'shop.example',
        headers: { accept: /json/, 'x-forwarded-proto': 'https', cookie: false },
      })
      .toAnswer({ status: 200, json: { lines: [{ sku: 'a' }] }, headers: { 'content-type': 'application/json' } });
    await gateway
      .expectRoute('POST', 'http://shop.example/orders', { body: 'two lamps' })
      .toAnswer({ status: 201, text: 'TWO LAMPS' })
      .withHeader('location', '/orders/6')
      .not.withHeader('etag');
    await gateway.expectRoute('GET', 'http://shop.example/orders/7').toAnswer({ status: 404 }).toReach('orders');
    await gateway
      .expectRoute('GET', '/moved/9')
      .toSend({ service: 'orders', path: '/here/*' })
      .toAnswer({ text: /^here$/ });
  });

  test('knows redirects, fixed answers and requests that no route takes', async () => {
    await gateway.expectRoute('GET', 'http://shop.example/gone').toRedirectTo(/\/there$/, 308);
    await gateway
      .expectRoute('GET', '/shape')
      .toAnswer({ json: { name: 'a' } })
      .not.toReach('orders', 'internal');
    await gateway.expectRoute('GET', '/nowhere').toMatchNoRoute().toBeRefused('GH_GATEWAY_NO_ROUTE');
    await gateway.expectRoute('GET', '/%').toBeRefused(400);
  });

  test('asks as a consumer, where a policy would find out who asks', async () => {
    await gateway.expectRoute('GET', '/found').toBeRefused('GH_API_KEY_MISSING').toBeRefused(401);
    await gateway.as('bob').expectRoute('GET', '/found').toBeRefused('authorize');
    await gateway.as('alice').expectRoute('GET', '/found').toReach('found');
    await gateway
      .as('eve@login', { scopes: ['orders:read'] })
      .expectRoute('GET', '/token')
      .toReach('internal');
    await gateway
      .as('eve@login', { scopes: ['orders:write'] })
      .expectRoute('GET', '/token')
      .toBeRefused(403);
    assert.equal((await gateway.as('alice').decide('GET', '/shape')).consumer, undefined);
  });

  test('does not take a consumer for known at an address where its credentials do not count', async () => {
    await gateway.as('carol').expectRoute('GET', '/found', { clientAddress: '192.0.2.1' }).toBeRefused(401);
    await gateway.as('carol').expectRoute('GET', '/found', { clientAddress: '10.1.1.1' }).toBeRefused(403);
  });

  test('comes through the listener that it names', async () => {
    await gateway.expectRoute('GET', '/shape', { listener: 'inside', clientAddress: '10.0.0.1' }).toAnswer({ status: 200 });
    await gateway.expectRoute('GET', '/shape', { listener: 'inside' }).toBeRefused('ip');
  });

  test('meets refusals of bodies', async () => {
    await gateway.expectRoute('POST', '/small', { body: 'x'.repeat(10) }).toReach('orders');
    await gateway.expectRoute('POST', '/small', { body: 'x'.repeat(11) }).toBeRefused('request-size');
  });

  test('knows how requests are divided', async () => {
    await gateway.expectRoute('GET', '/split').toSplit({ orders: 75, internal: 25 });
    assert.match(
      await messageOf(gateway.expectRoute('GET', '/split').toSplit({ orders: 50, internal: 50 })),
      /divides: orders 75 %, internal 25 %/,
    );
  });
});

describe('services that fail', () => {
  test('are tried again, and every attempt is seen', async () => {
    gateway.stub('orders', [{ fails: 'unreachable' }, { text: 'second' }]);
    const { sent, status } = await gateway.decide('GET', 'http://shop.example/orders/1');
    assert.deepEqual([status, sent.map(({ outcome }) => outcome)], [200, ['unreachable', 200]]);
    assert.notEqual(sent[0]?.request.endpoint, sent[1]?.request.endpoint);
  });

  test('are not waited for: their time-outs pass at once', async () => {
    gateway.stub('slow', { fails: 'silent' });
    await gateway.expectRoute('GET', '/slow').toAnswer({ status: 203, text: 'later' });
    gateway.stub('slow', { text: 'x', after: '1.9s' });
    await gateway.expectRoute('GET', '/slow').toAnswer({ status: 200 });
    gateway.stub('slow', { text: 'x', after: '2s' });
    await gateway.expectRoute('GET', '/slow').toAnswer({ status: 203 });
  });

  test('break off in the middle of an answer', async () => {
    gateway.stub('slow', { fails: 'broken' });
    const { status, refusal } = await gateway.decide('GET', '/slow');
    assert.deepEqual([status, refusal?.code], [0, 'GH_UPSTREAM_TRUNCATED_BODY']);
  });

  test('are told from stubs that fail', async () => {
    gateway.stub('slow', () => {
      throw new TypeError('a mistake of the test');
    });
    await assert.rejects(gateway.decide('GET', '/slow'), /a mistake of the test/);
    gateway.stub('slow', { text: 'x' });
  });
});

describe('time', () => {
  test('stands still for limits until it is moved', async () => {
    gateway.stub('orders', { text: 'x' });
    for (const _ of ['first', 'second']) await gateway.expectRoute('GET', '/limited').toReach('orders');
    await gateway.expectRoute('GET', '/limited').toBeRefused(429);
    await gateway.advance('1m');
    await gateway.expectRoute('GET', '/limited').toReach('orders');
  });

  test('makes answers of a cache old', async () => {
    await gateway.expectRoute('GET', '/cached').toReach('orders');
    await gateway.advance('29s');
    await gateway.expectRoute('GET', '/cached').not.toReach('orders').toAnswer({ text: 'x' });
    await gateway.advance('2s');
    await gateway.expectRoute('GET', '/cached').toReach('orders');
  });

  test('passes at once where a policy waits', () => gateway.expectRoute('GET', '/late').toReach('orders'));

  test('begins when the test says', async () => {
    const other = await openRoutes(
      {
        version: 1,
        listeners: { web: { address: ':0' } },
        services: { a: { endpoints: ['http://a:1'] } },
        routes: { a: { match: { path: '/' }, policies: { cache: { ttl: '1h' } }, to: 'a' } },
      },
      { now: '2030-01-01T00:00:00Z' },
    );
    const { headers } = await other.decide('GET', '/');
    await other.close();
    assert.ok(headers['date'] === undefined || String(headers['date']).includes('2030'), String(headers['date']));
  });

  test('cannot be moved by something that is no duration', () =>
    assert.rejects(gateway.advance('soon'), /"soon" is not a duration/));
});

describe('a failure', () => {
  test('says what was expected, what happened, the condition that failed, and the line of the test', async () => {
    const message = await messageOf(gateway.expectRoute('DELETE', 'http://shop.example/orders/5').toReach('orders'));
    assert.match(message, /^expected DELETE http:\/\/shop\.example\/orders\/5 to reach the service `orders`\n/);
    assert.match(message, /\n {2}in .*test-gateway\.test\.ts:\d+:\d+\n/);
    assert.match(message, /no service was asked: it is refused with 404 GH_GATEWAY_NO_ROUTE/);
    assert.match(message, /near miss: `orders` shop\.example\/orders\/\*: method is DELETE, wants GET or POST/);
  });

  test('points its stack at the test', async () => {
    const failure = await gateway
      .expectRoute('GET', '/shape')
      .toReach('orders')
      .then(
        () => undefined,
        (error: Error) => error,
      );
    assert.match(failure?.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '', /test-gateway\.test\.ts/);
  });

  test('says how to be known where a credential is missing', async () => {
    assert.match(
      await messageOf(gateway.expectRoute('GET', '/found').toReach('found')),
      /GH_API_KEY_MISSING by the policy `api-key`[\s\S]*gateway\.as\('CONSUMER'\)/,
    );
  });

  test('names the part of a body that differs', async () => {
    assert.match(
      await messageOf(gateway.expectRoute('GET', '/shape').toAnswer({ json: { list: [1, 3] } })),
      /the body differs at list\[1\]/,
    );
  });

  test('is what a request without expectations is', async () => {
    assert.match(await messageOf(gateway.expectRoute('GET', '/shape')), /nothing is expected of the request/);
  });

  test('of something negated says what is there', async () => {
    assert.match(
      await messageOf(gateway.expectRoute('GET', '/shape').not.toMatchRoute('shape')),
      /not to match the route `shape`/,
    );
  });
});

test('names that the configuration does not have are mistakes', async () => {
  assert.throws(() => gateway.stub('ordres', { text: 'x' }), /no service `ordres`; did you mean `orders`\?/);
  assert.throws(() => gateway.as('alcie'), /no consumer `alcie`; did you mean `alice`\?/);
  await assert.rejects(gateway.expectRoute('GET', '/').toMatchRoute('shpae'), /did you mean `shape`\?/);
});

test('a configuration that is refused says why', async () => {
  await assert.rejects(
    openRoutes({ version: 1, listeners: {}, routes: {} }),
    /the configuration is refused:\n.*there is no listener/,
  );
});

test('a snapshot is the same each time', async () => {
  const taken = await gateway.as('bob').snapshot('GET', '/found');
  assert.deepEqual(taken, await gateway.as('bob').snapshot('GET', '/found'));
  assert.deepEqual(taken, {
    request: 'GET /found',
    route: 'found',
    consumer: 'bob',
    policies: ['api-key: pass', 'authorize: refuse GH_AUTHORIZE_DENIED'],
    sent: [],
    status: 403,
    refusal: 'GH_AUTHORIZE_DENIED',
    headers: { 'content-type': 'application/problem+json' },
    body: {
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'Whoever asks may not do this.',
      code: 'GH_AUTHORIZE_DENIED',
    },
  });
});

test('coverage knows what was gone through, and what was not', async () => {
  const other = await openRoutes(
    {
      version: 1,
      listeners: { web: { address: ':0' } },
      services: { a: { endpoints: ['http://a:1'] }, b: { endpoints: ['http://b:1'] } },
      routes: {
        both: {
          match: [{ path: '/one' }, { path: ['/two', '/three'] }],
          to: { services: [{ service: 'a' }, { service: 'b' }], fallback: { respond: { status: 204 } } },
        },
        other: { match: { path: '/other' }, policies: { ip: { deny: ['192.0.2.0/24'] } }, to: 'a' },
        never: { match: { path: '/never' }, to: 'a' },
      },
      policies: { 'request-size': { body: '1KiB' } },
    },
    { env: {} },
  );
  const missed = () => other.coverage().points.flatMap(({ label, isCovered }) => (isCovered ? [] : [label]));
  assert.equal(missed().length, other.coverage().points.length);
  await other.expectRoute('GET', '/two').toReach('a', 'b');
  await other.expectRoute('GET', '/other', { clientAddress: '192.0.2.1' }).toBeRefused('ip');
  assert.deepEqual(missed(), [
    'both: alternative 1',
    'both: alternative 2 /three',
    'both: b (weight 1)',
    'both: fallback',
    'route other: ip lets pass',
    'never',
    'all routes: request-size refuses',
  ]);
  assert.deepEqual(other.coverage().unstubbed, ['a']);
  await other.close();
});

describe('every request', () => {
  const open = (paths: Record<string, string>) =>
    openRoutes(
      {
        version: 1,
        listeners: { web: { address: ':0' } },
        services: { public: { endpoints: ['http://p:1'] }, internal: { endpoints: ['http://i:1'] } },
        routes: Object.fromEntries(
          Object.entries(paths).map(([path, to]) => [
            to,
            { match: { path, ...(to === 'internal' && { host: 'internal.example' }) }, to },
          ]),
        ),
      },
      { env: {} },
    );

  test('is tried in many spellings, and none of them reaches what it must not', async () => {
    const site = await open({ '/shop/*': 'public', '/internal/*': 'internal' });
    const { requests } = await site
      .everyRequest({ hosts: ['shop.example'] })
      .never()
      .toReach('internal');
    assert.ok(requests > 500, String(requests));
    await site.close();
  });

  test('that breaks the rule is shown, with what was sent', async () => {
    const site = await open({ '/shop/*': 'public', '/internal/*': 'internal' });
    const message = await messageOf(
      site
        .everyRequest({ hosts: ['internal.example'] })
        .never()
        .toReach('internal'),
    );
    await site.close();
    assert.match(
      message,
      /expected every request never to reach the service `internal`, and number \d+ does:\n {2}GET \/internal {3}host internal\.example/,
    );
    assert.match(message, /as a test of its own: expectRoute\('GET', "http:\/\/internal\.example\/internal"\)/);
  });

  test('is looked at as the service gets it', async () => {
    const site = await openRoutes(
      {
        version: 1,
        listeners: { web: { address: ':0' } },
        services: { shop: { endpoints: ['http://s:1'] } },
        routes: {
          shop: { match: { path: '/shop/*' }, policies: { rewrite: { stripPrefix: '/shop' } }, to: 'shop' },
          internal: { match: { host: 'internal.example', path: '/internal/*' }, to: 'shop' },
        },
      },
      { env: {} },
    );
    const message = await messageOf(
      site
        .everyRequest({ paths: ['/shop/*'] })
        .never()
        .toSend({ path: '/internal/*' }),
    );
    await site.close();
    assert.match(message, /sent to `shop`: GET \/internal/);
  });

  test('keeps to the paths that it is about', async () => {
    const site = await open({ '/shop/*': 'public', '/internal/*': 'internal' });
    await site
      .everyRequest({ paths: ['/shop/*'], methods: ['GET'] })
      .always()
      .toMatchRoute('public');
    await assert.rejects(
      site
        .everyRequest({ paths: ['/shop/*'], methods: ['GET'] })
        .always()
        .toReach('internal'),
      /does not/,
    );
    await site.close();
  });
});

test('a careless service takes encoded slashes and dots for what they stand for', () => {
  const read = {
    '/a%2Fb': '/a/b',
    '/a/%2e%2E/b': '/b',
    '/a%5c..%5Cb': '/b',
    '/a//b/./c': '/a/b/c',
    '/..': '/',
    '/a%20b': '/a%20b',
  };
  assert.deepEqual(Object.keys(read).map(readCarelessly), Object.values(read));
});
