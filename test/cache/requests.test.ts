/** RFC 9111 §3.3 to §4 and RFC 9110 §13 and §14: what different requests get of what is kept. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type CacheSite, type SiteAnswer, startCacheSite } from '#test/support/cache-site.ts';

const LAST_MODIFIED = 'Tue, 06 May 2031 10:00:00 GMT';

/** An answer is kept; then it is asked for as a test says. */
async function kept(t: TestContext, fields: readonly string[] = [], cache = {}): Promise<CacheSite> {
  const site = await startCacheSite(t, { cache });
  site.script = () => ({
    fields: ['cache-control', 'max-age=100', 'etag', '"one"', 'last-modified', LAST_MODIFIED, 'x-more', '1', ...fields],
    body: '0123456789',
  });
  await site.ask();
  return site;
}

const conditions: readonly (readonly [title: string, fields: readonly string[], status: number])[] = [
  ['the tag', ['if-none-match', '"one"'], 304],
  ['the tag as a weak one', ['if-none-match', 'W/"one"'], 304],
  ['the tag in a list', ['if-none-match', '"zero", "one"'], 304],
  ['the tag in several lines', ['if-none-match', '"zero"', 'if-none-match', '"one"'], 304],
  ['a star', ['if-none-match', '*'], 304],
  ['another tag', ['if-none-match', '"two"'], 200],
  ['a tag in another case', ['if-none-match', '"ONE"'], 200],
  ['the date', ['if-modified-since', LAST_MODIFIED], 304],
  ['a later date', ['if-modified-since', 'Tue, 06 May 2031 10:00:01 GMT'], 304],
  ['an earlier date', ['if-modified-since', 'Tue, 06 May 2031 09:59:59 GMT'], 200],
  ['the date in the form of RFC 850', ['if-modified-since', 'Tuesday, 06-May-31 10:00:00 GMT'], 304],
  ['no date', ['if-modified-since', 'yesterday'], 200],
  ['another tag, and the date', ['if-none-match', '"two"', 'if-modified-since', LAST_MODIFIED], 200],
  ['the tag, and an earlier date', ['if-none-match', '"one"', 'if-modified-since', 'Tue, 06 May 2031 09:59:59 GMT'], 304],
];

for (const [title, fields, status] of conditions)
  test(`${title}: ${status}`, async (t) => {
    const site = await kept(t);
    const answer = await site.ask({ fields });
    assert.deepEqual([answer.status, site.seen.length, answer.body], [status, 1, status === 304 ? '' : '0123456789']);
  });

test('a 304 tells what a cache behind us has to know, and nothing of a body', async (t) => {
  const site = await kept(t, ['content-type', 'text/plain', 'vary', 'foo', 'expires', 'x', 'content-location', '/a']);
  const answer = await site.ask({ fields: ['if-none-match', '"one"'] });
  for (const name of ['cache-control', 'content-location', 'date', 'etag', 'expires', 'vary', 'age', 'x-more'])
    assert.notEqual(answer.field(name), undefined, name);
  assert.deepEqual([answer.field('content-type'), answer.field('content-length')], [undefined, undefined]);
});

test('what does not say when it was changed was made no later than its date', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'] });
  await site.ask();
  assert.equal((await site.ask({ fields: ['if-modified-since', site.date()] })).status, 304);
  assert.equal((await site.ask({ fields: ['if-modified-since', site.date(-10)] })).status, 200);
});

test('a condition about something that is not kept is for the service', async (t) => {
  const site = await startCacheSite(t);
  site.script = ({ field }) => (field('if-none-match') === '"one"' ? { status: 304, fields: ['etag', '"one"'] } : {});
  assert.equal((await site.ask({ fields: ['if-none-match', '"one"'] })).status, 304);
  assert.equal((await site.ask()).status, 200);
});

for (const fields of [
  ['if-match', '"one"'],
  ['if-unmodified-since', LAST_MODIFIED],
])
  test(`${fields[0]} is for the service`, async (t) => {
    const site = await kept(t);
    await site.ask({ fields });
    assert.deepEqual([site.seen.length, site.seen[1]?.field(fields[0]!)], [2, fields[1]]);
  });

