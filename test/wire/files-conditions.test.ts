/** Conditions and ranges of requests for files (RFC 9110 §13 and §14), over real connections. */
import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import {
  assertNothingOpen,
  bodyOf,
  codeOf,
  countingBytes,
  fieldOf,
  startSite,
  statusOf,
  writeSiteFile,
} from '#test/support/site.ts';

const LONG_BYTES = 5 * limits.fileReadBytes + 17;

// Conditions (RFC 9110 §13)

const TAG = '"hegozygucw-3"';
const TIME = 'Fri, 02 Jan 2026 03:04:05 GMT';
const BEFORE = 'Fri, 02 Jan 2026 03:04:04 GMT';

for (const [fields, status] of [
  [[`if-none-match: ${TAG}`], 304],
  [[`if-none-match: W/${TAG}`], 304],
  [['if-none-match: *'], 304],
  [[`if-none-match: "a, b",, "" , ${TAG}`], 304],
  [['if-none-match: "x"', `if-none-match: ${TAG}`], 304],
  [['if-none-match: "x"'], 200],
  [[`if-none-match: ${TAG.slice(0, -1)}`], 200],
  [[`if-none-match: x${TAG}`], 200],
  [['if-none-match: "x"', `if-modified-since: ${TIME}`], 200],
  [[`if-modified-since: ${TIME}`], 304],
  [['if-modified-since: Friday, 02-Jan-26 03:04:05 GMT'], 304],
  [['if-modified-since: Fri Jan  2 03:04:05 2026'], 304],
  [[`if-modified-since: ${BEFORE}`], 200],
  [['if-modified-since: yesterday'], 200],
  [[`if-match: ${TAG}`], 200],
  [['if-match: *'], 200],
  [[`if-match: "x", ${TAG}`], 200],
  [[`if-match: W/${TAG}`], 412],
  [['if-match: "x"'], 412],
  [['if-match: "x"', `if-unmodified-since: ${TIME}`], 412],
  [[`if-match: ${TAG}`, `if-none-match: ${TAG}`], 304],
  [[`if-unmodified-since: ${TIME}`], 200],
  [[`if-unmodified-since: ${BEFORE}`], 412],
  [['if-unmodified-since: x'], 200],
] as const) {
  test(`with ${fields.join(' and ')}: ${status}`, async (t) => {
    const { ask } = await startSite(t, {
      files: { 'a.css': 'a{}' },
      settings: { cacheControl: 'no-cache', precompressed: ['br'] },
    });
    for (const method of ['GET', 'HEAD']) {
      const answer = await ask(`${method} /a.css`, ...fields);
      assert.equal(statusOf(answer), status);
      if (status !== 304) continue;
      const kept = ['etag', 'last-modified', 'cache-control', 'vary', 'content-type', 'content-length'].map((name) =>
        fieldOf(answer, name),
      );
      assert.deepEqual([...kept, bodyOf(answer)], [TAG, TIME, 'no-cache', 'accept-encoding', undefined, undefined, '']);
    }
  });
}

test('a file that was changed a moment ago has a weak tag, by which no range is had', async (t) => {
  const clock = new FakeClock();
  const { ask, folder } = await startSite(t, { files: {}, clock });
  // A moment by the gateway's clock, which stands still: it lasts for 2 s only.
  await writeSiteFile(folder, 'a', 'abc', new Date(clock.wallMs() - 10));
  const tag = fieldOf(await ask('GET /a'), 'etag')!;
  assert.match(tag, /^W\/"[0-9a-z]+-3"$/);
  assert.equal(statusOf(await ask('GET /a', `if-none-match: ${tag}`)), 304);
  assert.equal(statusOf(await ask('GET /a', 'range: bytes=0-0', `if-range: ${tag}`)), 200);
  assert.equal(statusOf(await ask('GET /a', `if-match: ${tag}`)), 412);
});

test('no time of change is told that lies ahead', async (t) => {
  const { ask, folder } = await startSite(t, { files: { a: 'a' } });
  const ahead = new Date('2199-01-01T00:00:00Z');
  await utimes(join(folder, 'a'), ahead, ahead);
  const answer = await ask('GET /a');
  assert.ok(Date.parse(fieldOf(answer, 'last-modified')!) <= Date.parse(fieldOf(answer, 'date')!));
});

// Ranges (RFC 9110 §14)

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

