/** By what answers are told apart: nobody gets what is meant for another one, and nobody can put something there for others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SiteRequest, startCacheSite } from '#test/support/cache-site.ts';

const FRESH = ['cache-control', 'max-age=100'];
const consumers = {
  ann: { keys: ['key-of-ann-which-is-long-enough'] },
  bob: { keys: ['key-of-bob-which-is-long-enough'] },
};
const ann = ['x-api-key', 'key-of-ann-which-is-long-enough'];
const bob = ['x-api-key', 'key-of-bob-which-is-long-enough'];

for (const [control, isShared] of [
  ['max-age=100', false],
  ['max-age=100, public', true],
  ['s-maxage=100', true],
  ['max-age=100, must-revalidate', true],
] as const)
  for (const [who, fields, policies] of [
    ['a client with a token for the service', ['authorization', 'Bearer a'], {}],
    ['a consumer', ann, { 'api-key': {} }],
  ] as const)
    test(`${who} shares an answer with ${control}: ${isShared}`, async (t) => {
      const site = await startCacheSite(t, { policies, more: { consumers } });
      site.script = () => ({ fields: ['cache-control', control] });
      await site.ask({ fields });
      await site.ask({ fields: fields === ann ? bob : ['authorization', 'Bearer b'] });
      assert.equal(site.seen.length, isShared ? 1 : 2);
    });

test('an answer that anybody was given is given to who shows something too', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: FRESH });
  await site.ask();
  await site.ask({ fields: ['authorization', 'Bearer a'] });
  assert.equal(site.seen.length, 1);
});

test('with answers of their own, consumers get them again, and no others', async (t) => {
  const site = await startCacheSite(t, {
    policies: { 'api-key': {} },
    cache: { perConsumer: true, ttl: '1m' },
    more: { consumers },
  });
  site.script = (_, count) => ({ body: `answer ${count}` });
  const bodies: string[] = [];
  for (const fields of [ann, bob, ann, bob]) bodies.push((await site.ask({ fields })).body);
  assert.deepEqual(bodies, ['answer 1', 'answer 2', 'answer 1', 'answer 2']);
});

test('where all consumers are the same to it, they share', async (t) => {
  const site = await startCacheSite(t, {
    policies: { 'api-key': {} },
    cache: { perConsumer: false, ttl: '1m' },
    more: { consumers },
  });
  for (const fields of [ann, bob]) await site.ask({ fields });
  assert.equal(site.seen.length, 1);
});

test('who is not let in gets nothing of what is kept', async (t) => {
  const site = await startCacheSite(t, {
    policies: { 'api-key': {} },
    cache: { perConsumer: false, ttl: '1m' },
    more: { consumers },
  });
  await site.ask({ fields: ann });
  const refused = await site.ask();
  assert.deepEqual([refused.status, refused.field('cache-status'), site.seen.length], [401, undefined, 1]);
});

test('other policies meet an answer from the cache as one of the service', async (t) => {
  const policies = { headers: { response: { set: { 'x-asked': '${header.x-who}' } } } };
  const site = await startCacheSite(t, { policies });
  site.script = () => ({ fields: FRESH });
  for (const who of ['a', 'b']) assert.deepEqual((await site.ask({ fields: ['x-who', who] })).values('x-asked'), [who]);
  assert.equal(site.seen.length, 1);
});

const keyed: readonly (readonly [title: string, cache: object, one: SiteRequest, other: SiteRequest, isShared: boolean])[] = [
  ['a field', { key: 'header.x-lang' }, { fields: ['x-lang', 'de'] }, { fields: ['x-lang', 'en'] }, false],
  ['the same field', { key: 'header.x-lang' }, { fields: ['x-lang', 'de'] }, { fields: ['x-lang', 'de', 'x-a', '1'] }, true],
  ['a cookie', { key: 'cookie.currency' }, { fields: ['cookie', 'currency=eur'] }, { fields: ['cookie', 'currency=usd'] }, false],
  [
    'another cookie',
    { key: 'cookie.currency' },
    { fields: ['cookie', 'currency=eur; a=1'] },
    { fields: ['cookie', 'a=2; currency=eur'] },
    true,
  ],
  ['cookies without a word', {}, { fields: ['cookie', 'a=1'] }, { fields: ['cookie', 'a=2'] }, true],
  ['named parameters', { query: { include: ['page'] } }, { path: '/?page=1&x=1' }, { path: '/?x=2&page=1' }, true],
  ['another value of a named one', { query: { include: ['page'] } }, { path: '/?page=1' }, { path: '/?page=2' }, false],
  [
    'parameters that do not count',
    { query: { exclude: ['utm_*'] } },
    { path: '/?utm_source=a&b=1' },
    { path: '/?b=1&utm_medium=c' },
    true,
  ],
  ['those that do', { query: { exclude: ['utm_*'] } }, { path: '/?utm=a' }, { path: '/?utm=b' }, false],
  ['all of them', { query: { exclude: ['*'] } }, { path: '/?a' }, { path: '/' }, true],
];

for (const [title, cache, one, other, isShared] of keyed)
  test(`${title}: ${isShared ? 'the same' : 'another'} answer`, async (t) => {
    const site = await startCacheSite(t, { cache });
    site.script = () => ({ fields: FRESH });
    await site.ask(one);
    await site.ask(other);
    assert.equal(site.seen.length, isShared ? 1 : 2);
  });

for (const name of ['x-forwarded-host', 'forwarded', 'x-forwarded-proto', 'x-forwarded-port', 'x-real-ip'])
  test(`${name} of a client reaches no service, so it poisons nothing`, async (t) => {
    const site = await startCacheSite(t);
    site.script = ({ field }) => ({ fields: FRESH, body: `for ${field(name)}` });
    const poisoned = await site.ask({ fields: [name, 'evil.example'] });
    assert.doesNotMatch(poisoned.body, /evil/);
    assert.equal((await site.ask()).body, poisoned.body);
  });

test('the host that a trusted proxy was asked for tells answers apart', async (t) => {
  const more = { listeners: { web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.1'] } } };
  const site = await startCacheSite(t, { more });
  site.script = ({ field }) => ({ fields: FRESH, body: field('x-forwarded-host')! });
  for (const host of ['one.example', 'two.example', 'one.example'])
    assert.equal((await site.ask({ fields: ['x-forwarded-host', host] })).body, host);
  assert.equal(site.seen.length, 2);
});

for (const name of ['x-original-url', 'x-rewrite-url', 'x-http-method-override', 'x-forwarded-prefix', 'x-host'])
  test(`a request with ${name} passes by: nothing of it is kept, and it gets nothing of what is`, async (t) => {
    const site = await startCacheSite(t);
    site.script = ({ field }) => ({ fields: FRESH, body: `for ${field(name)}` });
    const poisoned = await site.ask({ fields: [name, 'evil'] });
    assert.deepEqual([poisoned.body, poisoned.field('cache-status')], ['for evil', 'gatehouse; fwd=bypass']);
    assert.equal((await site.ask()).body, 'for undefined');
    assert.equal((await site.ask({ fields: [name, 'evil'] })).body, 'for evil');
  });

test('unless it tells answers apart', async (t) => {
  const site = await startCacheSite(t, { cache: { key: 'header.x-forwarded-prefix' } });
  site.script = ({ field }) => ({ fields: FRESH, body: `for ${field('x-forwarded-prefix')}` });
  for (const prefix of ['/a', '/b', '/a'])
    assert.equal((await site.ask({ fields: ['x-forwarded-prefix', prefix] })).body, `for ${prefix}`);
  assert.equal(site.seen.length, 2);
});

test('a condition leaves the cache out', async (t) => {
  const site = await startCacheSite(t, { cache: { bypass: '"x-preview" in request.headers' } });
  site.script = (_, count) => ({ fields: FRESH, body: `answer ${count}` });
  assert.equal((await site.ask()).body, 'answer 1');
  assert.equal((await site.ask({ fields: ['x-preview', '1'] })).body, 'answer 2');
  assert.equal((await site.ask()).body, 'answer 1');
});

test('a body of QUERY is a part of what is asked', async (t) => {
  const site = await startCacheSite(t);
  site.script = ({ body, method }) => ({ fields: FRESH, body: `${method} ${body}` });
  const query = (body: string, type = 'application/json') => site.ask({ method: 'QUERY', body, fields: ['content-type', type] });
  assert.equal((await query('{"a":1}')).body, 'QUERY {"a":1}');
  assert.equal((await query('{"a":2}')).body, 'QUERY {"a":2}');
  assert.equal((await query('{"a":1}')).body, 'QUERY {"a":1}');
  await query('{"a":1}', 'text/plain');
  assert.equal(site.seen.length, 3);
});

test('POST is kept where the configuration says that it changes nothing', async (t) => {
  const site = await startCacheSite(t, { cache: { methods: ['GET', 'POST'], ttl: '1m' } });
  site.script = ({ body }, count) => ({ body: `${body} ${count}` });
  for (const [body, answer] of [
    ['a', 'a 1'],
    ['b', 'b 2'],
    ['a', 'a 1'],
  ] as const)
    assert.equal((await site.ask({ method: 'POST', body })).body, answer);
});

test('tags are for the cache alone', async (t) => {
  const site = await startCacheSite(t, { cache: { tags: 'Cache-Tag' } });
  site.script = () => ({ fields: [...FRESH, 'cache-tag', 'blue, red', 'gatehouse-cache-control', 'max-age=50'] });
  for (let i = 0; i < 2; i++) {
    const answer = await site.ask();
    assert.deepEqual([answer.field('cache-tag'), answer.field('gatehouse-cache-control')], [undefined, undefined]);
  }
  assert.equal(site.seen.length, 1);
});

test('where it is to say nothing, it says nothing', async (t) => {
  const site = await startCacheSite(t, { cache: { statusHeader: false } });
  site.script = () => ({ fields: FRESH });
  for (let i = 0; i < 2; i++) assert.equal((await site.ask()).field('cache-status'), undefined);
  assert.equal((await site.ask({ method: 'DELETE' })).field('cache-status'), undefined);
});

test('what others on the way have said of their caches stays, before our word', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: [...FRESH, 'cache-status', 'inner; hit'] });
  assert.deepEqual((await site.ask()).values('cache-status'), [
    'inner; hit',
    'gatehouse; fwd=uri-miss; fwd-status=200; ttl=100; stored',
  ]);
  assert.deepEqual((await site.ask()).values('cache-status'), ['inner; hit', 'gatehouse; hit; ttl=100']);
});
