/** RFC 9110 §9.3.3: an answer to POST that others get who ask for the same address. */
import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import { type ServiceAnswer, startCacheSite } from '#test/support/cache-site.ts';

const said = ['cache-control', 'max-age=100', 'content-location', '/a'];

const cases: readonly (readonly [
  title: string,
  answer: ServiceAnswer,
  isKept: boolean,
  fields?: readonly string[],
  cache?: object,
])[] = [
  ['that says how long, and of what it is', { fields: said }, true],
  ['whose length is not announced', { fields: said, isChunked: true }, true],
  ['that names the whole address', { fields: ['cache-control', 'max-age=100', 'content-location', 'http://shop/a'] }, true],
  ['that expires', { fields: ['expires', 'Wed, 07 May 2031 12:14:00 GMT', 'content-location', '/a'] }, true],
  ['that is of something else', { fields: ['cache-control', 'max-age=100', 'content-location', '/b'] }, false],
  ['that is of another host', { fields: ['cache-control', 'max-age=100', 'content-location', 'http://other/a'] }, false],
  ['that is of two things', { fields: [...said, 'content-location', '/b'] }, false],
  ['that does not say of what it is', { fields: ['cache-control', 'max-age=100'] }, false],
  [
    'that does not say how long',
    { fields: ['last-modified', 'Tue, 06 May 2031 10:00:00 GMT', 'content-location', '/a'] },
    false,
    [],
    { ttl: '1m' },
  ],
  ['that was not what was asked for', { status: 201, fields: said }, false],
  ['that is for one client', { fields: [...said, 'cache-control', 'private'] }, false],
  ['that is not to be kept', { fields: [...said, 'cache-control', 'no-store'] }, false],
  ['that depends on fields', { fields: [...said, 'vary', 'foo'] }, false],
  ['that is stale', { fields: [...said, 'age', '100', 'etag', '"one"'] }, false],
  ['to somebody who is known', { fields: said }, false, ['authorization', 'Basic eDp5']],
  ['to somebody who is known, for all', { fields: [...said, 'cache-control', 'public'] }, true, ['authorization', 'Basic eDp5']],
  ['that the client wants nobody to keep', { fields: said }, false, ['cache-control', 'no-store']],
  ['to a request that could poison', { fields: said }, false, ['x-original-url', '/b']],
  ['to a request that the configuration excepts', { fields: said }, false, [], { bypass: 'request.method == "POST"' }],
  ['that is too long', { fields: said, body: 'x'.repeat(2_000) }, false, [], { maxObject: '1KiB' }],
];

for (const [title, told, isKept, fields = [], cache = {}] of cases)
  test(`an answer to POST ${title}: ${isKept ? 'kept' : 'not kept'} for GET`, async (t) => {
    const site = await startCacheSite(t, { cache });
    const body = told.body ?? 'posted';
    site.script = ({ method }) => (method === 'POST' ? { body, ...told } : { body: 'got' });
    const posted = await site.ask({ method: 'POST', path: '/a', body: 'x', fields });
    assert.equal(posted.body, body);
    site.clock.advance(5_000);
    const answer = await site.ask({ path: '/a' });
    assert.deepEqual([answer.body, answer.field('age')], isKept ? ['posted', '5'] : ['got', undefined]);
    assert.equal((await site.ask({ method: 'POST', path: '/a', body: 'x', fields })).body, body);
    assert.equal(site.seen.length, isKept ? 2 : 3);
  });

test('HEAD is answered from what was posted', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: [...said, 'age', '10'], body: 'posted' });
  const posted = await site.ask({ method: 'POST', path: '/a', body: 'x' });
  assert.equal(posted.field('cache-status'), 'gatehouse; fwd=method; fwd-status=200; ttl=90; stored');
  const answer = await site.ask({ method: 'HEAD', path: '/a' });
  assert.deepEqual([answer.status, answer.field('content-length'), site.seen.length], [200, '6', 1]);
});

test('what was posted takes the place of what was kept', async (t) => {
  const site = await startCacheSite(t);
  site.script = ({ method }) => ({ fields: said, body: method });
  assert.equal((await site.ask({ path: '/a' })).body, 'GET');
  await site.ask({ method: 'POST', path: '/a', body: 'x' });
  assert.equal((await site.ask({ path: '/a' })).body, 'POST');
});

test('an answer to POST that breaks off is not kept', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: said, body: 'posted', breaksOffAfter: 3 });
  await assert.rejects(site.ask({ method: 'POST', path: '/a', body: 'x' }));
  site.script = () => ({ body: 'got' });
  assert.equal((await site.ask({ path: '/a' })).body, 'got');
});

test('an answer to POST is not kept if something has changed before it was whole', async (t) => {
  const site = await startCacheSite(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.script = ({ method }) => ({ fields: said, body: 'posted', ...(method === 'POST' && { beforeEnd: promise }) });
  const answer = await post(site.gateway.port());
  await site.ask({ method: 'DELETE', path: '/a' });
  resolve();
  await finished(answer.resume());
  site.script = () => ({ body: 'got' });
  assert.equal((await site.ask({ path: '/a' })).body, 'got');
});

/** Resolves when the answer has begun. */
function post(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method: 'POST', path: '/a', headers: { host: 'shop' }, agent: false }, resolve)
      .on('error', reject)
      .end('x');
  });
}