for (const [range, status, contentRange, body] of [
  ['bytes=0-0', 206, 'bytes 0-0/26', 'a'],
  ['bytes=2-4', 206, 'bytes 2-4/26', 'cde'],
  ['BYTES=2-4', 206, 'bytes 2-4/26', 'cde'],
  ['bytes=24-', 206, 'bytes 24-25/26', 'yz'],
  ['bytes=-2', 206, 'bytes 24-25/26', 'yz'],
  ['bytes=-99', 206, 'bytes 0-25/26', LETTERS],
  ['bytes=0-99999999999999999999999999', 206, 'bytes 0-25/26', LETTERS],
  ['bytes=25-25', 206, 'bytes 25-25/26', 'z'],
  ['bytes=26-', 416, 'bytes */26', undefined],
  ['bytes=-0', 416, 'bytes */26', undefined],
  ['bytes=99999999999999999999-', 416, 'bytes */26', undefined],
  ['bytes=30-40,50-', 416, 'bytes */26', undefined],
  ['bytes=0-1,30-', 206, 'bytes 0-1/26', 'ab'],
  ['bytes=0-1, 1-3', 206, 'bytes 0-3/26', 'abcd'],
  ['bytes=0-1,4-5', 206, 'bytes 0-5/26', 'abcdef'],
  ['bytes=4-2', 200, undefined, LETTERS],
  ['bytes=', 200, undefined, LETTERS],
  ['bytes=-', 200, undefined, LETTERS],
  ['bytes=a-b', 200, undefined, LETTERS],
  ['bytes=0-1,x', 200, undefined, LETTERS],
  ['bytes=0x1-2', 200, undefined, LETTERS],
  ['bytes=1-2-3', 200, undefined, LETTERS],
  ['bytes=+1-2', 200, undefined, LETTERS],
  ['items=0-1', 200, undefined, LETTERS],
  [`bytes=${'0-0,'.repeat(limits.byteRangesMax)}0-0`, 200, undefined, LETTERS],
  [`bytes=${Array(limits.byteRangesMax).fill('0-0').join()}`, 206, 'bytes 0-0/26', 'a'],
] as const) {
  test(`${range.slice(0, 40)} of 26 bytes: ${status} with ${contentRange}`, async (t) => {
    const { ask } = await startSite(t, { files: { a: LETTERS } });
    const answer = await ask('GET /a', `range: ${range}`);
    assert.deepEqual([statusOf(answer), fieldOf(answer, 'content-range')], [status, contentRange]);
    if (body === undefined) assert.equal(codeOf(answer), 'GH_FILES_RANGE_NOT_SATISFIABLE');
    else assert.deepEqual([fieldOf(answer, 'content-length'), bodyOf(answer)], [String(body.length), body]);
  });
}

test('an empty file has no range', async (t) => {
  const { ask } = await startSite(t, { files: { a: '' } });
  assert.equal(statusOf(await ask('GET /a', 'range: bytes=0-')), 416);
});

test('HEAD, two fields and a changed file mean the whole', async (t) => {
  const { ask } = await startSite(t, { files: { 'a.css': 'a{}' } });
  const range = 'range: bytes=0-0';
  for (const [method, fields, status] of [
    ['HEAD', [range], 200],
    ['GET', [range, range], 200],
    ['GET', [range, `if-range: ${TAG}`], 206],
    ['GET', [range, `if-range: W/${TAG}`], 200],
    ['GET', [range, 'if-range: "x"'], 200],
    ['GET', [range, `if-range: ${TIME}`], 206],
    ['GET', [range, `if-range: ${BEFORE}`], 200],
    ['GET', [range, 'if-range: x'], 200],
    ['GET', [range, `if-none-match: ${TAG}`], 304],
  ] as const)
    assert.equal(statusOf(await ask(`${method} /a.css`, ...fields)), status, fields.join());
});

for (const size of [2_000, LONG_BYTES]) {
  test(`several ranges of ${size} bytes come in one body, in the order in which they are asked for`, async (t) => {
    const bytes = countingBytes(size);
    const site = await startSite(t, { files: { 'a.bin': bytes } });
    const answer = await site.ask('GET /a.bin', `range: bytes=1000-1003,0-3,-${size - 1500}`);
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(fieldOf(answer, 'content-type')!)![1];
    const part = (start: number, end: number) =>
      `\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\ncontent-range: bytes ${start}-${end - 1}/${size}\r\n\r\n${bytes.subarray(start, end).toString('latin1')}`;
    const body = `${part(1000, 1004)}${part(0, 4)}${part(1500, size)}\r\n--${boundary}--\r\n`;
    assert.equal(statusOf(answer), 206);
    assert.equal(fieldOf(answer, 'content-range'), undefined);
    assert.equal(fieldOf(answer, 'content-length'), String(body.length));
    assert.ok(bodyOf(answer) === body);
    await assertNothingOpen(site);
  });
}
