/** RFC 5861 and RFC 9111 §4.2.4: when an answer is used that is not fresh any more. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type CacheSite, type ServiceAnswer, startCacheSite } from '#test/support/cache-site.ts';

async function stale(t: TestContext, control: string, { cache = {}, afterS = 20 } = {}): Promise<CacheSite> {
  const site = await startCacheSite(t, { cache });
  site.script = () => ({ fields: ['cache-control', control], body: 'old' });
  await site.ask();
  site.clock.advance(afterS * 1_000);
  return site;
}

const failures: Readonly<Record<string, ServiceAnswer>> = {
  'is gone': { isLost: true },
  'answers 503': { status: 503, body: 'failed' },
  'answers 500': { status: 500, body: 'failed' },
  'answers 404': { status: 404, body: 'failed' },
};

const cases: readonly (readonly [control: string, failure: keyof typeof failures, isUsed: boolean, cache?: object])[] = [
  ['max-age=10', 'is gone', true],
  ['max-age=10', 'answers 503', false],
  ['max-age=10, stale-if-error=60', 'is gone', true],
  ['max-age=10, stale-if-error=60', 'answers 503', true],
  ['max-age=10, stale-if-error=60', 'answers 500', true],
  ['max-age=10, stale-if-error=60', 'answers 404', false],
  ['max-age=10, stale-if-error=5', 'answers 503', false],
  ['max-age=10, must-revalidate', 'is gone', false],
  ['max-age=10, proxy-revalidate', 'is gone', false],
  ['s-maxage=10', 'is gone', false],
  ['s-maxage=10, stale-if-error=60', 'answers 503', true],
  ['max-age=10, no-cache', 'is gone', false],
  ['max-age=10, must-revalidate, stale-if-error=60', 'answers 503', false],
  ['max-age=10', 'answers 503', true, { staleIfError: '1m' }],
  ['max-age=10', 'is gone', true, { staleIfError: '1m' }],
  ['max-age=10', 'is gone', false, { staleIfError: '0s' }],
  ['max-age=10', 'is gone', false, { staleIfError: '5s' }],
  ['max-age=10, must-revalidate', 'answers 503', false, { staleIfError: '1m' }],
  ['max-age=10, stale-if-error=5', 'answers 503', false, { staleIfError: '1m' }],
];

for (const [control, failure, isUsed, cache] of cases)
  test(`${control}${cache === undefined ? '' : ` with ${JSON.stringify(cache)}`}, and the service ${failure}: ${isUsed ? 'used' : 'not used'}`, async (t) => {
    const site = await stale(t, control, { cache });
    site.script = () => failures[failure]!;
    const answer = await site.ask();
    assert.equal(answer.body === 'old', isUsed, `${answer.status} ${answer.body}`);
    if (!isUsed) return;
    assert.deepEqual([answer.status, answer.field('age')], [200, '20']);
    assert.match(answer.field('cache-status')!, /^gatehouse; fwd=stale; (?:fwd-status=50[03]; )?detail=stale-on-error$/);
  });

test('a client may allow it by itself', async (t) => {
  const site = await stale(t, 'max-age=10');
  site.script = () => ({ status: 503, body: 'failed' });
  assert.equal((await site.ask({ fields: ['cache-control', 'stale-if-error=60'] })).body, 'old');
  assert.equal((await site.ask({ fields: ['cache-control', 'stale-if-error=5'] })).body, 'failed');
});

test('who wants nothing old gets nothing old', async (t) => {
  const site = await stale(t, 'max-age=10, stale-if-error=60');
  site.script = () => ({ status: 503, body: 'failed' });
  assert.equal((await site.ask({ fields: ['cache-control', 'no-cache'] })).body, 'failed');
});

test('where there is nothing, the failure is told', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ isLost: true });
  const answer = await site.ask();
  assert.deepEqual([answer.status, answer.field('cache-status')], [502, undefined]);
});

for (const [control, cache] of [
  ['max-age=10, stale-while-revalidate=30', {}],
  ['max-age=10', { staleWhileRevalidate: '30s' }],
] as const)
  test(`${control} with ${JSON.stringify(cache)}: used once more, and asked for anew meanwhile`, async (t) => {
    const site = await stale(t, control, { cache });
    const { promise, resolve } = Promise.withResolvers<void>();
    site.script = () => ({ fields: ['cache-control', 'max-age=100'], body: 'new', beforeHead: promise });
    const answers = [await site.ask(), await site.ask()];
    assert.deepEqual(
      answers.map(({ body, field }) => [body, field('age'), field('cache-status')]),
      Array.from({ length: 2 }, () => ['old', '20', 'gatehouse; hit; ttl=-10']),
    );
    await site.untilSeen(2);
    resolve();
    let answer = await site.ask();
    while (answer.body === 'old') answer = await site.ask();
    assert.deepEqual([answer.body, site.seen.length], ['new', 2]);
  });

test('when that time is over too, it is asked for first', async (t) => {
  const site = await stale(t, 'max-age=10, stale-while-revalidate=30', { afterS: 41 });
  site.script = () => ({ body: 'new' });
  assert.equal((await site.ask()).body, 'new');
});

test('what must be asked about is not used meanwhile', async (t) => {
  const site = await stale(t, 'max-age=10, must-revalidate, stale-while-revalidate=30');
  site.script = () => ({ body: 'new' });
  assert.equal((await site.ask()).body, 'new');
});

test('what is asked in the background is asked with conditions, and may be the same still', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=10, stale-while-revalidate=30', 'etag', '"one"'], body: 'old' });
  await site.ask();
  site.clock.advance(20_000);
  site.script = ({ field }) => ({ status: field('if-none-match') === '"one"' ? 304 : 500, fields: ['etag', '"one"'] });
  await site.ask();
  await site.untilSeen(2);
  let answer = await site.ask();
  while (answer.field('cache-status') !== 'gatehouse; hit; ttl=10') answer = await site.ask();
  assert.deepEqual([answer.body, site.seen.length], ['old', 2]);
});

test('a failure in the background is nobody’s answer', async (t) => {
  const site = await stale(t, 'max-age=10, stale-while-revalidate=30');
  site.script = () => ({ isLost: true });
  assert.equal((await site.ask()).body, 'old');
  await site.untilSeen(2);
  assert.equal((await site.ask()).body, 'old');
});

test('what stands in for a service that fails is not kept', async (t) => {
  const routes = {
    all: {
      match: { path: '/*' },
      policies: { cache: { ttl: '1m' } },
      to: { service: 'shop', fallback: { respond: { status: 200, text: 'later' } } },
    },
  };
  const site = await startCacheSite(t, { more: { routes } as Partial<GatewayInput> });
  site.script = () => ({ isLost: true });
  const answer = await site.ask();
  assert.deepEqual(
    [answer.body, answer.field('cache-status')],
    ['later', 'gatehouse; fwd=uri-miss; fwd-status=200; detail=fallback'],
  );
  site.script = () => ({ body: 'back' });
  assert.equal((await site.ask()).body, 'back');
});
