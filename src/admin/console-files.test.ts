/** The files of the console over a real socket: what is answered, how it may be kept, and what leads nowhere. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { type Asked, ask } from '#test/support/ask.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { ConsoleFiles } from './console-files.ts';

const PAGE = '<!doctype html><title>console</title>';
const SCRIPT = 'export const answer = 42;'.repeat(20);

/** A folder like the one that is built, with something beside it that is nobody's business. */
async function makeBuilt(t: TestContext): Promise<string> {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'console/dist/assets'), { recursive: true });
  await mkdir(join(folder, 'src/admin'), { recursive: true });
  await writeFile(join(folder, 'secret.js'), 'secret');
  await writeFile(join(folder, 'console/dist/secret.js'), 'secret');
  await writeFile(join(folder, 'console/dist/index.html'), PAGE);
  await writeFile(join(folder, 'console/dist/assets/main-1a2b.js'), SCRIPT);
  await writeFile(join(folder, 'console/dist/assets/main-1a2b.js.gz'), gzipSync(SCRIPT));
  await writeFile(join(folder, 'console/dist/assets/notes.txt'), 'not of a known type');
  return join(folder, 'src/admin');
}

async function serve(t: TestContext, from: string): Promise<number> {
  const files = await ConsoleFiles.load(from);
  const server = createServer((request, response) => files.answer(request.url ?? '', request, response)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('the page is asked for each time, and what it names is kept for ever', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  const page = await ask(port, '/');
  assert.deepEqual([page.status, page.body], [200, PAGE]);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['cache-control'], 'no-cache');
  const script = await ask(port, '/assets/main-1a2b.js');
  assert.deepEqual([script.status, script.body], [200, SCRIPT]);
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(script.headers['cache-control'] ?? '', /immutable/);
  assert.equal((await ask(port, '/index.html')).body, PAGE);
});

test('every answer tells the browser what the page may do: nothing but its own', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  for (const [path, method] of [
    ['/', 'GET'],
    ['/', 'POST'],
    ['/assets/main-1a2b.js', 'GET'],
    ['/assets/missing.js', 'GET'],
  ] as const) {
    const { headers } = await ask(port, path, { method });
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'self';.*frame-ancestors 'none'.*trusted-types 'none'/,
    );
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|data:|https?:/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
});

test('a known tag is answered with 304, each coding with its own', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  const asked = (headers: Asked['headers'] = {}) => ask(port, '/assets/main-1a2b.js', { headers });
  const plain = await asked();
  const packed = await asked({ 'accept-encoding': 'gzip' });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(packed.headers['vary'], 'accept-encoding');
  assert.notEqual(packed.headers.etag, plain.headers.etag);
  const again = await asked({ 'if-none-match': `"other", W/${plain.headers.etag}` });
  assert.deepEqual([again.status, again.body], [304, '']);
  assert.equal((await asked({ 'if-none-match': '*' })).status, 304);
  assert.equal((await asked({ 'if-none-match': packed.headers.etag! })).status, 200);
  assert.equal((await asked({ 'accept-encoding': 'gzip', 'if-none-match': packed.headers.etag! })).status, 304);
});

test('what a client does not take compressed is sent as it is', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  for (const accepted of ['', 'gzip;q=0', 'identity', 'br', 'gzipped', 'gzip; q=0.00']) {
    const { headers, body } = await ask(port, '/assets/main-1a2b.js', { headers: { 'accept-encoding': accepted } });
    assert.deepEqual([headers['content-encoding'], body], [undefined, SCRIPT], accepted);
  }
});

test('HEAD is answered without a body, and nothing else is taken', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  const head = await ask(port, '/', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', String(PAGE.length)]);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const { status, headers } = await ask(port, '/', { method });
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
  }
});

test('no path leads out of the console', async (t) => {
  const port = await serve(t, await makeBuilt(t));
  const paths = [
    '/secret.js',
    '/assets/../secret.js',
    '/assets/../../../secret.js',
    '/assets/%2e%2e/secret.js',
    '/assets/..%2fsecret.js',
    '/assets/..\\secret.js',
    '//assets/main-1a2b.js',
    '/assets/',
    '/assets',
    '/assets/notes.txt',
    '/assets/main-1a2b.js.gz',
    '/assets/main-1a2b.js%00',
    '/assets/__proto__',
    '/console/dist/index.html',
  ];
  for (const path of paths) {
    // As it is written, which other clients would tidy up.
    const client = await RawClient.open(port);
    client.send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    assert.match(await client.untilEnd(), /^HTTP\/1\.1 404 /, path);
    client.close();
  }
});

test('a checkout without a console says how to build it', async (t) => {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'console'));
  await writeFile(join(folder, 'console/index.html'), 'the source, which is not served');
  const port = await serve(t, folder);
  const { status, body } = await ask(port, '/');
  assert.equal(status, 503);
  assert.match(body, /npm run build:console/);
  assert.equal((await ask(port, '/assets/main-1a2b.js')).status, 404);
});

test('what is built is small, compressed ahead, and complete', async (t) => {
  const port = await serve(t, import.meta.dirname);
  const { body } = await ask(port, '/');
  const named = [...body.matchAll(/(?:src|href)="\.(\/assets\/[^"]+)"/g)].map((match) => match[1]!);
  assert.ok(named.some((path) => path.endsWith('.js')) && named.some((path) => path.endsWith('.css')), body);
  assert.doesNotMatch(body, /<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:\/\//);
  let gzipBytes = 0;
  for (const path of named) {
    const whole = await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'accept-encoding': 'identity' } })).text();
    for (const [coding, unpack] of [
      ['gzip', gunzipSync],
      ['br', brotliDecompressSync],
    ] as const) {
      const bytes = await askBytes(port, path, coding);
      assert.equal(unpack(bytes).toString(), whole, `${path} ${coding}`);
      if (coding === 'gzip') gzipBytes += bytes.length;
    }
  }
  assert.ok(gzipBytes <= 300_000, `${gzipBytes} bytes`);
});

/** Not unpacked. */
async function askBytes(port: number, path: string, coding: string): Promise<Buffer> {
  const client = await RawClient.open(port);
  client.send(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: ${coding}\r\nconnection: close\r\n\r\n`);
  const text = await client.untilEnd();
  client.close();
  const [head = ''] = text.split('\r\n\r\n', 1);
  assert.match(head, new RegExp(`content-encoding: ${coding}`, 'i'));
  return Buffer.from(text.slice(head.length + 4), 'latin1');
}
