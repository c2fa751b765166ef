/** Requests whose client shows a debug token, over real sockets: every step of what has become of them is shown. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { makeDebugToken } from '#runtime/debug-token.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { makeTestToken, type ShownDocument, type ShownRecord, startWatchedGateway } from '#test/support/watched-gateway.ts';

/** Nobody listens there. */
const CLOSED = 'http://127.0.0.1:1';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

async function startUpstream(t: TestContext, answer: string | undefined): Promise<string> {
  const upstream = await startRawUpstream((connection) => {
    if (answer !== undefined) connection.send(answer);
  });
  t.after(() => upstream.close());
  return upstream.url;
}

const toSteps = ({ attempts }: ShownRecord) =>
  attempts.map(({ cause, outcome, status, code }) => [cause, outcome, status ?? code]);

for (const threads of [0, 2]) {
  test(`with ${threads} data threads, a token shows route, near misses, policies, attempt and limits`, async (t) => {
    const service = await startAnsweringService(t, () => 'ok');
    const policies = { 'rate-limit': { limit: '100/minute' } };
    const { debug, explained } = await startWatchedGateway(
      t,
      {
        services: { orders: { endpoints: [service.url] } },
        routes: {
          read: { match: { path: '/orders/*', method: 'GET' }, policies, to: 'orders' },
          write: { match: { path: '/orders/*', method: 'POST' }, to: 'orders' },
        },
      },
      { threads },
    );
    const answer = await debug('/orders/5', { headers: { authorization: 'Bearer a-long-secret' } });
    assert.equal(answer.body, 'ok');
    assert.equal(answer.headers['cache-control'], 'no-store');
    const summary = String(answer.headers['gatehouse-debug']);
    assert.match(
      summary,
      /^id=\w+; route=read; rate-limit=pass [\d.]+ ms \(by ip 127\.0\.0\.1: 99 of 100 left \(100\/minute\), all back in \d+ s\)/,
    );
    assert.match(summary, /; first=http:\S+ 200 [\d.]+ ms; [\d.]+ ms$/);
    assert.equal(service.asked[0]?.headers['gatehouse-debug'], undefined);
    const document = await explained(answer);
    assert.equal(document.route?.name, 'read');
    assert.deepEqual(document.nearMisses, [{ route: 'write', path: '/orders/*', because: 'method is GET, wants POST' }]);
    const { live } = document;
    assert.deepEqual(
      live.policies.map(({ name, phase, decision, waited }) => [name, phase, decision, waited]),
      [
        ['rate-limit', 'requestHead', 'pass', false],
        ['rate-limit', 'responseHead', 'pass', false],
      ],
    );
    assert.deepEqual(toSteps(live), [['first', 'answered', 200]]);
    assert.deepEqual([live.route, live.service, live.endpoint, live.status], ['read', 'orders', service.url, 200]);
    const { startedMs, connectedMs, headMs, reused } = live.attempts[0]!;
    assert.ok(startedMs! <= connectedMs! && connectedMs! <= headMs! && headMs! <= live.durationMs);
    assert.equal(reused, false);
    assert.deepEqual(
      document.fields?.find(([name]) => name === 'authorization'),
      ['authorization', '[redacted]'],
    );
    assert.ok(!JSON.stringify(document).includes('a-long-secret'));
  });
}

test('what policies change on the way there and back is shown with its time, and not in the line', async (t) => {
  const service = await startAnsweringService(t, () => 'x'.repeat(5_000));
  const { debug, explained } = await startWatchedGateway(t, {
    services: { orders: { endpoints: [service.url] } },
    routes: {
      all: {
        match: { path: '/*' },
        policies: {
          headers: { request: { set: { 'x-one': '1' } }, response: { set: { 'x-two': '2' } } },
          compress: {},
        },
        to: 'orders',
      },
    },
  });
  const answer = await debug('/', { headers: { 'accept-encoding': 'gzip' } });
  assert.doesNotMatch(String(answer.headers['gatehouse-debug']), /headers=/);
  const { live } = await explained(answer);
  const steps = live.policies.map(({ name, phase, decision }) => `${name} ${phase} ${decision}`);
  assert.ok(steps.includes('headers upstreamRequest pass'), steps.join());
  assert.ok(steps.includes('headers responseHead pass'), steps.join());
  assert.ok(live.policies.every(({ durationMs }) => durationMs >= 0 && durationMs <= live.durationMs));
});

