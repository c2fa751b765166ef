import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResponse, toBytes } from '#test/support/http1-reading.ts';
import { encodeChunkSize, encodeFields, encodeLastChunk, encodeStatusLine, LAST_CHUNK, reasonOf } from './encode.ts';

test('every status from 100 to 599 has a status line that is read as that status', () => {
  for (let status = 100; status < 600; status++) {
    assert.equal(encodeStatusLine(status), `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`);
    const { response, informational } = readResponse([
      toBytes(`${encodeStatusLine(status)}Connection: upgrade\r\nUpgrade: x\r\n\r\n`),
    ]);
    assert.equal((response?.head ?? informational[0])?.status, status);
  }
  assert.equal(reasonOf(404), 'Not Found');
  assert.equal(reasonOf(499), '');
});

test('fields become lines, and no fields become nothing', () => {
  assert.equal(encodeFields(['a', '1', 'b', '']), 'a: 1\r\nb: \r\n');
  assert.equal(encodeFields([]), '');
});

test('a chunked body ends with its trailers, or without any', () => {
  assert.equal(encodeLastChunk(undefined), LAST_CHUNK);
  assert.equal(encodeLastChunk([]), LAST_CHUNK);
  assert.equal(encodeLastChunk(['a', '1']), '0\r\na: 1\r\n\r\n');
});

test('chunk sizes are hexadecimal', () => {
  assert.deepEqual([1, 15, 16, 65_536].map(encodeChunkSize), ['1\r\n', 'f\r\n', '10\r\n', '10000\r\n']);
});
