/** RFC 9111 §3.3 and §3.4: what is done with parts of answers. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CacheSite, type SeenRequest, type ServiceAnswer, startCacheSite } from '#test/support/cache-site.ts';

const WHOLE = '0123456789';
const CHANGED = 'Tue, 06 May 2031 10:00:00 GMT';
const strong = ['cache-control', 'max-age=100', 'etag', '"one"'];

/** What a service answers that knows ranges. */
function serve({ field }: SeenRequest, fields: readonly string[] = strong): ServiceAnswer {
  const match = /^bytes=(\d*)-(\d*)$/.exec(field('range') ?? '');
  if (match === null) return { fields, body: WHOLE };
  const [, first = '', last = ''] = match;
  const start = first === '' ? WHOLE.length - Number(last) : Number(first);
  const end = first === '' || last === '' ? WHOLE.length : Number(last) + 1;
  return { status: 206, fields: [...fields, 'content-range', `bytes ${start}-${end - 1}/10`], body: WHOLE.slice(start, end) };
}

async function partSite(t: TestContext, kept: readonly string[], fields: readonly string[] = strong): Promise<CacheSite> {
  const site = await startCacheSite(t);
  site.script = (request) => serve(request, fields);
  for (const range of kept) assert.equal((await site.ask({ fields: ['range', range] })).status, 206);
  return site;
}

const uses: readonly (readonly [kept: string, asked: string, body: string, range: string, isUsed: boolean])[] = [
  ['bytes=2-6', 'bytes=2-6', '23456', 'bytes 2-6/10', true],
  ['bytes=2-6', 'bytes=3-4', '34', 'bytes 3-4/10', true],
  ['bytes=4-', 'bytes=-2', '89', 'bytes 8-9/10', true],
  ['bytes=4-', 'bytes=7-', '789', 'bytes 7-9/10', true],
  ['bytes=4-', 'bytes=7-100', '789', 'bytes 7-9/10', true],
  ['bytes=-6', 'bytes=4-9', '456789', 'bytes 4-9/10', true],
  ['bytes=2-6', 'bytes=2-7', '234567', 'bytes 2-7/10', false],
  ['bytes=2-6', 'bytes=0-3', '0123', 'bytes 0-3/10', false],
  ['bytes=2-6', 'bytes=-3', '789', 'bytes 7-9/10', false],
];

for (const validator of [[], ['etag', '"one"'], ['etag', 'W/"one"']])
  for (const [kept, asked, body, range, isUsed] of uses)
    test(`${kept} is kept with ${validator}, and ${isUsed ? '' : 'not '}used for ${asked}`, async (t) => {
      const site = await partSite(t, [kept], ['cache-control', 'max-age=100', ...validator]);
      const answer = await site.ask({ fields: ['range', asked] });
      assert.deepEqual([answer.status, answer.body, answer.values('content-range')], [206, body, [range]]);
      assert.equal(site.seen.length, isUsed ? 1 : 2);
      assert.equal(answer.field('content-length'), String(body.length));
      assert.equal(answer.field('age') !== undefined, isUsed);
    });

for (const [title, fields, isUsed] of [
  ['if it is the same', ['if-range', '"one"'], true],
  ['if it is another one', ['if-range', '"two"'], false],
  ['with a condition', ['if-none-match', '"one"'], false],
] as const)
  test(`a part that is asked for ${title}: ${isUsed ? '' : 'not '}used`, async (t) => {
    const site = await partSite(t, ['bytes=2-6']);
    const answer = await site.ask({ fields: ['range', 'bytes=2-6', ...fields] });
    assert.deepEqual([answer.status, site.seen.length], [206, isUsed ? 1 : 2]);
  });

