/** How files are sent over real connections: to slow clients, to those that go, and while the files change. */
import assert from 'node:assert/strict';
import { rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { eventually } from '#test/support/eventually.ts';
import { encodeReset, encodeWindowUpdate } from '#test/support/http2-frames.ts';
import { RawHttp2Client } from '#test/support/http2-raw-client.ts';
import { assertNothingOpen, bodyOf, countingBytes, startSite } from '#test/support/site.ts';

const LONG_BYTES = 5 * limits.fileReadBytes + 17;
/** RFC 9113 §6.9.2: of a client that says nothing else. */
const WINDOW_BYTES = 65_535;

test('a client that goes in the middle of a file leaves nothing open', async (t) => {
  const site = await startSite(t, { files: { long: Buffer.alloc(32 * 1024 * 1024) } });
  const client = await site.open();
  client.send('GET /long HTTP/1.1\r\nhost: site\r\n\r\n');
  await client.until('content-length: 33554432');
  client.close();
  await assertNothingOpen(site);
  const [line] = await site.gateway.stop();
  assert.deepEqual([line?.['status'], line?.['code']], [200, 'GH_CLIENT_GONE']);
});

test('a client that reads nothing costs the memory of one piece, and then gets all of the file', async (t) => {
  const bytes = countingBytes(24 * 1024 * 1024);
  const site = await startSite(t, { files: { long: bytes } });
  const client = await site.open();
  t.after(() => client.close());
  const before = process.memoryUsage().arrayBuffers;
  client.send('GET /long HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n');
  await client.until('content-length: 25165824');
  client.socket.pause();
  // Another request is answered meanwhile.
  assert.equal(bodyOf(await site.ask('GET /none')).includes('GH_FILES_NOT_FOUND'), true);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
  client.socket.resume();
  const received = await client.untilEnd();
  assert.ok(Buffer.from(bodyOf(received), 'latin1').equals(bytes));
  await assertNothingOpen(site);
});

for (const [change, alter] of [
  ['becomes shorter', (path: string) => truncate(path, 1_000)],
  ['is written to', (path: string) => writeFile(path, 'x', { flag: 'r+' })],
] as const) {
  test(`a file that ${change} while it is sent breaks the answer off`, async (t) => {
    const site = await startSite(t, { files: { long: Buffer.alloc(64 * 1024 * 1024) } });
    const client = await site.open();
    t.after(() => client.close());
    client.send('GET /long HTTP/1.1\r\nhost: site\r\n\r\n');
    await client.until('content-length: 67108864');
    client.socket.pause();
    await alter(join(site.folder, 'long'));
    client.socket.resume();
    const received = await client.untilEnd();
    assert.ok(bodyOf(received).length < 64 * 1024 * 1024);
    await assertNothingOpen(site);
    const [line] = await site.gateway.stop();
    assert.deepEqual([line?.['status'], line?.['code']], [200, 'GH_FILES_CHANGED']);
  });
}

test('a file that is replaced while it is sent is sent as it was', async (t) => {
  const bytes = countingBytes(32 * 1024 * 1024);
  const site = await startSite(t, { files: { long: bytes } });
  const client = await site.open();
  t.after(() => client.close());
  client.send('GET /long HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n');
  await client.until('content-length: 33554432');
  client.socket.pause();
  await writeFile(join(site.folder, 'new'), 'short');
  await rename(join(site.folder, 'new'), join(site.folder, 'long'));
  client.socket.resume();
  assert.ok(Buffer.from(bodyOf(await client.untilEnd()), 'latin1').equals(bytes));
  assert.equal(bodyOf(await site.ask('GET /long')), 'short');
});

test('over HTTP/2, a file is sent as the windows of the client allow', async (t) => {
  const bytes = countingBytes(LONG_BYTES);
  const site = await startSite(t, { files: { long: bytes } });
  const client = await RawHttp2Client.open(t, { port: site.gateway.port() });
  client.ask(1, '/long');
  await eventually(() => client.bodyOf(1).length === WINDOW_BYTES, 'the first window is full');
  client.send(encodeWindowUpdate(0, LONG_BYTES), encodeWindowUpdate(1, LONG_BYTES));
  await client.untilAnswered(1);
  assert.ok(Buffer.from(client.bodyOf(1), 'latin1').equals(bytes));
  client.ask(3, '/long', { method: 'HEAD' });
  client.ask(5, '/long', { fields: ['if-none-match', '*'] });
  await client.untilAnswered(3);
  await client.untilAnswered(5);
  assert.deepEqual([client.statusOf(3), client.bodyOf(3), client.statusOf(5), client.bodyOf(5)], [200, '', 304, '']);
});

test('a stream of HTTP/2 that is reset in the middle of a file leaves nothing open', async (t) => {
  const site = await startSite(t, { files: { long: countingBytes(LONG_BYTES) } });
  const client = await RawHttp2Client.open(t, { port: site.gateway.port() });
  client.ask(1, '/long');
  await eventually(() => client.bodyOf(1).length === WINDOW_BYTES, 'the first window is full');
  client.send(encodeReset(1, 8));
  await assertNothingOpen(site);
});
