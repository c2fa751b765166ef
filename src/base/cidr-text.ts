/** A range of addresses as people write it. */
import type { AddressRange } from './ip.ts';
import { formatIpBytes } from './ip-bytes.ts';

const GROUP_BITS = 16;
const IPV4_BYTES = 4;
const GROUP_BYTES = 2;

/** `10.0.0.0/8`, or the address alone where the range holds one. */
export function formatCidr(range: AddressRange): string {
  if (range.version === 4) {
    const bytes = Buffer.alloc(IPV4_BYTES);
    bytes.writeUInt32BE(range.first);
    const freeBits = Math.log2(range.last - range.first + 1);
    return withPrefix(formatIpBytes(bytes), IPV4_BYTES * 8 - freeBits, IPV4_BYTES * 8);
  }
  const { first, last } = range;
  const bytes = Buffer.alloc(first.length * GROUP_BYTES);
  let prefixBits = 0;
  for (const [i, group] of first.entries()) {
    bytes.writeUInt16BE(group, i * GROUP_BYTES);
    prefixBits += GROUP_BITS - Math.log2(last[i]! - group + 1);
  }
  return withPrefix(formatIpBytes(bytes), prefixBits, first.length * GROUP_BITS);
}

function withPrefix(address: string, prefixBits: number, prefixBitsMax: number): string {
  return prefixBits === prefixBitsMax ? address : `${address}/${prefixBits}`;
}