const ranges: readonly (readonly [title: string, fields: readonly string[], status: number, body: string, range?: string])[] = [
  ['the beginning', ['range', 'bytes=0-3'], 206, '0123', 'bytes 0-3/10'],
  ['the middle', ['range', 'bytes=4-5'], 206, '45', 'bytes 4-5/10'],
  ['without an end', ['range', 'bytes=7-'], 206, '789', 'bytes 7-9/10'],
  ['the last bytes', ['range', 'bytes=-2'], 206, '89', 'bytes 8-9/10'],
  ['more than there is', ['range', 'bytes=8-100'], 206, '89', 'bytes 8-9/10'],
  ['behind the end', ['range', 'bytes=10-'], 416, '', 'bytes */10'],
  ['no range', ['range', 'bytes=5-2'], 200, '0123456789'],
  ['another unit', ['range', 'pages=1-2'], 200, '0123456789'],
  ['several far from each other', ['range', 'bytes=0-0,9-9'], 206, '0123456789', 'bytes 0-9/10'],
  ['if it is the same', ['range', 'bytes=0-3', 'if-range', '"one"'], 206, '0123', 'bytes 0-3/10'],
  ['if it is another one', ['range', 'bytes=0-3', 'if-range', '"two"'], 200, '0123456789'],
  ['if it is weakly the same', ['range', 'bytes=0-3', 'if-range', 'W/"one"'], 200, '0123456789'],
  ['if it is as old', ['range', 'bytes=0-3', 'if-range', LAST_MODIFIED], 206, '0123', 'bytes 0-3/10'],
  ['with a condition that fails', ['range', 'bytes=0-3', 'if-none-match', '"one"'], 304, ''],
];

for (const [title, fields, status, body, range] of ranges)
  test(`a range: ${title}`, async (t) => {
    const site = await kept(t);
    const answer = await site.ask({ fields });
    assert.deepEqual([answer.status, answer.body, answer.field('content-range'), site.seen.length], [status, body, range, 1]);
  });

test('HEAD is answered from what is kept for GET', async (t) => {
  const site = await kept(t);
  const answer = await site.ask({ method: 'HEAD' });
  assert.deepEqual([answer.status, answer.body, answer.field('content-length'), site.seen.length], [200, '', '10', 1]);
});

const directives: readonly (readonly [said: string, afterS: number, isUsed: boolean])[] = [
  ['no-cache', 1, false],
  ['max-age=0', 1, false],
  ['max-age=5', 3, true],
  ['max-age=5', 6, false],
  ['max-age=x', 6, true],
  ['min-fresh=50', 40, true],
  ['min-fresh=70', 40, false],
  ['max-stale', 1_000, true],
  ['max-stale=50', 120, true],
  ['max-stale=10', 120, false],
  ['max-stale=x', 120, false],
  ['only-if-cached', 1, true],
  ['foo', 1, true],
];

for (const [said, afterS, isUsed] of directives)
  test(`a client that says ${said} after ${afterS} s: ${isUsed ? 'used' : 'not used'}`, async (t) => {
    const site = await kept(t);
    site.clock.advance(afterS * 1_000);
    await site.ask({ fields: ['cache-control', said] });
    assert.equal(site.seen.length, isUsed ? 1 : 2);
  });

test('a client that allows only what is kept gets nothing else', async (t) => {
  const site = await startCacheSite(t);
  const answer = await site.ask({ fields: ['cache-control', 'only-if-cached'] });
  assert.deepEqual([answer.status, site.seen.length], [504, 0]);
  assert.match(answer.body, /GH_CACHE_ONLY_IF_CACHED/);
});

test('Pragma of a request counts where there is nothing newer', async (t) => {
  const site = await kept(t);
  await site.ask({ fields: ['pragma', 'no-cache'] });
  assert.equal(site.seen.length, 2);
  await site.ask({ fields: ['pragma', 'no-cache', 'cache-control', 'max-age=50'] });
  assert.equal(site.seen.length, 2);
});

test('what a client wants not to be kept is not kept', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'] });
  await site.ask({ fields: ['cache-control', 'no-store'] });
  await site.ask();
  assert.equal(site.seen.length, 2);
});

test('where clients have nothing to say, they are not listened to', async (t) => {
  const site = await kept(t, [], { obeyClients: false });
  await site.ask({ fields: ['cache-control', 'no-cache'] });
  assert.equal(site.seen.length, 1);
});

test('what never changes is not asked for anew while it is fresh', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100, immutable', 'etag', '"a"'] });
  await site.ask();
  site.clock.advance(10_000);
  await site.ask({ fields: ['cache-control', 'max-age=0'] });
  assert.equal(site.seen.length, 1);
  site.clock.advance(100_000);
  await site.ask({ fields: ['cache-control', 'max-age=0'] });
  assert.equal(site.seen.length, 2);
});

function shown({ status, body, fields }: SiteAnswer): unknown {
  const shown: string[] = [];
  for (let i = 0; i < fields.length; i += 2)
    if (!['age', 'cache-status', 'x-request-id', 'connection', 'keep-alive'].includes(fields[i]!))
      shown.push(`${fields[i]}: ${fields[i + 1]}`);
  return { status, body, fields: shown.sort() };
}

