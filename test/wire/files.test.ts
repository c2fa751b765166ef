/** Files over real connections: which of them are found, and that nothing of the machine is had beside them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { limits } from '#base/limits.ts';
import { maskVariables } from '#test/support/forwarding.ts';
import { assertNothingOpen, bodyOf, codeOf, countingBytes, fieldOf, type Site, startSite, statusOf } from '#test/support/site.ts';

const LONG_BYTES = 5 * limits.fileReadBytes + 17;
const SECRET = 'nobody may read this';

test('a file is answered with its type, its length and its validators', async (t) => {
  const site = await startSite(t, { files: { 'a.css': 'a{}' } });
  assert.equal(
    maskVariables(await site.ask('GET /a.css')).replaceAll('\r\n', '\n'),
    `HTTP/1.1 200 OK
etag: "hegozygucw-3"
last-modified: Fri, 02 Jan 2026 03:04:05 GMT
accept-ranges: bytes
content-type: text/css; charset=utf-8
content-length: 3
date: *
x-request-id: *
connection: close

a{}`,
  );
  await assertNothingOpen(site);
});

test('HEAD is answered with the same head and nothing behind it', async (t) => {
  const { ask } = await startSite(t, { files: { 'a.css': 'a{}' } });
  const [whole, head] = [maskVariables(await ask('GET /a.css')), maskVariables(await ask('HEAD /a.css'))];
  assert.equal(head, whole.slice(0, -3));
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
  test(`${method} is refused, and told what is possible`, async (t) => {
    const { ask } = await startSite(t, { files: { a: 'a' } });
    const answer = await ask(`${method} /a`, 'content-length: 0');
    assert.deepEqual(
      [statusOf(answer), fieldOf(answer, 'allow'), codeOf(answer)],
      [405, 'GET, HEAD', 'GH_FILES_METHOD_NOT_ALLOWED'],
    );
  });
}

test('an empty file is an answer without a body', async (t) => {
  const { ask } = await startSite(t, { files: { a: '' } });
  const answer = await ask('GET /a');
  assert.deepEqual([statusOf(answer), fieldOf(answer, 'content-length'), bodyOf(answer)], [200, '0', '']);
});

test('the next request of a connection is answered behind a file, long or short', async (t) => {
  const long = countingBytes(LONG_BYTES);
  const { open } = await startSite(t, { files: { short: 's', long } });
  const client = await open();
  t.after(() => client.close());
  client.send(`GET /long HTTP/1.1\r\nhost: site\r\n\r\n${'GET /short HTTP/1.1\r\nhost: site\r\n\r\n'.repeat(2)}`);
  const received = await client.until(/\r\n\r\ns[\s\S]*\r\n\r\ns$/);
  assert.ok(received.includes(long.toString('latin1')));
});

test('a file with a name beyond ASCII is found by its encoded name', async (t) => {
  const { ask } = await startSite(t, { files: { 'grün & co%.txt': 'g' } });
  assert.equal(bodyOf(await ask('GET /gr%C3%BCn%20%26%20co%25.txt')), 'g');
});

const LAYOUT = {
  'index.html': 'root',
  'sub/index.html': 'sub',
  'sub/a.txt': 'a',
  'bare/a.txt': 'a',
  '.git/config': SECRET,
  '.env': SECRET,
};

for (const [line, status, rest] of [
  ['GET /', 200, 'root'],
  ['GET /index.html', 200, 'root'],
  ['GET /sub/', 200, 'sub'],
  ['GET /sub', 307, './sub/'],
  ['GET /sub?a=b//c', 307, './sub/?a=b//c'],
  ['GET /x/../sub', 307, './sub/'],
  ['GET /bare/', 404, 'GH_FILES_NOT_FOUND'],
  ['GET /sub/a.txt/', 404, 'GH_FILES_NOT_FOUND'],
  ['GET /sub/a.txt/b', 404, 'GH_FILES_NOT_FOUND'],
  ['GET /none', 404, 'GH_FILES_NOT_FOUND'],
  [`GET /${'x'.repeat(300)}`, 404, 'GH_FILES_NOT_FOUND'],
  [`GET /${'x/'.repeat(200)}x`, 404, 'GH_FILES_NOT_FOUND'],
] as const) {
  test(`${line.slice(0, 40)} is answered with ${status}`, async (t) => {
    const { ask } = await startSite(t, { files: LAYOUT });
    const answer = await ask(line);
    const told = status === 200 ? bodyOf(answer) : status === 307 ? fieldOf(answer, 'location') : codeOf(answer);
    assert.deepEqual([statusOf(answer), told], [status, rest]);
  });
}

test('below a prefix, the prefix alone leads to the folder, and its files are the rest', async (t) => {
  const { ask } = await startSite(t, { files: LAYOUT, route: { match: { path: '/assets/*' } } });
  assert.equal(fieldOf(await ask('GET /assets'), 'location'), './assets/');
  assert.equal(bodyOf(await ask('GET /assets/')), 'root');
  assert.equal(bodyOf(await ask('GET /assets/sub/a.txt')), 'a');
});

/** Request lines that try to leave the folder, or to get at what is not served in it. `/` stands for what is as good as missing. */
const attacks: readonly (readonly [string, number])[] = [
  ['/../secret', 400],
  ['/sub/../../secret', 400],
  ['/%2e%2e/secret', 400],
  ['/%2E%2E/secret', 400],
  ['/.%2e/secret', 400],
  ['/sub/%2e%2e/%2e%2e/secret', 400],
  ['/..%2fsecret', 400],
  ['/%2e%2e%2fsecret', 400],
  ['/sub%2f..%2f..%2fsecret', 400],
  ['/..;/secret', 400],
  ['/..%3b/secret', 400],
  ['/..\\secret', 400],
  ['/..%5csecret', 400],
  ['/%5c..%5csecret', 400],
  ['//etc/passwd', 400],
  ['/%00', 400],
  ['/index.html%00.txt', 400],
  ['/index.html%0a', 404],
  ['/index.html%0d%0ax: y', 400],
  ['/index.html%7f', 404],
  ['/%2fetc%2fpasswd', 404],
  ['/%252e%252e/secret', 404],
  ['/%c0%ae%c0%ae/secret', 404],
  ['/%e0%80%ae%e0%80%ae/secret', 404],
  ['/%ff', 404],
  ['/%ed%a0%80', 404],
  ['/%ef%bc%8e%ef%bc%8e/secret', 404],
  ['/.../secret', 404],
  ['/..../secret', 404],
  ['/~/secret', 404],
  ['/%24HOME/secret', 404],
  ['/file:///etc/passwd', 400],
  ['/file:%2f%2f%2fetc%2fpasswd', 404],
  ['/.env', 404],
  ['/%2eenv', 404],
  ['/.git/config', 404],
  ['/sub/../.git/config', 404],
  ['/.git', 404],
  ['/.git/', 404],
  ['/INDEX.HTML', 404],
  ['/Sub/a.txt', 404],
  ['/index.html.', 404],
  ['/index.html%20', 404],
  ['/index.html::$DATA', 404],
  ['/out', 404],
  ['/out-folder/secret', 404],
  ['/out-folder/', 404],
  ['/out-folder', 404],
  ['/above/secret', 404],
  ['/absolute', 404],
  ['/loop', 404],
  ['/loop/x', 404],
  ['/dangling', 404],
  ['/pipe', 404],
  ['/socket', 404],
  ['/null', 404],
  ['/null/', 404],
  ['/zero', 404],
  ['/proc/self/environ', 404],
];

