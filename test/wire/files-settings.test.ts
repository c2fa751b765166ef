/** What the settings of a folder do to the answers with its files, over real connections. */
import assert from 'node:assert/strict';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock.ts';
import { bodyOf, fieldOf, startSite, statusOf, WRITTEN_AT, writeSiteFile } from '#test/support/site.ts';

const SECRET = 'nobody may read this';

// Types

for (const [name, type] of [
  ['a.html', 'text/html; charset=utf-8'],
  ['a.JS', 'text/javascript; charset=utf-8'],
  ['a.json', 'application/json'],
  ['a.svg', 'image/svg+xml'],
  ['a.tar.gz', 'application/gzip'],
  ['a.odd', 'application/octet-stream'],
  ['README', 'application/octet-stream'],
  ['a.md', 'text/x-mine'],
] as const) {
  test(`${name} is ${type}`, async (t) => {
    const { ask } = await startSite(t, { files: { [name]: 'x' }, settings: { types: { md: 'text/x-mine; x=y' } } });
    assert.equal(fieldOf(await ask(`GET /${name}`), 'content-type'), name === 'a.md' ? 'text/x-mine; x=y' : type);
  });
}

test('the charset of texts is as it is set', async (t) => {
  const none = await startSite(t, { files: { 'a.txt': 'x' }, settings: { charset: false } });
  assert.equal(fieldOf(await none.ask('GET /a.txt'), 'content-type'), 'text/plain');
  const old = await startSite(t, { files: { 'a.txt': 'x' }, settings: { charset: 'iso-8859-1' } });
  assert.equal(fieldOf(await old.ask('GET /a.txt'), 'content-type'), 'text/plain; charset=iso-8859-1');
});

// Codings

const CODED = { 'a.js': 'plain', 'a.js.br': 'brotli', 'a.js.zst': 'zstd', 'a.js.gz': 'gzip', 'b.js': 'plain', 'b.js.gz': 'gzip' };

for (const [path, accepted, coding] of [
  ['/a.js', 'gzip, br, zstd', 'br'],
  ['/a.js', 'gzip, zstd', 'zstd'],
  ['/a.js', 'gzip;q=1.0, br;q=0.5', 'gzip'],
  ['/a.js', 'br;q=0, *', 'zstd'],
  ['/a.js', '*', 'br'],
  ['/a.js', 'GZIP', 'gzip'],
  ['/b.js', 'br, gzip', 'gzip'],
  ['/b.js', 'br', undefined],
  ['/a.js', '', undefined],
  ['/a.js', 'identity', undefined],
  ['/a.js', 'identity;q=1, gzip;q=0.5', undefined],
  ['/a.js', '*;q=0', undefined],
  ['/a.js', 'gzip;q=x', undefined],
  ['/a.js', 'deflate', undefined],
] as const) {
  test(`${path} for a client that accepts ${accepted || 'nothing else'}: ${coding ?? 'plain'}`, async (t) => {
    const { ask } = await startSite(t, { files: CODED, settings: { precompressed: ['br', 'zstd', 'gzip'] } });
    const answer = await ask(`GET ${path}`, `accept-encoding: ${accepted}`);
    const body = coding === 'br' ? 'brotli' : (coding ?? 'plain');
    assert.deepEqual([fieldOf(answer, 'content-encoding'), bodyOf(answer)], [coding, body]);
    assert.equal(fieldOf(answer, 'vary'), 'accept-encoding');
    assert.equal(fieldOf(answer, 'content-type'), 'text/javascript; charset=utf-8');
  });
}

test('each coding has a tag of its own, and ranges of its own', async (t) => {
  const { ask } = await startSite(t, { files: { 'a.js': '12345', 'a.js.gz': 'abcde' }, settings: { precompressed: ['gzip'] } });
  const plain = fieldOf(await ask('GET /a.js'), 'etag')!;
  const coded = fieldOf(await ask('GET /a.js', 'accept-encoding: gzip'), 'etag')!;
  assert.deepEqual([plain, coded], ['"hegozygucw-5"', '"hegozygucw-5-gzip"']);
  const answer = await ask('GET /a.js', 'accept-encoding: gzip', 'range: bytes=1-2', `if-range: ${coded}`);
  assert.deepEqual([statusOf(answer), bodyOf(answer), fieldOf(answer, 'content-encoding')], [206, 'bc', 'gzip']);
  assert.equal(statusOf(await ask('GET /a.js', 'accept-encoding: gzip', `if-none-match: ${plain}`)), 200);
});

test('a coded file that is older than its plain one, or alone, is not sent in its place', async (t) => {
  const { ask, folder } = await startSite(t, {
    files: { 'a.js': 'new', 'only.js.gz': 'x' },
    settings: { precompressed: ['gzip'] },
  });
  await writeSiteFile(folder, 'a.js.gz', 'old', new Date(WRITTEN_AT.getTime() - 1));
  assert.equal(bodyOf(await ask('GET /a.js', 'accept-encoding: gzip')), 'new');
  assert.equal(statusOf(await ask('GET /only.js', 'accept-encoding: gzip')), 404);
});

test('a coded file is plain where nothing is set, and a link out of the folder is none', async (t) => {
  const { ask } = await startSite(t, { files: CODED });
  const answer = await ask('GET /a.js', 'accept-encoding: br');
  assert.deepEqual([bodyOf(answer), fieldOf(answer, 'vary')], ['plain', undefined]);
  const linked = await startSite(t, { files: { 'a.js': 'plain' }, settings: { precompressed: ['gzip'] } });
  await writeFile(join(linked.folder, '../secret'), SECRET);
  await symlink('../secret', join(linked.folder, 'a.js.gz'));
  assert.equal(bodyOf(await linked.ask('GET /a.js', 'accept-encoding: gzip')), 'plain');
});