test('what is kept is what the service has said', async (t) => {
  const site = await startCacheSite(t);
  const fields = [
    'cache-control',
    'max-age=100',
    'x-a',
    '1',
    'x-a',
    '2',
    'content-type',
    'text/plain',
    'link',
    '</a>',
    'content-language',
    'de',
  ];
  site.script = () => ({ fields, body: 'a body', isChunked: true });
  const first = await site.ask();
  const second = await site.ask();
  const withLength = {
    ...first,
    fields: [...first.fields.filter((_, i, all) => all[i - (i % 2)] !== 'transfer-encoding'), 'content-length', '6'],
  };
  assert.deepEqual(shown(second), shown(withLength));
});

test('fields of one connection, for one proxy or for one use are not kept', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({
    fields: [
      ...['cache-control', 'max-age=100, no-cache="x-once", private="x-own, x-other"', 'connection', 'x-hop', 'x-hop', '1'],
      ...[
        'proxy-authenticate',
        'Basic',
        'proxy-authentication-info',
        'a',
        'x-once',
        '1',
        'x-own',
        '2',
        'x-other',
        '3',
        'x-kept',
        '4',
      ],
    ],
  });
  const first = await site.ask();
  assert.deepEqual(['x-hop', 'x-once', 'x-own', 'x-kept'].map(first.field), [undefined, '1', '2', '4']);
  const second = await site.ask();
  assert.equal(site.seen.length, 1);
  const names = ['x-hop', 'proxy-authenticate', 'proxy-authentication-info', 'x-once', 'x-own', 'x-other', 'x-kept'];
  assert.deepEqual(names.map(second.field), [...names.slice(1).map(() => undefined), '4']);
});

for (const [title, told] of [
  ['an answer that breaks off', { body: 'abcdef', breaksOffAfter: 3 }],
  ['a chunked answer that breaks off', { body: 'abcdef', breaksOffAfter: 3, isChunked: true }],
] as const)
  test(`${title} is not kept`, async (t) => {
    const site = await startCacheSite(t);
    site.script = () => ({ fields: ['cache-control', 'max-age=100'], ...told });
    await assert.rejects(site.ask());
    site.script = () => ({ fields: ['cache-control', 'max-age=100'], body: 'whole' });
    assert.equal((await site.ask()).body, 'whole');
    assert.equal(site.seen.length, 2);
  });

test('what is longer than it may be is passed on whole and not kept', async (t) => {
  const site = await startCacheSite(t, { cache: { maxObject: '1KiB' } });
  for (const isChunked of [true, false]) {
    site.script = () => ({ fields: ['cache-control', 'max-age=100'], body: 'x'.repeat(200_000), isChunked });
    for (let i = 0; i < 2; i++) assert.equal((await site.ask()).body.length, 200_000);
  }
  assert.equal(site.seen.length, 4);
});

test('informational answers go on, and leave nothing in what is kept', async (t) => {
  const site = await startCacheSite(t);
  site.script = () => ({ fields: ['cache-control', 'max-age=100'], hints: { link: '</style.css>; rel=preload' } });
  await site.ask();
  const second = await site.ask();
  assert.deepEqual([site.seen.length, second.field('link')], [1, undefined]);
});

for (const [title, one, other] of [
  ['the query', { path: '/a?b=1' }, { path: '/a?b=2' }],
  ['the order of the query', { path: '/a?b=1&c=2' }, { path: '/a?c=2&b=1' }],
  ['the path', { path: '/a' }, { path: '/a/' }],
  ['the case of the path', { path: '/a' }, { path: '/A' }],
  ['the host', { host: 'one' }, { host: 'two' }],
  ['the port', { host: 'one' }, { host: 'one:81' }],
] as const)
  test(`${title} tells answers apart`, async (t) => {
    const site = await startCacheSite(t);
    site.script = (_, count) => ({ fields: ['cache-control', 'max-age=100'], body: `answer ${count}` });
    assert.deepEqual(
      [(await site.ask(one)).body, (await site.ask(other)).body, (await site.ask(one)).body],
      ['answer 1', 'answer 2', 'answer 1'],
    );
  });

test('the case of a host, and how a path is written, tell nothing apart', async (t) => {
  const site = await kept(t);
  await site.ask({ path: '/a', host: 'Shop' });
  await site.ask({ path: '/%61', host: 'shop' });
  await site.ask({ path: '/b/../a', host: 'SHOP' });
  assert.equal(site.seen.length, 2);
});
