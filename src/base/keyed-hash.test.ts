import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyedHash } from './keyed-hash.ts';

/** The key of the reference vectors: bytes 0 to 7. */
const reference = new KeyedHash(0x03020100, 0x07060504);

function hashBytes(count: number): string {
  const bytes = Buffer.from(Array.from({ length: count }, (_, i) => i));
  reference.hash(bytes.toString('utf16le'));
  const hash = Buffer.alloc(8);
  hash.writeInt32LE(reference.low);
  hash.writeInt32LE(reference.high, 4);
  return hash.toString('hex');
}

test('agrees with the reference vectors of HalfSipHash', () => {
  assert.deepEqual([0, 2, 4, 6].map(hashBytes), ['218d1f59b9b83cc8', '064f39ef7c50eb57', 'd5e78a175be52ea1', 'ce3e91358aa2bc25']);
});

test('another key gives other hashes', () => {
  const other = new KeyedHash(0x03020100, 0x07060505);
  other.hash('198.51.100.7');
  reference.hash('198.51.100.7');
  assert.notDeepEqual([other.low, other.high], [reference.low, reference.high]);
});
