/** What is kept answers requests over HTTP/2 as it answers those over HTTP/1. */
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { type CacheSite, startCacheSite } from '#test/support/cache-site.ts';

interface Answer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | string[] | number | undefined>>;
  readonly body: string;
}

function ask(session: ClientHttp2Session, fields: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': '/', ':authority': 'shop', ...fields });
    let head: Answer['fields'] = {};
    let body = '';
    stream.setEncoding('latin1');
    stream.on('response', (told) => {
      head = told as Answer['fields'];
    });
    stream.on('data', (text: string) => {
      body += text;
    });
    stream.on('error', reject);
    stream.on('end', () => resolve({ status: Number(head[':status']), fields: head, body }));
    stream.end();
  });
}

async function openSite(t: TestContext): Promise<{ site: CacheSite; session: ClientHttp2Session }> {
  const site = await startCacheSite(t);
  site.script = () => ({
    fields: ['cache-control', 'max-age=100', 'etag', '"one"', 'set-cookie', 'a=1', 'set-cookie', 'b=2'],
    body: '0123456789',
  });
  const session = connect(`http://127.0.0.1:${site.gateway.port()}`);
  t.after(() => session.close());
  return { site, session };
}

const cases: readonly (readonly [title: string, fields: Record<string, string>, status: number, body: string, more: object])[] = [
  ['a hit', {}, 200, '0123456789', { age: '5', 'set-cookie': ['a=1', 'b=2'], 'content-length': '10' }],
  ['HEAD', { ':method': 'HEAD' }, 200, '', { 'content-length': '10' }],
  ['a range', { range: 'bytes=2-3' }, 206, '23', { 'content-range': 'bytes 2-3/10', 'content-length': '2' }],
  ['a range behind the end', { range: 'bytes=10-' }, 416, '', { 'content-range': 'bytes */10' }],
  ['a condition', { 'if-none-match': '"one"' }, 304, '', { etag: '"one"', 'content-length': undefined }],
  ['HEAD with a condition', { ':method': 'HEAD', 'if-none-match': '"one"' }, 304, '', { etag: '"one"' }],
];

for (const [title, fields, status, body, more] of cases)
  test(`${title} over HTTP/2: ${status}`, async (t) => {
    const { site, session } = await openSite(t);
    const first = await ask(session);
    assert.deepEqual([first.status, first.body, first.fields['age']], [200, '0123456789', undefined]);
    site.clock.advance(5_000);
    const answer = await ask(session, fields);
    assert.deepEqual([answer.status, answer.body, site.seen.length], [status, body, 1]);
    for (const [name, value] of Object.entries(more)) assert.deepEqual(answer.fields[name], value, name);
    assert.match(String(answer.fields['cache-status']), /^gatehouse; hit; ttl=95$/);
  });

test('what one client fetched over HTTP/2 another one gets over HTTP/1, and the other way round', async (t) => {
  const { site, session } = await openSite(t);
  await ask(session);
  assert.equal((await site.ask()).body, '0123456789');
  await site.ask({ path: '/other' });
  assert.equal((await ask(session, { ':path': '/other' })).body, '0123456789');
  assert.equal(site.seen.length, 2);
});

test('many streams that ask for the same get it from one question', async (t) => {
  const { site, session } = await openSite(t);
  const { promise, resolve } = Promise.withResolvers<void>();
  const { script } = site;
  site.script = (request, count) => ({ ...script(request, count), beforeHead: promise });
  const asked = Array.from({ length: 5 }, () => ask(session));
  await site.untilSeen(1);
  resolve();
  for (const { body } of await Promise.all(asked)) assert.equal(body, '0123456789');
  assert.equal(site.seen.length, 1);
});