test('a refusal names the policy, its code and what is left', async (t) => {
  const { debug, explained } = await startWatchedGateway(t, {
    routes: {
      hello: { match: { path: '/' }, policies: { 'rate-limit': { limit: '1/hour' } }, to: { respond: { status: 204 } } },
    },
  });
  await debug('/');
  const answer = await debug('/');
  assert.equal(answer.status, 429);
  assert.match(String(answer.headers['gatehouse-debug']), /rate-limit=refuse GH_RATE_LIMIT_EXCEEDED .* 0 of 1 left/);
  const { live } = await explained(answer);
  assert.equal(live.code, 'GH_RATE_LIMIT_EXCEEDED');
  assert.deepEqual([live.policies[0]?.decision, live.policies[0]?.status], ['refuse', 429]);
  assert.deepEqual(live.attempts, []);
});

test('an answer from the cache shows what is kept, and that nobody was asked', async (t) => {
  const service = await startAnsweringService(t, () => 'ok');
  const { debug, explained } = await startWatchedGateway(t, {
    services: { a: { endpoints: [service.url] } },
    routes: { a: { match: { path: '/*' }, policies: { cache: { ttl: '1h' } }, to: 'a' } },
  });
  const missed = await explained(await debug('/x'));
  assert.equal(missed.live.cache, 'miss');
  assert.deepEqual(toSteps(missed.live), [['first', 'answered', 200]]);
  assert.match(
    missed.live.notes.find(({ about }) => about === 'cache')!.note,
    /fwd=uri-miss; fwd-status=200; ttl=3\d\d\d; stored/,
  );
  const hit = await debug('/x');
  assert.match(String(hit.headers['gatehouse-debug']), /cache=answer 200 .*hit; ttl=3\d\d\d.*cache=hit/);
  const { live } = await explained(hit);
  assert.deepEqual([live.cache, live.attempts.length, live.policies[0]?.decision], ['hit', 0, 'answer']);
});