async function startBaitedSite(t: TestContext, recheck = '0s'): Promise<Site> {
  const site = await startSite(t, { files: LAYOUT, settings: { recheck } });
  const { folder } = site;
  const outside = join(folder, '../outside');
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), SECRET);
  await writeFile(join(outside, 'index.html'), SECRET);
  await writeFile(join(folder, '../secret'), SECRET);
  // As a name, the beginning of this one is the folder's.
  await mkdir(`${folder}-2`);
  await writeFile(`${folder}-2/secret`, SECRET);
  const links: readonly (readonly [string, string])[] = [
    ['../secret', 'out'],
    ['../outside', 'out-folder'],
    ['..', 'above'],
    [`${folder}-2/secret`, 'beside'],
    ['/etc/passwd', 'absolute'],
    ['loop', 'loop'],
    ['nowhere', 'dangling'],
    ['/dev/null', 'null'],
    ['/dev/zero', 'zero'],
    ['/proc', 'proc'],
    ['sub', 'inner-folder'],
    ['sub/a.txt', 'inner'],
  ];
  for (const [target, name] of links) await symlink(target, join(folder, name));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
  t.after(() => server.close());
  return site;
}

for (const [recheck, rounds] of [
  ['0s', 1],
  ['1h', 2],
] as const) {
  test(`nothing is had that is not in the folder, or is not served (looked at again after ${recheck})`, async (t) => {
    const site = await startBaitedSite(t, recheck);
    const all = [...attacks, ['/beside', 404] as const];
    for (let round = 0; round < rounds; round++) {
      const outcomes: [string, number][] = [];
      for (const [target] of all) {
        const answer = await site.ask(`GET ${target}`);
        assert.ok(!answer.includes(SECRET) && !answer.includes('root:'), target);
        outcomes.push([target, statusOf(answer)]);
      }
      assert.deepEqual(outcomes, all);
    }
    await assertNothingOpen(site);
  });
}