// Settings by place

test('what may be kept depends on the pattern, and the first that fits decides', async (t) => {
  const cacheControl = [
    { files: 'assets/**', value: 'public, max-age=31536000, immutable' },
    { files: '*.html', value: 'no-cache' },
    { files: 'docs/*', value: 'max-age=60' },
  ];
  const files = { 'assets/x/a.html': '', 'b/c.html': '', 'docs/a.txt': '', 'docs/b/a.txt': '', ahtml: '' };
  const { ask } = await startSite(t, { files, settings: { cacheControl } });
  const values: Record<string, string | undefined> = {};
  for (const name of Object.keys(files)) values[name] = fieldOf(await ask(`GET /${name}`), 'cache-control');
  assert.deepEqual(values, {
    'assets/x/a.html': 'public, max-age=31536000, immutable',
    'b/c.html': 'no-cache',
    'docs/a.txt': 'max-age=60',
    'docs/b/a.txt': undefined,
    ahtml: undefined,
  });
});

const APPLICATION = { 'index.html': 'app', '404.html': 'lost', 'a.js': 'js' };
const BROWSER = 'accept: text/html,application/xhtml+xml,*/*;q=0.8';

for (const [line, fields, status, body] of [
  ['GET /users/7', [BROWSER], 200, 'app'],
  ['GET /users/john.doe', [BROWSER], 200, 'app'],
  ['GET /users/7/', [BROWSER], 200, 'app'],
  ['HEAD /users/7', [BROWSER], 200, ''],
  ['GET /users/7', [], 200, 'app'],
  ['GET /users/7', ['accept: */*'], 200, 'app'],
  ['GET /users/7', ['accept: application/json'], 404, 'lost'],
  ['GET /assets/app.1234.js', ['accept: */*'], 404, 'lost'],
  ['GET /logo.png', ['accept: image/avif,image/png,*/*;q=0.8'], 404, 'lost'],
  ['GET /a.js', [], 200, 'js'],
  ['GET /.env', [BROWSER], 200, 'app'],
] as const) {
  test(`with a fallback, ${line} with ${fields.join() || 'no accept'} is answered with ${body || 'its head'}`, async (t) => {
    const { ask } = await startSite(t, { files: APPLICATION, settings: { fallback: 'index.html', notFound: '404.html' } });
    const answer = await ask(line, ...fields);
    assert.deepEqual([statusOf(answer), bodyOf(answer)], [status, body]);
    if (body !== 'js') assert.equal(fieldOf(answer, 'vary'), 'accept');
  });
}

test('the page for what is not there has no validators, and no part of it is had', async (t) => {
  const { ask } = await startSite(t, { files: APPLICATION, settings: { notFound: '404.html' } });
  const answer = await ask('GET /none', 'range: bytes=0-0', 'if-none-match: *');
  assert.deepEqual([statusOf(answer), bodyOf(answer), fieldOf(answer, 'etag')], [404, 'lost', undefined]);
  assert.equal(fieldOf(answer, 'content-type'), 'text/html; charset=utf-8');
});

test('what was seen of short files counts for as long as it is set, and then the folder is looked at again', async (t) => {
  const clock = new FakeClock();
  const { ask, folder } = await startSite(t, { files: { a: 'one' }, settings: { recheck: '2s' }, clock });
  assert.equal(bodyOf(await ask('GET /a')), 'one');
  assert.equal(statusOf(await ask('GET /b')), 404);
  await writeSiteFile(folder, 'a', 'two');
  await writeSiteFile(folder, 'b', 'new');
  clock.advance(1_999);
  const tag = fieldOf(await ask('GET /a'), 'etag')!;
  assert.deepEqual([bodyOf(await ask('GET /a')), statusOf(await ask('GET /b'))], ['one', 404]);
  assert.equal(bodyOf(await ask('GET /a', 'range: bytes=1-1')), 'n');
  assert.equal(statusOf(await ask('GET /a', `if-none-match: ${tag}`)), 304);
  clock.advance(1);
  assert.deepEqual([bodyOf(await ask('GET /a')), bodyOf(await ask('GET /b'))], ['two', 'new']);
  await rm(join(folder, 'a'));
  clock.advance(2_000);
  assert.equal(statusOf(await ask('GET /a')), 404);
});

test('two routes with the same folder do not share what only one of them may send', async (t) => {
  const { ask, folder, gateway } = await startSite(t, { files: { '.a': 'dot' } });
  await writeFile(join(folder, '../secret'), SECRET);
  await symlink('../secret', join(folder, 'out'));
  const to = { folder, recheck: '1h' };
  const routes = {
    open: { match: { path: '/open/*' }, to: { files: { ...to, outsideLinks: true, dotfiles: true } } },
    site: { match: { path: '/*' }, to: { files: to } },
  };
  assert.deepEqual(await gateway.reconfigure({ routes }), []);
  assert.equal(bodyOf(await ask('GET /open/out')), SECRET);
  assert.equal(bodyOf(await ask('GET /open/.a')), 'dot');
  assert.deepEqual([statusOf(await ask('GET /out')), statusOf(await ask('GET /.a'))], [404, 404]);
});
