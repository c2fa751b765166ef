import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from './checksum.ts';

test('checksums are those of the published examples', () => {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  const cases: [bytes: Uint8Array, checksum: number][] = [
    [Buffer.from('123456789'), 0xe306_9283],
    [new Uint8Array(32), 0x8a91_36aa],
    [new Uint8Array(32).fill(0xff), 0x62a8_ab43],
    [ascending, 0x46dd_794e],
    [ascending.toReversed(), 0x113f_db5c],
    [new Uint8Array(0), 0],
  ];
  for (const [bytes, checksum] of cases) assert.equal(crc32c([bytes]), checksum);
});

test('the pieces of the bytes make no difference', () => {
  assert.equal(crc32c([Buffer.from('1234'), Buffer.from(''), Buffer.from('56789')]), crc32c([Buffer.from('123456789')]));
});