test('a request that is retried elsewhere shows both attempts, and why the second endpoint was chosen', async (t) => {
  const good = await startUpstream(t, ok);
  const { debug, explained } = await startWatchedGateway(t, {
    services: {
      a: {
        endpoints: [
          { url: CLOSED, weight: 1000 },
          { url: good, weight: 1 },
        ],
      },
    },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const answer = await debug('/');
  assert.equal(answer.status, 200);
  const { live } = await explained(answer);
  assert.deepEqual(toSteps(live), [
    ['first', 'failed', 'GH_UPSTREAM_UNREACHABLE'],
    ['retry', 'answered', 200],
  ]);
  assert.equal(live.attempts[1]?.choice?.because, 'it comes next behind those that were asked before');
  assert.deepEqual(live.attempts[1]?.choice?.leftOut, [{ endpoint: CLOSED, because: 'it was asked before' }]);
});

test('an answer with a status that is not wanted is shown beside the one that took its place', async (t) => {
  const bad = await startUpstream(t, 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
  const good = await startUpstream(t, ok);
  const { debug, explained } = await startWatchedGateway(t, {
    services: {
      a: {
        endpoints: [
          { url: bad, weight: 1000 },
          { url: good, weight: 1 },
        ],
        retry: { on: [503] },
      },
    },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const { live } = await explained(await debug('/'));
  assert.deepEqual(toSteps(live), [
    ['first', 'unwanted', 503],
    ['retry', 'answered', 200],
  ]);
});

test('a hedged request shows the slower attempt', async (t) => {
  const slow = await startUpstream(t, undefined);
  const good = await startUpstream(t, ok);
  const { debug, explained } = await startWatchedGateway(t, {
    services: {
      a: {
        endpoints: [
          { url: slow, weight: 1000 },
          { url: good, weight: 1 },
        ],
        hedge: { after: '5ms' },
      },
    },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const { live } = await explained(await debug('/'));
  assert.deepEqual(toSteps(live), [
    ['first', 'slower', undefined],
    ['hedge', 'answered', 200],
  ]);
});

test('a service that does not answer shows its fallback', async (t) => {
  const good = await startUpstream(t, ok);
  const { debug, explained } = await startWatchedGateway(t, {
    services: { a: { endpoints: [CLOSED] }, b: { endpoints: [good] } },
    routes: { a: { match: { path: '/*' }, to: { service: 'a', fallback: { service: 'b' } } } },
  });
  const { live } = await explained(await debug('/'));
  assert.deepEqual(
    live.attempts.map(({ service, cause, outcome }) => [service, cause, outcome]),
    [...live.attempts.slice(0, -1).map(({ cause }) => ['a', cause, 'failed']), ['b', 'fallback', 'answered']],
  );
  assert.ok(live.attempts.length > 1);
  assert.deepEqual([live.service, live.fallback], ['b', 'GH_UPSTREAM_UNREACHABLE']);
});

test('an upstream that breaks off shows what was wrong', async (t) => {
  const broken = await startUpstream(t, 'HTTP/1.1 nonsense\r\n\r\n');
  const { debug, explained, errors } = await startWatchedGateway(t, {
    services: { a: { endpoints: [broken], retry: false } },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const answer = await debug('/');
  assert.equal(answer.status, 502);
  const { live } = await explained(answer);
  assert.deepEqual([live.attempts[0]?.outcome, live.attempts[0]?.code], ['failed', live.code]);
  assert.match(live.attempts[0]!.detail!, /the status line is not/);
  assert.deepEqual(
    (await errors()).map(({ id }) => id),
    [live.id],
  );
});

test('an answer that is made of several shows the attempts of all calls', async (t) => {
  const service = await startAnsweringService(t, () => '{"a":1}');
  const { debug, explained } = await startWatchedGateway(t, {
    services: { a: { endpoints: [service.url] } },
    routes: {
      both: {
        match: { path: '/' },
        to: {
          aggregate: {
            calls: { one: { service: 'a', path: '/one' }, two: { service: 'a', path: '/two' } },
            answer: { one: '${calls.one.body}', two: '${calls.two.body}' },
          },
        },
      },
    },
  });
  const { live } = await explained(await debug('/'));
  assert.deepEqual(toSteps(live), [
    ['first', 'answered', 200],
    ['first', 'answered', 200],
  ]);
  assert.deepEqual(live.calls?.map(({ name, outcome }) => [name, outcome]).sort(), [
    ['one', 'ok'],
    ['two', 'ok'],
  ]);
});

test('a tunnel says how it was opened, and is kept when it ends', async (t) => {
  const upgraded = await startUpstream(t, 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  const { gateway, admin, explained } = await startWatchedGateway(t, {
    services: { a: { endpoints: [upgraded] } },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const socket = connect({ port: gateway.port(), host: '127.0.0.1' });
  t.after(() => socket.destroy());
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.write(
    `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\ngatehouse-debug: ${makeTestToken()}\r\n\r\n`,
  );
  await eventually(() => received.includes('\r\n\r\n'), 'the tunnel is open');
  assert.match(received, /^HTTP\/1\.1 101 /);
  const id = /gatehouse-debug: id=(\w+); route=a; first=\S+ 101 /.exec(received)?.[1];
  assert.equal((await admin(`/api/explained/${id}`)).status, 404);
  socket.end();
  const { live } = await explained({ headers: { 'gatehouse-debug': `id=${id};` } });
  assert.deepEqual([live.status, live.tunnel, live.attempts[0]?.status], [101, true, 101]);
});

const forged: readonly (readonly [what: string, token: () => string])[] = [
  [
    'signed with another key',
    () => makeDebugToken({ expiresMs: 9e12, route: undefined, path: undefined, sees: 'document' }, new Secret('another')),
  ],
  ['expired', () => makeTestToken({ expiresMs: 1_000_000 })],
  ['for another route', () => makeTestToken({ route: 'other' })],
  ['for another path', () => makeTestToken({ path: '/hell' })],
  ['empty', () => ''],
  ['with a changed payload', () => changePayload(makeTestToken({ route: 'other' }))],
  ['cut off', () => makeTestToken().slice(0, -1)],
  ['without a signature', () => makeTestToken().split('.').slice(0, 2).join('.')],
  ['longer than a token is', () => `${makeTestToken()}${'a'.repeat(2_000)}`],
];

function changePayload(token: string): string {
  const [prefix, , mac] = token.split('.');
  return [prefix, Buffer.from(JSON.stringify({ exp: 9e9, sees: 'document' })).toString('base64url'), mac].join('.');
}

test('a token that is of no use changes nothing, and goes no further', async (t) => {
  const service = await startAnsweringService(t, () => 'ok');
  const { gateway, admin } = await startWatchedGateway(t, {
    services: { a: { endpoints: [service.url] } },
    routes: { hello: { match: { path: '/hello' }, to: 'a' }, other: { match: { path: '/other' }, to: 'a' } },
  });
  const plain = await ask(gateway.port(), '/hello');
  for (const [what, token] of forged) {
    const answer = await ask(gateway.port(), '/hello', { headers: { 'gatehouse-debug': token() } });
    assert.deepEqual(Object.keys(answer.headers), Object.keys(plain.headers), what);
    assert.equal(answer.body, 'ok', what);
    assert.equal((await admin(`/api/explained/${answer.headers['x-request-id']}`)).status, 404, what);
  }
  assert.ok(service.asked.every(({ headers }) => headers['gatehouse-debug'] === undefined));
  // The nearest that is allowed.
  for (const grant of [{ route: 'hello' }, { path: '/hello' }, { path: '/' }]) {
    const answer = await ask(gateway.port(), '/hello', { headers: { 'gatehouse-debug': makeTestToken(grant) } });
    assert.match(String(answer.headers['gatehouse-debug']), /route=hello/);
  }
});

test('without the setting, a token that would be good is dropped', async (t) => {
  const service = await startAnsweringService(t, () => 'ok');
  const { gateway } = await startWatchedGateway(t, {
    debug: undefined,
    services: { a: { endpoints: [service.url] } },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const { headers } = await ask(gateway.port(), '/', { headers: { 'gatehouse-debug': makeTestToken() } });
  assert.equal(headers['gatehouse-debug'], undefined);
  assert.equal(service.asked[0]?.headers['gatehouse-debug'], undefined);
});

test('a token for the summary alone keeps no document', async (t) => {
  const { debug, admin } = await startWatchedGateway(t, {
    routes: { hello: { match: { path: '/' }, to: { respond: { status: 204 } } } },
  });
  const answer = await debug('/', {}, { sees: 'summary' });
  const id = /id=(\w+); route=hello/.exec(String(answer.headers['gatehouse-debug']))![1];
  assert.equal((await admin(`/api/explained/${id}`)).status, 404);
});

test('only the last two hundred documents are kept', async (t) => {
  const { debug, explained, admin } = await startWatchedGateway(t, {
    routes: { hello: { match: { path: '/' }, to: { respond: { status: 204 } } } },
  });
  const first = await explained(await debug('/'));
  for (let i = 0; i < 199; i++) await debug('/');
  assert.equal((await admin(`/api/explained/${first.live.id}`)).status, 200);
  await explained(await debug('/'));
  assert.equal((await admin(`/api/explained/${first.live.id}`)).status, 404);
});

test('what a condition has looked at is not shown where it may be a secret', async (t) => {
  const { debug, explained } = await startWatchedGateway(t, {
    routes: {
      hello: {
        match: { path: '/' },
        policies: { 'rate-limit': { limit: '9/hour', by: 'header.x-client' } },
        to: { respond: { status: 204 } },
      },
      inner: { match: { path: '/', headers: { 'x-api-key': 'the-right-key' } }, to: { respond: { status: 204 } } },
      team: { match: { path: '/', method: 'GET', headers: { 'x-team': 'other' } }, to: { respond: { status: 204 } } },
    },
  });
  const document = await explained(
    await debug('/?access_token=query-secret&token=s3c', {
      headers: { 'x-api-key': 'client-secret', 'x-client': 'some-client', 'x-team': 'team' },
    }),
  );
  const text = JSON.stringify(document);
  assert.ok(!text.includes('client-secret') && !text.includes('query-secret') && !text.includes('s3c'));
  assert.ok(!text.includes('some-client'));
  assert.deepEqual(
    document.nearMisses.map(({ because }) => because),
    ["header 'x-team' has another value, wants 'other'", "header 'x-api-key' has another value, wants [redacted]"],
  );
  assert.equal(document.live.target, '/?access_token=[redacted]&token=[redacted]');
});

test('what a policy looks for a credential in is not shown, whatever it is called and whatever route is asked', async (t) => {
  const apiKey = { 'api-key': { header: 'x-door' } };
  const { debug, explained } = await startWatchedGateway(t, {
    consumers: { ann: { keys: [{ key: 'the-key-of-ann-0123456789' }] } },
    routes: {
      open: { match: { path: '/' }, to: { respond: { status: 204 } } },
      inner: { match: { path: '/', headers: { 'x-door': 'the-right-door' } }, to: { respond: { status: 204 } } },
      kept: { match: { path: '/kept' }, policies: { ...apiKey }, to: { respond: { status: 204 } } },
      asked: { match: { path: '/asked' }, policies: { 'api-key': { query: 'knock' } }, to: { respond: { status: 204 } } },
    },
  });
  const document = await explained(await debug('/?knock=who-is-there', { headers: { 'x-door': 'the-key-of-ann-0123456789' } }));
  const text = JSON.stringify(document);
  for (const secret of ['who-is-there', 'the-key-of-ann', 'the-right-door']) assert.ok(!text.includes(secret), secret);
  assert.equal(document.live.target, '/?knock=[redacted]');
});

test('the admin API explains a request by the present configuration', async (t) => {
  const { admin } = await startWatchedGateway(t, {
    routes: { hello: { match: { host: 'a.test', path: '/:name' }, to: { respond: { status: 204 } } } },
  });
  const post = (body: object) =>
    admin('/api/explain', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const { json } = await post({ method: 'get', url: 'http://a.test/bob' });
  const { route } = json as { route: { name: string; captures: object } };
  assert.deepEqual([route.name, route.captures], ['hello', { name: 'bob' }]);
  const missed = (await post({ method: 'GET', url: '/bob', headers: [['Host', 'b.test']] })).json as { nearMisses: object };
  assert.deepEqual(missed.nearMisses, [
    { route: 'hello', host: 'a.test', path: '/:name', because: "host is 'b.test', wants 'a.test'" },
  ]);
  const refused = await post({ method: 'GET', url: '/', listener: 'none' });
  assert.deepEqual([refused.status, (refused.json as { code: string }).code], [422, 'GH_ADMIN_UNEXPLAINABLE']);
});

for (const threads of [0, 2]) {
  test(`with ${threads} data threads, a client that asks for it is given the document in the place of the answer`, async (t) => {
    const service = await startAnsweringService(t, () => 'the answer of the service');
    const { debug } = await startWatchedGateway(
      t,
      {
        services: { a: { endpoints: [service.url] } },
        routes: {
          a: { match: { path: '/*' }, policies: { compress: {} }, to: 'a' },
          post: { match: { path: '/*', method: 'POST' }, policies: { 'rate-limit': { limit: '1/hour' } }, to: 'a' },
        },
      },
      { threads },
    );
    const headers = { 'gatehouse-debug-answer': 'document' };
    const answer = await debug('/x', { headers: { ...headers, 'accept-encoding': 'gzip' } });
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
    assert.equal(answer.headers['content-encoding'], undefined);
    const { route, nearMisses, live } = JSON.parse(answer.body) as ShownDocument;
    assert.deepEqual([route?.name, nearMisses[0]?.route, live.status], ['a', 'post', 200]);
    assert.deepEqual(toSteps(live), [['first', 'answered', 200]]);
    assert.equal(service.asked[0]?.headers['gatehouse-debug-answer'], undefined);
    // A body goes to the service as it always does, and a refusal has a document too.
    const [posted, refused] = [
      await debug('/x', { method: 'POST', body: 'hi', headers }),
      await debug('/x', { method: 'POST', body: 'hi', headers }),
    ];
    assert.equal(service.asked[1]?.body, 'hi');
    assert.equal((JSON.parse(posted.body) as ShownDocument).live.requestBytes, 2);
    assert.deepEqual([refused.status, (JSON.parse(refused.body) as ShownDocument).live.status], [200, 429]);
  });
}

test('the document comes also where the service breaks its answer off', async (t) => {
  const upstream = await startRawUpstream((connection) => {
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    connection.socket.destroySoon();
  });
  t.after(() => upstream.close());
  const { debug } = await startWatchedGateway(t, {
    services: { a: { endpoints: [upstream.url] } },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const answer = await debug('/x', { headers: { 'gatehouse-debug-answer': 'document' } });
  const { live } = JSON.parse(answer.body) as ShownDocument;
  assert.deepEqual([answer.status, live.status, live.code], [200, 200, 'GH_UPSTREAM_TRUNCATED_BODY']);
});

test('who may see the summary alone, or something else, is given no document in the place of the answer', async (t) => {
  const { debug } = await startWatchedGateway(t, {
    routes: { hello: { match: { path: '/' }, to: { respond: { status: 200, text: 'hello' } } } },
  });
  const own = await debug('/', { headers: { 'gatehouse-debug-answer': 'document' } }, { route: 'hello' });
  assert.equal((JSON.parse(own.body) as ShownDocument).live.route, 'hello');
  for (const grant of [{ sees: 'summary' }, { route: 'other' }, { path: '/other' }] as const)
    assert.equal((await debug('/', { headers: { 'gatehouse-debug-answer': 'document' } }, grant)).body, 'hello');
});
