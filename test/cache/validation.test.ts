/** RFC 9111 §3.2, §4.3 and §4.4: what is kept is asked about, updated, and thrown away. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CacheSite, startCacheSite } from '#test/support/cache-site.ts';

const CHANGED = 'Tue, 06 May 2031 10:00:00 GMT';

/** Something is kept that is not fresh any more. */
async function stale(t: TestContext, fields: readonly string[], cache = {}): Promise<CacheSite> {
  const site = await startCacheSite(t, { cache });
  site.script = () => ({ fields: ['cache-control', 'max-age=10', ...fields], body: 'first' });
  await site.ask();
  site.clock.advance(20_000);
  return site;
}

test('the service is asked by tag and date, and what is kept is used again when it is the same', async (t) => {
  const site = await stale(t, ['etag', '"one"', 'last-modified', CHANGED, 'x-a', 'old', 'x-b', 'kept']);
  site.script = () => ({ status: 304, fields: ['etag', '"one"', 'cache-control', 'max-age=30', 'x-a', 'new'] });
  const answer = await site.ask();
  assert.deepEqual([answer.status, answer.body, answer.field('x-a'), answer.field('x-b')], [200, 'first', 'new', 'kept']);
  assert.deepEqual([site.seen[1]?.field('if-none-match'), site.seen[1]?.field('if-modified-since')], ['"one"', CHANGED]);
  assert.equal(answer.field('cache-status'), 'gatehouse; fwd=stale; fwd-status=304; ttl=30');
  site.clock.advance(25_000);
  const again = await site.ask();
  assert.deepEqual([site.seen.length, again.field('x-a'), again.field('age')], [2, 'new', '25']);
});

test('what has changed takes the place of what was kept', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = () => ({ fields: ['etag', '"two"', 'cache-control', 'max-age=10'], body: 'second' });
  assert.equal((await site.ask()).body, 'second');
  assert.equal((await site.ask()).body, 'second');
  assert.equal(site.seen.length, 2);
});

for (const name of ['content-length', 'content-encoding', 'content-range', 'connection', 'proxy-authenticate', 'keep-alive'])
  test(`${name} of a 304 changes nothing`, async (t) => {
    const site = await stale(t, ['etag', '"one"', ...(name === 'content-encoding' ? [name, 'gzip'] : [])]);
    const before = name === 'content-encoding' ? 'gzip' : name === 'content-length' ? '5' : undefined;
    site.script = () => ({ status: 304, fields: ['etag', '"one"', name, name === 'content-length' ? '10' : 'x-new'] });
    await site.ask();
    assert.equal((await site.ask()).field(name === 'connection' ? 'x-new' : name), before);
  });

for (const name of [
  'content-type',
  'content-language',
  'content-location',
  'content-security-policy',
  'expires',
  'set-cookie',
  'link',
  'vary',
])
  test(`${name} of a 304 is kept`, async (t) => {
    const site = await stale(t, ['etag', '"one"', name, 'x-old']);
    site.script = () => ({ status: 304, fields: ['etag', '"one"', 'cache-control', 'max-age=10', name, 'x-new'] });
    assert.deepEqual((await site.ask()).values(name), ['x-new']);
    assert.deepEqual((await site.ask()).values(name), ['x-new']);
    assert.equal(site.seen.length, 2);
  });

test('the conditions of a client are answered from what was found to be the same', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = ({ field }) =>
    field('if-none-match') === '"one"' ? { status: 304, fields: ['etag', '"one"'] } : { body: 'whole' };
  const same = await site.ask({ fields: ['if-none-match', '"one"'] });
  assert.deepEqual([same.status, same.body], [304, '']);
  const other = await site.ask({ fields: ['if-none-match', '"zero"'] });
  assert.deepEqual([other.status, other.body], [200, 'first']);
});

test('a part is cut from what was found to be the same', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = ({ field }) => (field('range') === undefined ? { status: 304, fields: ['etag', '"one"'] } : { status: 500 });
  const answer = await site.ask({ fields: ['range', 'bytes=1-2'] });
  assert.deepEqual([answer.status, answer.body], [206, 'ir']);
});

test('a 304 about something else is not believed', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = ({ field }) =>
    field('if-none-match') === undefined ? { body: 'second' } : { status: 304, fields: ['etag', '"two"'] };
  const answer = await site.ask();
  assert.deepEqual([answer.status, answer.body, site.seen.length], [200, 'second', 3]);
});

test('no-cache is used after each question', async (t) => {
  const site = await startCacheSite(t);
  site.script = ({ field }) =>
    field('if-none-match') === '"one"'
      ? { status: 304, fields: ['etag', '"one"'] }
      : { fields: ['cache-control', 'no-cache, max-age=100', 'etag', '"one"'], body: 'first' };
  for (let i = 0; i < 3; i++) assert.equal((await site.ask()).body, 'first');
  assert.equal(site.seen.length, 3);
});

