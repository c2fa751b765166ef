/** RFC 9111 §4.1: an answer is for requests that have the named fields in common. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startCacheSite } from '#test/support/cache-site.ts';

type Fields = readonly string[];

/** The answer names `vary`; the second request is or is not answered from the first one's answer. */
const cases: readonly (readonly [title: string, vary: readonly string[], first: Fields, second: Fields, isUsed: boolean])[] = [
  ['the same value', ['foo'], ['foo', '1'], ['foo', '1'], true],
  ['another value', ['foo'], ['foo', '1'], ['foo', '2'], false],
  ['the field is missing later', ['foo'], ['foo', '1'], [], false],
  ['the field was missing', ['foo'], [], ['foo', '1'], false],
  ['the field is missing in both', ['foo'], [], [], true],
  ['an empty field is not a missing one', ['foo'], ['foo', ''], [], false],
  ['a name in another case', ['FOO'], ['foo', '1'], ['foo', '1'], true],
  ['another field', ['foo'], ['foo', '1', 'bar', '1'], ['foo', '1', 'bar', '2'], true],
  ['two fields', ['foo, bar'], ['foo', '1', 'bar', '2'], ['bar', '2', 'foo', '1'], true],
  ['one of two', ['foo, bar'], ['foo', '1', 'bar', '2'], ['foo', '1', 'bar', '3'], false],
  ['one of two lines', ['foo', 'bar'], ['foo', '1', 'bar', '2'], ['foo', '1', 'bar', '3'], false],
  ['spaces at commas', ['foo'], ['foo', '1, 2'], ['foo', '1,2'], true],
  ['several lines are one list', ['foo'], ['foo', '1, 2'], ['foo', '1', 'foo', '2'], true],
  ['another order', ['foo'], ['foo', '1, 2'], ['foo', '2, 1'], false],
  ['values differ by case', ['foo'], ['foo', 'a'], ['foo', 'A'], false],
  ['languages in another order', ['accept-language'], ['accept-language', 'en, de'], ['accept-language', 'de,en'], true],
  ['languages in another case', ['accept-language'], ['accept-language', 'en-US'], ['accept-language', 'en-us'], true],
  [
    'languages with other weights',
    ['accept-language'],
    ['accept-language', 'en, de;q=0.5'],
    ['accept-language', 'en;q=0.5, de'],
    false,
  ],
  [
    'weights that are written differently',
    ['accept-encoding'],
    ['accept-encoding', 'gzip;q=1.0'],
    ['accept-encoding', 'gzip'],
    true,
  ],
  [
    'types in another order',
    ['accept'],
    ['accept', 'text/html, text/plain;q=0.5'],
    ['accept', 'text/plain;q=0.5,text/html'],
    true,
  ],
  ['types with other parameters', ['accept'], ['accept', 'a/b;v=1'], ['accept', 'a/b;v=2'], false],
  ['a star', ['*'], [], [], false],
  ['a star among others', ['foo, *'], ['foo', '1'], ['foo', '1'], false],
  ['a star in another line', ['foo', '*'], ['foo', '1'], ['foo', '1'], false],
];

for (const [title, vary, first, second, isUsed] of cases)
  test(`${title}: ${isUsed ? 'used' : 'not used'}`, async (t) => {
    const site = await startCacheSite(t);
    site.script = () => ({ fields: ['cache-control', 'max-age=100', ...vary.flatMap((line) => ['vary', line])] });
    await site.ask({ fields: first });
    await site.ask({ fields: second });
    assert.equal(site.seen.length, isUsed ? 1 : 2);
  });

test('answers for different requests are kept side by side', async (t) => {
  const site = await startCacheSite(t);
  site.script = ({ field }) => ({ fields: ['cache-control', 'max-age=100', 'vary', 'foo'], body: `for ${field('foo')}` });
  for (const foo of ['1', '2', '3', '1', '2', '3']) {
    const answer = await site.ask({ fields: ['foo', foo] });
    assert.equal(answer.body, `for ${foo}`);
  }
  assert.equal(site.seen.length, 3);
});

test('of several that fit, the most recent one is used', async (t) => {
  const site = await startCacheSite(t);
  site.script = (_, count) => ({
    fields: ['cache-control', 'max-age=100', ...(count === 1 ? [] : ['vary', 'foo'])],
    body: `answer ${count}`,
  });
  await site.ask({ fields: ['foo', '1', 'cache-control', 'no-cache'] });
  site.clock.advance(2_000);
  await site.ask({ fields: ['foo', '1', 'cache-control', 'no-cache'] });
  assert.equal((await site.ask({ fields: ['foo', '1'] })).body, 'answer 2');
  assert.equal((await site.ask({ fields: ['foo', '2'] })).body, 'answer 1');
});

test('says that another variant was there', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100', 'vary', 'foo'] });
  await site.ask({ fields: ['foo', '1'] });
  const other = await site.ask({ fields: ['foo', '2'] });
  assert.match(other.field('cache-status') ?? '', /^gatehouse; fwd=vary-miss;/);
});

test('what a policy makes of a field is not taken for what the client has sent', async (t) => {
  const policies = { headers: { request: { set: { 'x-tenant': '${query.tenant}' } } } };
  const site = await startCacheSite(t, { policies, cache: { query: { exclude: ['tenant'] } } });
  site.script = ({ field }) => ({ fields: ['cache-control', 'max-age=100', 'vary', 'x-tenant'], body: field('x-tenant') ?? '' });
  assert.equal((await site.ask({ path: '/?tenant=a' })).body, 'a');
  assert.equal((await site.ask({ path: '/?tenant=b' })).body, 'b');
});

test('what the gateway says of where a request came from tells answers apart too', async (t) => {
  const more = { listeners: { web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.1'] } } };
  const site = await startCacheSite(t, { more });
  site.script = ({ field }) => ({
    fields: ['cache-control', 'max-age=100', 'vary', 'x-forwarded-for'],
    body: field('x-forwarded-for')!,
  });
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1'])
    assert.match((await site.ask({ fields: ['x-forwarded-for', address] })).body, new RegExp(`^${address}`));
  assert.equal(site.seen.length, 2);
});