test('links that stay in the folder are followed', async (t) => {
  const { ask } = await startBaitedSite(t);
  assert.equal(bodyOf(await ask('GET /inner')), 'a');
  assert.equal(bodyOf(await ask('GET /inner-folder/a.txt')), 'a');
  assert.equal(bodyOf(await ask('GET /inner-folder/')), 'sub');
});

test('links that lead out of the folder, and names with a dot, are served where that is set', async (t) => {
  const { ask, folder } = await startSite(t, { files: LAYOUT, settings: { outsideLinks: true, dotfiles: true } });
  await writeFile(join(folder, '../secret'), 'no secret');
  await symlink('../secret', join(folder, 'out'));
  assert.equal(bodyOf(await ask('GET /out')), 'no secret');
  assert.equal(bodyOf(await ask('GET /.env')), SECRET);
});

test('what is well known is served although its name begins with a dot', async (t) => {
  const { ask } = await startSite(t, { files: { '.well-known/security.txt': 'Contact: x', '.well-known/.hidden': SECRET } });
  assert.equal(bodyOf(await ask('GET /.well-known/security.txt')), 'Contact: x');
  assert.equal(statusOf(await ask('GET /.well-known/.hidden')), 404);
});

test('a folder that is a link may come to lead elsewhere, as at a new release', async (t) => {
  const site = await startSite(t, { files: { 'one/a': '1', 'two/a': '2' } });
  const current = join(site.folder, 'current');
  await symlink('one', current);
  const refusals = await site.gateway.reconfigure({
    routes: { site: { match: { path: '/*' }, to: { files: { folder: current, recheck: '0s' } } } },
  });
  assert.deepEqual(refusals, []);
  assert.equal(bodyOf(await site.ask('GET /a')), '1');
  await symlink('two', `${current}.new`);
  await rename(`${current}.new`, current);
  assert.equal(bodyOf(await site.ask('GET /a')), '2');
});

test('a folder that is gone leaves 404, and the access log says why', async (t) => {
  const site = await startSite(t, { files: { a: 'a' } });
  await rm(site.folder, { recursive: true });
  assert.equal(statusOf(await site.ask('GET /a')), 404);
  const [line] = await site.gateway.stop();
  assert.deepEqual([line?.['code'], line?.['detail']], ['GH_FILES_NOT_FOUND', { reason: 'ENOENT' }]);
});

// The configuration

for (const [settings, message] of [
  [{ folder: './none' }, /none cannot be read: there is no such folder/],
  [{ folder: import.meta.filename }, /is not a folder/],
  [{ folder: import.meta.dirname, fallback: 'none.html' }, /none\.html cannot be read: there is no such file/],
  [{ folder: import.meta.dirname, notFound: 'none.html' }, /none\.html cannot be read: there is no such file/],
] as const) {
  test(`a configuration with ${JSON.stringify(settings).replace(import.meta.dirname, '.')} is refused`, async (t) => {
    const site = await startSite(t, { files: {} });
    const refusals = await site.gateway.reconfigure({ routes: { site: { match: { path: '/*' }, to: { files: settings } } } });
    assert.equal(refusals.length, 1);
    assert.match(refusals[0]!, message);
  });
}

test('who may not read a file is told so, and nothing else of it', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async (t) => {
  const site = await startSite(t, { files: { a: SECRET } });
  await chmod(join(site.folder, 'a'), 0);
  const answer = await site.ask('GET /a');
  assert.deepEqual([statusOf(answer), codeOf(answer)], [403, 'GH_FILES_FORBIDDEN']);
});