for (const [title, fields] of [
  ['is not fresh any more', strong],
  ['has to be asked about', ['cache-control', 'max-age=100, no-cache', 'etag', '"one"']],
  ['is for one client', ['cache-control', 'max-age=100, private', 'etag', '"one"']],
  ['says nothing of how long it is fresh', ['etag', '"one"']],
] as const)
  test(`a part that ${title} is asked for again, as the client asks`, async (t) => {
    const site = await partSite(t, ['bytes=2-6'], fields);
    if (fields === strong) site.clock.advance(100_000);
    const answer = await site.ask({ fields: ['range', 'bytes=2-6'] });
    assert.deepEqual([answer.status, answer.body, site.seen.length], [206, '23456', 2]);
    assert.deepEqual([site.seen[1]?.field('range'), site.seen[1]?.field('if-none-match')], ['bytes=2-6', undefined]);
  });

for (const [kept, missing] of [
  ['bytes=0-3', 'bytes=4-'],
  ['bytes=4-', 'bytes=0-3'],
  ['bytes=-3', 'bytes=0-6'],
] as const)
  test(`who asks for the whole where ${kept} is kept gets it of both`, async (t) => {
    const site = await partSite(t, [kept]);
    site.script = (request) => serve(request, [...strong, 'x-new', '1']);
    const answer = await site.ask();
    assert.deepEqual([site.seen[1]?.field('range'), site.seen[1]?.field('if-range')], [missing, '"one"']);
    assert.deepEqual([answer.status, answer.body, answer.field('content-length')], [200, WHOLE, '10']);
    assert.deepEqual([answer.field('content-range'), answer.field('x-new')], [undefined, '1']);
    assert.equal(answer.field('cache-status'), 'gatehouse; fwd=partial; fwd-status=206; ttl=100; stored');
    const again = await site.ask();
    assert.deepEqual([again.status, again.body, again.field('content-range'), site.seen.length], [200, WHOLE, undefined, 2]);
  });

test('a date that is old enough tells that parts belong together', async (t) => {
  const fields = ['cache-control', 'max-age=100', 'last-modified', CHANGED];
  const site = await partSite(t, ['bytes=0-3'], fields);
  assert.equal((await site.ask()).body, WHOLE);
  assert.deepEqual([site.seen[1]?.field('range'), site.seen[1]?.field('if-range')], ['bytes=4-', CHANGED]);
});

for (const [title, validator] of [
  ['a weak tag', ['etag', 'W/"one"']],
  ['no tag and no date', []],
] as const)
  test(`with ${title} nobody knows whether parts belong together, so the whole is asked for`, async (t) => {
    const site = await partSite(t, ['bytes=0-3'], ['cache-control', 'max-age=100', ...validator]);
    assert.equal((await site.ask()).body, WHOLE);
    assert.equal(site.seen[1]?.field('range'), undefined);
  });

const mismatches: Readonly<Record<string, ServiceAnswer>> = {
  'of something else': {
    status: 206,
    fields: ['cache-control', 'max-age=100', 'etag', '"two"', 'content-range', 'bytes 4-9/10'],
    body: 'abcdef',
  },
  'of another length': { status: 206, fields: [...strong, 'content-range', 'bytes 4-19/20'], body: 'abcdefghijklmnop' },
  'other than was asked for': { status: 206, fields: [...strong, 'content-range', 'bytes 5-9/10'], body: 'bcdef' },
  'that is not to be kept': {
    status: 206,
    fields: ['cache-control', 'no-store', 'etag', '"one"', 'content-range', 'bytes 4-9/10'],
    body: '456789',
  },
  'that is not there': { status: 416, fields: ['content-range', 'bytes */3'], body: '' },
};

for (const [title, rest] of Object.entries(mismatches))
  test(`with a rest ${title} the whole is asked for`, async (t) => {
    const site = await partSite(t, ['bytes=0-3']);
    site.script = ({ field }) => (field('range') === undefined ? { fields: ['etag', '"two"'], body: 'another' } : rest);
    const answer = await site.ask();
    assert.deepEqual([answer.status, answer.body, site.seen.length], [200, 'another', 3]);
  });

test('a service that answers with the whole is believed', async (t) => {
  const site = await partSite(t, ['bytes=0-3']);
  site.script = () => ({ fields: ['cache-control', 'max-age=100', 'etag', '"two"'], body: 'another' });
  for (let i = 0; i < 2; i++) assert.equal((await site.ask()).body, 'another');
  assert.equal(site.seen.length, 2);
});

