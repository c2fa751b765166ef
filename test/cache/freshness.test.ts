/** RFC 9111 §4.2: how long an answer is used, by what it says itself. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CacheSite, startCacheSite } from '#test/support/cache-site.ts';

interface Case {
  readonly title: string;
  /** What the service says, given dates of the site's clock. */
  readonly says: (site: CacheSite) => readonly string[];
  readonly status?: number;
  readonly afterS: number;
  readonly isUsed: boolean;
}

const plain =
  (...fields: string[]) =>
  () =>
    fields;

const cases: readonly Case[] = [
  { title: 'max-age, while it lasts', says: plain('cache-control', 'max-age=10'), afterS: 8, isUsed: true },
  { title: 'max-age, afterwards', says: plain('cache-control', 'max-age=10'), afterS: 10, isUsed: false },
  { title: 'max-age=0', says: plain('cache-control', 'max-age=0', 'etag', '"a"'), afterS: 0, isUsed: false },
  { title: 's-maxage before max-age', says: plain('cache-control', 'max-age=1, s-maxage=10'), afterS: 8, isUsed: true },
  { title: 'a shorter s-maxage too', says: plain('cache-control', 'max-age=10, s-maxage=1'), afterS: 8, isUsed: false },
  {
    title: 'Expires, while it lasts',
    says: ({ date }) => ['expires', date(10)],
    afterS: 8,
    isUsed: true,
  },
  { title: 'Expires, afterwards', says: ({ date }) => ['expires', date(10)], afterS: 11, isUsed: false },
  {
    title: 'Expires in the form of RFC 850',
    says: () => ['expires', 'Wednesday, 07-May-31 11:14:00 GMT'],
    afterS: 8,
    isUsed: true,
  },
  { title: 'Expires in the form of asctime', says: () => ['expires', 'Wed May  7 11:14:00 2031'], afterS: 8, isUsed: true },
  { title: 'Expires in lower case', says: ({ date }) => ['expires', date(100).toLowerCase()], afterS: 8, isUsed: true },
  {
    title: 'Expires in another zone',
    says: ({ date }) => ['expires', date(100).replace('GMT', 'UTC')],
    afterS: 1,
    isUsed: false,
  },
  {
    title: 'Expires twice',
    says: ({ date }) => ['expires', date(100), 'expires', date(100)],
    afterS: 1,
    isUsed: false,
  },
  { title: 'Expires: 0', says: plain('expires', '0'), afterS: 1, isUsed: false },
  { title: 'Expires before the date', says: ({ date }) => ['expires', date(-10)], afterS: 0, isUsed: false },
  {
    title: 'Expires is counted from the date of the answer',
    says: ({ date }) => ['date', date(-100), 'expires', date(5)],
    afterS: 4,
    isUsed: true,
  },
  {
    title: 'max-age before Expires',
    says: ({ date }) => ['cache-control', 'max-age=10', 'expires', date(-10)],
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'max-age=0 before Expires',
    says: ({ date }) => ['cache-control', 'max-age=0', 'expires', date(100)],
    afterS: 1,
    isUsed: false,
  },
  { title: 'a name in another case', says: plain('cache-control', 'MAX-AGE=10'), afterS: 8, isUsed: true },
  { title: 'a value in quotes', says: plain('cache-control', 'max-age="10"'), afterS: 8, isUsed: true },
  { title: 'a value in single quotes', says: plain('cache-control', "max-age='10'"), afterS: 1, isUsed: false },
  { title: 'leading zeros', says: plain('cache-control', 'max-age=00010'), afterS: 8, isUsed: true },
  { title: 'a fraction', says: plain('cache-control', 'max-age=10.0'), afterS: 1, isUsed: false },
  { title: 'a negative number', says: plain('cache-control', 'max-age=-10'), afterS: 1, isUsed: false },
  { title: 'a word behind the number', says: plain('cache-control', 'max-age=10s'), afterS: 1, isUsed: false },
  { title: 'a space behind the name', says: plain('cache-control', 'max-age =10'), afterS: 1, isUsed: false },
  {
    title: 'a space behind the name of no-store',
    says: plain('cache-control', 'max-age=10, no-store ="x"'),
    afterS: 1,
    isUsed: false,
  },
  {
    title: 'a space behind the name of no-cache',
    says: plain('cache-control', 'max-age=10, no-cache ="x"'),
    afterS: 1,
    isUsed: false,
  },
  { title: 'a space before the number', says: plain('cache-control', 'max-age= 10'), afterS: 1, isUsed: false },
  { title: 'a number that is too large', says: plain('cache-control', 'max-age=99999999999999'), afterS: 100_000, isUsed: true },
  {
    title: 'unknown directives beside',
    says: plain('cache-control', 'foo, bar=x, max-age=10, baz="a, b"'),
    afterS: 8,
    isUsed: true,
  },
  { title: 'a quoted text that holds a directive', says: plain('cache-control', 'x="max-age=10"'), afterS: 1, isUsed: false },
  { title: 'a quote that nobody closes', says: plain('cache-control', 'max-age=10, x="a, no-store'), afterS: 1, isUsed: false },
  { title: 'several lines', says: plain('cache-control', 'public', 'cache-control', 'max-age=10'), afterS: 8, isUsed: true },
  { title: 'of several values the first', says: plain('cache-control', 'max-age=1, max-age=10'), afterS: 8, isUsed: false },
  {
    title: 'the age that it had before',
    says: plain('cache-control', 'max-age=10', 'age', '5'),
    afterS: 6,
    isUsed: false,
  },
  { title: 'an age that is no number', says: plain('cache-control', 'max-age=10', 'age', 'x'), afterS: 8, isUsed: true },
  { title: 'a negative age', says: plain('cache-control', 'max-age=10', 'age', '-5'), afterS: 8, isUsed: true },
  {
    title: 'an age that is too large',
    says: plain('cache-control', 'max-age=10', 'age', '99999999999'),
    afterS: 0,
    isUsed: false,
  },
  { title: 'of several ages the first', says: plain('cache-control', 'max-age=10', 'age', '0, 20'), afterS: 8, isUsed: true },
  {
    title: 'the age by its date',
    says: ({ date }) => ['date', date(-5), 'cache-control', 'max-age=10'],
    afterS: 6,
    isUsed: false,
  },
  {
    title: 'a date in the future',
    says: ({ date }) => ['date', date(50), 'cache-control', 'max-age=10'],
    afterS: 8,
    isUsed: true,
  },
  { title: 'a date that is none', says: plain('date', 'x', 'cache-control', 'max-age=10'), afterS: 8, isUsed: true },
  { title: 'no-store', says: plain('cache-control', 'max-age=10, no-store'), afterS: 1, isUsed: false },
  { title: 'no-store in another case', says: plain('cache-control', 'max-age=10, No-Store'), afterS: 1, isUsed: false },
  { title: 'no-cache', says: plain('cache-control', 'max-age=10, no-cache', 'etag', '"a"'), afterS: 1, isUsed: false },
  { title: 'private', says: plain('cache-control', 'max-age=10, private'), afterS: 1, isUsed: false },
  {
    title: 'Pragma of an answer means nothing',
    says: plain('cache-control', 'max-age=10', 'pragma', 'no-cache'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'must-understand takes no-store away',
    says: plain('cache-control', 'max-age=10, no-store, must-understand'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'must-understand with a status that nobody knows',
    says: plain('cache-control', 'max-age=10, must-understand'),
    status: 299,
    afterS: 1,
    isUsed: false,
  },
  {
    title: 'a tenth of the time since it was changed',
    says: ({ date }) => ['last-modified', date(-100)],
    afterS: 8,
    isUsed: true,
  },
  { title: 'not more than a tenth', says: ({ date }) => ['last-modified', date(-100)], afterS: 11, isUsed: false },
  { title: 'nothing at all', says: plain(), afterS: 0, isUsed: false },
  {
    title: 'Set-Cookie of who says how long',
    says: plain('cache-control', 'max-age=10', 'set-cookie', 'a=1'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'Set-Cookie of who does not',
    says: ({ date }) => ['last-modified', date(-1_000), 'set-cookie', 'a=1'],
    afterS: 1,
    isUsed: false,
  },
  {
    title: 'CDN-Cache-Control first',
    says: plain('cache-control', 'no-store', 'cdn-cache-control', 'max-age=10'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'CDN-Cache-Control before Expires',
    says: ({ date }) => ['expires', date(100), 'cdn-cache-control', 'max-age=1'],
    afterS: 8,
    isUsed: false,
  },
  {
    title: 'our own field before both',
    says: plain('cdn-cache-control', 'max-age=1', 'gatehouse-cache-control', 'max-age=10'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'a targeted field that is no dictionary',
    says: plain('cache-control', 'max-age=10', 'cdn-cache-control', 'MAX-AGE=1'),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'an empty targeted field',
    says: plain('cache-control', 'max-age=10', 'cdn-cache-control', ''),
    afterS: 8,
    isUsed: true,
  },
  {
    title: 'a targeted value of another type',
    says: plain('cache-control', 'max-age=10', 'cdn-cache-control', 'max-age="10"'),
    afterS: 1,
    isUsed: false,
  },
  {
    title: 'a targeted private',
    says: plain('cache-control', 'max-age=10', 'cdn-cache-control', 'max-age=10, private'),
    afterS: 1,
    isUsed: false,
  },
];

for (const { title, says, status = 200, afterS, isUsed } of cases) {
  test(`${title}: ${isUsed ? 'used' : 'not used'} after ${afterS} s`, async (t) => {
    const site = await startCacheSite(t);
    site.script = () => ({ status, fields: says(site) });
    assert.equal((await site.ask()).status, status);
    site.clock.advance(afterS * 1_000);
    const answer = await site.ask();
    assert.deepEqual([answer.status, site.seen.length], [status, isUsed ? 1 : 2]);
    assert.equal(answer.field('age') !== undefined, isUsed || answer.values('age').length > 0);
  });
}

async function isKept(t: TestContext, status: number, fields: (site: CacheSite) => string[], cache = {}): Promise<boolean> {
  const site = await startCacheSite(t, { cache });
  site.script = () => ({ status, fields: fields(site) });
  await site.ask();
  await site.ask();
  return site.seen.length === 1;
}

for (const status of [
  200, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 404, 405, 410, 414, 451, 499, 500, 501, 502, 503, 504, 599,
])
  test(`an answer with ${status} is used when it says how long`, async (t) => {
    assert.equal(await isKept(t, status, () => ['cache-control', 'max-age=10', 'location', '/']), true);
  });

for (const [status, isUsed] of [
  [200, true],
  [203, true],
  [204, true],
  [300, true],
  [301, true],
  [308, true],
  [404, true],
  [405, true],
  [410, true],
  [414, true],
  [501, true],
  [201, false],
  [202, false],
  [302, false],
  [307, false],
  [400, false],
  [403, false],
  [429, false],
  [500, false],
  [502, false],
  [503, false],
  [599, false],
] as const)
  test(`how long an answer with ${status} is used is ${isUsed ? '' : 'not '}guessed`, async (t) => {
    assert.equal(await isKept(t, status, ({ date }) => ['last-modified', date(-10_000), 'location', '/']), isUsed);
  });

test('with `public` it is guessed for each status', async (t) => {
  assert.equal(await isKept(t, 599, ({ date }) => ['last-modified', date(-10_000), 'cache-control', 'public']), true);
});

test('nothing is guessed where the configuration says so', async (t) => {
  assert.equal(await isKept(t, 200, ({ date }) => ['last-modified', date(-10_000)], { heuristic: false }), false);
});

for (const [ttl, status, fields, isUsed] of [
  ['30s', 200, [], true],
  ['30s', 404, [], false],
  ['30s', 200, ['cache-control', 'max-age=0'], false],
  ['30s', 200, ['cache-control', 'private'], false],
  ['30s', 200, ['set-cookie', 'a=1'], false],
  [{ 404: '5s' }, 404, [], true],
  [{ 404: '5s' }, 200, [], false],
  [{ '5xx': '1s' }, 503, [], true],
  [{ '5xx': '1s', 503: '0s' }, 503, [], false],
] as const)
  test(`ttl: ${JSON.stringify(ttl)} with ${status} ${fields.join(' ')}: ${isUsed ? 'used' : 'not used'}`, async (t) => {
    assert.equal(await isKept(t, status, () => [...fields], { ttl, heuristic: false }), isUsed);
  });

test('an answer tells its age, and keeps its date', async (t) => {
  const site = await startCacheSite(t);
  const made = site.date(-3);
  site.script = () => ({ fields: ['cache-control', 'max-age=100', 'date', made, 'age', '7'] });
  const first = await site.ask();
  assert.deepEqual([first.field('age'), first.field('date')], ['7', made]);
  site.clock.advance(20_000);
  const second = await site.ask();
  assert.deepEqual([second.values('age'), second.values('date')], [['27'], [made]]);
});

test('how long the answer took counts for its age', async (t) => {
  const site = await startCacheSite(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  site.script = () => ({ fields: ['cache-control', 'max-age=100', 'age', '0'], beforeHead: promise });
  const first = site.ask();
  await site.untilSeen(1);
  site.clock.advance(5_000);
  resolve();
  await first;
  assert.equal((await site.ask()).field('age'), '5');
});

test('an answer without a date gets the one of its arrival', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'], hasDate: false });
  const arrived = site.date();
  await site.ask();
  site.clock.advance(20_000);
  assert.deepEqual((await site.ask()).values('date'), [arrived]);
});