test('what the service does not want to be kept any more goes', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = () => ({ status: 304, fields: ['etag', '"one"', 'cache-control', 'no-store'] });
  assert.equal((await site.ask()).body, 'first');
  site.script = () => ({ body: 'second' });
  assert.equal((await site.ask()).body, 'second');
  assert.equal(site.seen[2]?.field('if-none-match'), undefined);
});

// §4.3.5

test('a HEAD that says the same makes what is kept fresh', async (t) => {
  const site = await stale(t, ['etag', '"one"']);
  site.script = () => ({ fields: ['etag', '"one"', 'cache-control', 'max-age=100', 'x-a', 'new', 'content-length', '5'] });
  assert.equal((await site.ask({ method: 'HEAD' })).field('x-a'), 'new');
  const answer = await site.ask();
  assert.deepEqual([answer.body, answer.field('x-a'), site.seen.length], ['first', 'new', 2]);
});

for (const [title, fields, status] of [
  ['another tag', ['etag', '"two"', 'content-length', '5'], 200],
  ['another length', ['etag', '"one"', 'content-length', '6'], 200],
  ['another status', ['content-length', '5'], 404],
] as const)
  test(`a HEAD that says something else: ${title}`, async (t) => {
    const site = await stale(t, ['etag', '"one"']);
    site.script = () => ({ status, fields: ['cache-control', 'max-age=100', ...fields] });
    await site.ask({ method: 'HEAD' });
    site.script = () => ({ body: 'second' });
    assert.equal((await site.ask()).body, 'second');
  });

test('a HEAD of something that is not kept is a HEAD for the service', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'] });
  await site.ask({ method: 'HEAD' });
  await site.ask();
  assert.deepEqual(
    site.seen.map(({ method }) => method),
    ['HEAD', 'GET'],
  );
});

// §4.4

async function isThrownAway(
  t: TestContext,
  method: string,
  answer: { status?: number; fields?: readonly string[] },
  path = '/a',
): Promise<boolean> {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'] });
  await site.ask({ path: '/a' });
  site.script = () => answer;
  await site.ask({ method, path, ...(method === 'POST' && { body: 'x' }) });
  site.script = () => ({});
  const before = site.seen.length;
  await site.ask({ path: '/a' });
  return site.seen.length > before;
}

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'LINK'])
  test(`${method} throws away what is kept`, async (t) => {
    assert.equal(await isThrownAway(t, method, { status: 200 }), true);
  });

for (const status of [201, 204, 303])
  test(`so does an answer with ${status}`, async (t) => assert.equal(await isThrownAway(t, 'POST', { status }), true));

for (const status of [400, 404, 500, 503])
  test(`an answer with ${status} does not`, async (t) => assert.equal(await isThrownAway(t, 'POST', { status }), false));

for (const method of ['OPTIONS', 'PROPFIND'])
  test(`${method} changes nothing`, async (t) => assert.equal(await isThrownAway(t, method, {}), false));

for (const [name, value, isMeant] of [
  ['location', '/a', true],
  ['content-location', '/a', true],
  ['location', 'a', true],
  ['location', 'http://shop/a', true],
  ['location', 'http://other/a', false],
  ['location', 'https://shop/a', false],
  ['content-location', '//other/a', false],
  ['location', 'http://[', false],
] as const)
  test(`${name}: ${value} of another address ${isMeant ? 'is' : 'is not'} thrown away too`, async (t) => {
    assert.equal(await isThrownAway(t, 'POST', { status: 201, fields: [name, value] }, '/b'), isMeant);
  });

test('all that differs by fields goes together', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100', 'vary', 'foo'] });
  for (const foo of ['1', '2']) await site.ask({ fields: ['foo', foo] });
  await site.ask({ method: 'DELETE' });
  for (const foo of ['1', '2']) await site.ask({ fields: ['foo', foo] });
  assert.equal(site.seen.length, 5);
});

test('what was asked before a change is not kept behind it, and nobody else waits for it', async (t) => {
  const site = await startCacheSite(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.script = ({ method }, count) => ({
    fields: ['cache-control', 'max-age=100'],
    body: `${count}`,
    ...(method === 'GET' && count === 1 && { beforeHead: promise }),
  });
  const old = site.ask();
  await site.untilSeen(1);
  await site.ask({ method: 'PUT' });
  assert.equal((await site.ask()).body, '3');
  resolve();
  assert.equal((await old).body, '1');
  assert.equal((await site.ask()).body, '3');
});
