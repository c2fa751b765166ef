/** IP addresses as the bytes that binary protocols carry, in network order, and as text. */
import { IPV6_GROUPS, isMappedIpv4, parseIpv4, parseIpv6, toMappedIpv4 } from './ip.ts';

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const GROUP_BYTES = 2;

/** Four bytes or sixteen; `undefined` for a text that is no address. An IPv4-mapped IPv6 address is the IPv4 address. */
export function toIpBytes(text: string): Buffer | undefined {
  const ipv4 = parseIpv4(text, 0, text.length);
  if (ipv4 !== undefined) return toIpv4Bytes(ipv4);
  const groups = new Uint16Array(IPV6_GROUPS);
  if (!parseIpv6(text, groups)) return undefined;
  if (isMappedIpv4(groups)) return toIpv4Bytes(toMappedIpv4(groups));
  const bytes = Buffer.alloc(IPV6_BYTES);
  for (let i = 0; i < IPV6_GROUPS; i += 1) bytes.writeUInt16BE(groups[i]!, i * GROUP_BYTES);
  return bytes;
}

/** The sixteen bytes in which an IPv6 protocol carries an IPv4 address (RFC 4291 §2.5.5.2). */
export function toMappedIpBytes(ipv4: Buffer): Buffer {
  const bytes = Buffer.alloc(IPV6_BYTES);
  bytes.writeUInt16BE(0xffff, IPV6_BYTES - IPV4_BYTES - GROUP_BYTES);
  ipv4.copy(bytes, IPV6_BYTES - IPV4_BYTES);
  return bytes;
}

/** Text for four bytes, or for sixteen: RFC 5952, and an IPv4-mapped address as the IPv4 address. */
export function formatIpBytes(bytes: Buffer): string {
  if (bytes.length === IPV4_BYTES) return bytes.join('.');
  const groups = new Uint16Array(IPV6_GROUPS);
  for (let i = 0; i < IPV6_GROUPS; i += 1) groups[i] = bytes.readUInt16BE(i * GROUP_BYTES);
  if (isMappedIpv4(groups)) return bytes.subarray(IPV6_BYTES - IPV4_BYTES).join('.');
  const gap = findLongestGap(groups);
  const texts = Array.from(groups, (group) => group.toString(16));
  if (gap.length < 2) return texts.join(':');
  return `${texts.slice(0, gap.at).join(':')}::${texts.slice(gap.at + gap.length).join(':')}`;
}

function toIpv4Bytes(address: number): Buffer {
  const bytes = Buffer.alloc(IPV4_BYTES);
  bytes.writeUInt32BE(address);
  return bytes;
}

/** RFC 5952 §4.2: the longest run of zeros is written `::`, the first of equals, and never a single zero. */
function findLongestGap(groups: Uint16Array): { at: number; length: number } {
  const longest = { at: 0, length: 0 };
  for (let i = 0, length = 0; i < groups.length; i += 1) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length > longest.length) Object.assign(longest, { at: i - length + 1, length });
  }
  return longest;
}
