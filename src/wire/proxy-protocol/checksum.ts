/** CRC32c (RFC 4960, appendix B). Node's `zlib.crc32` is another polynomial. */

/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of several pieces as if they were one. */
export function crc32c(pieces: readonly Uint8Array[]): number {
  let value = 0xffff_ffff;
  for (const piece of pieces) {
    for (const byte of piece) value = table[(value ^ byte) & 0xff]! ^ (value >>> 8);
  }
  return (value ^ 0xffff_ffff) >>> 0;
}