test('a service that fails changes nothing of what is kept', async (t) => {
  const site = await partSite(t, ['bytes=0-3']);
  site.script = () => ({ status: 503, body: 'failed' });
  assert.equal((await site.ask()).status, 503);
  assert.equal((await site.ask({ fields: ['range', 'bytes=0-3'] })).body, '0123');
  assert.equal(site.seen.length, 2);
});

for (const [title, told] of [
  ['breaks off', { body: '456789', breaksOffAfter: 3 }],
  ['is too short', { body: '456', isChunked: true }],
  ['is too long', { body: '456789abc', isChunked: true }],
] as const)
  test(`a rest that ${title} makes no whole`, async (t) => {
    const site = await partSite(t, ['bytes=0-3']);
    site.script = () => ({ status: 206, fields: [...strong, 'content-range', 'bytes 4-9/10'], ...told });
    await assert.rejects(site.ask());
    site.script = (request) => serve(request);
    assert.equal((await site.ask()).body, WHOLE);
    assert.equal(site.seen.length, 3);
  });

test('parts that touch become one, and the whole in the end', async (t) => {
  const site = await partSite(t, ['bytes=2-4', 'bytes=4-6']);
  assert.equal((await site.ask({ fields: ['range', 'bytes=2-6'] })).body, '23456');
  assert.equal(site.seen.length, 2);
  await site.ask({ fields: ['range', 'bytes=7-'] });
  await site.ask({ fields: ['range', 'bytes=0-1'] });
  const whole = await site.ask();
  assert.deepEqual([whole.status, whole.body, whole.field('content-range'), site.seen.length], [200, WHOLE, undefined, 4]);
});

test('parts that do not touch, or of something else, are not mixed', async (t) => {
  const site = await partSite(t, ['bytes=0-2', 'bytes=5-7']);
  assert.equal((await site.ask({ fields: ['range', 'bytes=0-2'] })).body, '012');
  assert.equal(site.seen.length, 3);
  site.script = (request) => ({ ...serve(request, ['cache-control', 'max-age=100', 'etag', '"two"']), body: 'abc' });
  await site.ask({ fields: ['range', 'bytes=3-5'] });
  assert.equal((await site.ask({ fields: ['range', 'bytes=3-5'] })).body, 'abc');
  site.script = (request) => serve(request);
  assert.equal((await site.ask({ fields: ['range', 'bytes=2-5'] })).body, '2345');
});

for (const [title, fields] of [
  ['a part that nobody asked for', []],
  ['several parts', ['range', 'bytes=0-1,8-9']],
] as const)
  test(`${title}: passed on and not kept`, async (t) => {
    const site = await startCacheSite(t);
    const range =
      title === 'several parts' ? ['content-type', 'multipart/byteranges; boundary=x'] : ['content-range', 'bytes 0-3/10'];
    site.script = () => ({ status: 206, fields: [...strong, ...range], body: '0123' });
    for (let i = 0; i < 2; i++) assert.equal((await site.ask({ fields })).status, 206);
    assert.equal(site.seen.length, 2);
  });

test('HEAD is for the service where a part is kept', async (t) => {
  const site = await partSite(t, ['bytes=0-3']);
  const answer = await site.ask({ method: 'HEAD' });
  assert.deepEqual([answer.status, answer.field('content-range'), site.seen.length], [200, undefined, 2]);
});

test('a change throws parts away', async (t) => {
  const site = await partSite(t, ['bytes=0-3']);
  await site.ask({ method: 'POST', body: 'x' });
  await site.ask({ fields: ['range', 'bytes=0-3'] });
  assert.equal(site.seen.length, 3);
});

test('who asks for the whole at the same time waits for the rest too', async (t) => {
  const site = await partSite(t, ['bytes=0-3']);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.script = (request) => ({ ...serve(request), beforeEnd: promise });
  const first = site.ask();
  await site.untilSeen(2);
  const second = site.ask();
  resolve();
  assert.deepEqual([(await first).body, (await second).body], [WHOLE, WHOLE]);
  assert.equal(site.seen.length, 2);
});
