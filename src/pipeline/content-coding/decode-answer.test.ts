import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { decodeAnswerBody, describeAsDecoded } from './decode-answer.ts';

const caps = { bytesMax: 100_000, ratioMax: 50 };
const text = Buffer.from('an answer of a service');
const encoded = { gzip: gzipSync(text), 'x-gzip': gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text) };

test('the body of an answer is read without the coding that its service gave it', async () => {
  for (const [coding, body] of Object.entries({ ...encoded, zstd: zstdCompressSync(text), identity: text }))
    assert.deepEqual(await decodeAnswerBody({ fields: ['content-encoding', coding] }, body, caps), text, coding);
  assert.equal(await decodeAnswerBody({ fields: [] }, text, caps), text);
});

test('says what is wrong with a body, and with one that becomes too much', async () => {
  const zeros = Buffer.alloc(99_000);
  for (const [coding, body, expected] of [
    ['compress', text, 'unknown-coding'],
    ['br, gzip', text, 'unknown-coding'],
    ['gzip', text, 'malformed'],
    ['gzip', encoded.gzip.subarray(0, -1), 'truncated'],
    ['br', encoded.br.subarray(0, -1), 'truncated'],
    ['gzip', gzipSync(zeros), 'too-dense'],
    ['br', brotliCompressSync(zeros), 'too-dense'],
  ] as const)
    assert.equal(await decodeAnswerBody({ fields: ['content-encoding', coding] }, body, caps), expected, `${coding} ${expected}`);
  const long = gzipSync(Buffer.alloc(100_001));
  const fields = ['content-encoding', 'gzip'];
  assert.equal(await decodeAnswerBody({ fields }, long, { ...caps, ratioMax: 10_000 }), 'too-long');
  assert.deepEqual(await decodeAnswerBody({ fields }, gzipSync(zeros), { ...caps, ratioMax: 10_000 }), zeros);
});

test('the head of an answer that was decoded says so', () => {
  const fields = ['content-encoding', 'gzip', 'etag', '"a"', 'repr-digest', 'x', 'content-digest', 'x'];
  describeAsDecoded({ fields });
  assert.deepEqual(fields, ['etag', '"a"']);
});
