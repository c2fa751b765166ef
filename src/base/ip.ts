/**
 * IP addresses and blocks of them, from text to numbers.
 *
 * An IPv4 address is one unsigned 32-bit number, an IPv6 address its eight 16-bit groups. An IPv4-mapped IPv6 address
 * (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is the IPv4 address: a dual-stack socket shows IPv4 clients that way. Zone ids
 * (`fe80::1%eth0`, RFC 4007 §11) say on which link an address was seen and are dropped. Texts may come from a client
 * (forwarded addresses), so every parser refuses what it does not fully understand.
 */
/** Groups of 16 bits in an IPv6 address. */
export const IPV6_GROUPS = 8;
const GROUP_BITS = 16;
const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** Bits of `::ffff:0:0`, which precede the IPv4 address in its mapped form. */
const MAPPED_PREFIX_BITS = 96;

const DOT = 0x2e;
const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LETTER_A = 0x61;
const LETTER_F = 0x66;
const LOWER_CASE_BIT = 0x20;

interface Ipv4Range {
  readonly version: 4;
  readonly first: number;
  readonly last: number;
}

/** By groups. */
interface Ipv6Range {
  readonly version: 6;
  readonly first: readonly number[];
  readonly last: readonly number[];
}

/** The first and last address of one block. */
export type AddressRange = Ipv4Range | Ipv6Range;

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Bits beyond the prefix length are ignored. */
export function parseCidr(text: string): AddressRange | undefined {
  return parseBlock(text, false);
}

/** The same for an address that is the first of its range, without a zone id. */
export function parseExactCidr(text: string): AddressRange | undefined {
  return text.includes('%') ? undefined : parseBlock(text, true);
}

function parseBlock(text: string, isExact: boolean): AddressRange | undefined {
  const slashAt = text.indexOf('/');
  const address = slashAt < 0 ? text : text.slice(0, slashAt);
  const ipv4 = parseIpv4(address, 0, address.length);
  if (ipv4 !== undefined) {
    const prefixBits = parsePrefixBits(text, slashAt, IPV4_BITS);
    return prefixBits === undefined ? undefined : toIpv4Range(ipv4, prefixBits, isExact);
  }
  const groups = new Uint16Array(IPV6_GROUPS);
  if (!parseIpv6(address, groups)) return undefined;
  const prefixBits = parsePrefixBits(text, slashAt, IPV6_BITS);
  if (prefixBits === undefined) return undefined;
  if (isMappedIpv4(groups) && prefixBits >= MAPPED_PREFIX_BITS) {
    return toIpv4Range(toMappedIpv4(groups), prefixBits - MAPPED_PREFIX_BITS, isExact);
  }
  return toIpv6Range(groups, prefixBits, isExact);
}

/** Strict dotted decimal: four numbers without leading zeros, because `010` is 8 to some programs and 10 to others. */
export function parseIpv4(text: string, from: number, to: number): number | undefined {
  let address = 0;
  let part = -1;
  let dots = 0;
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (part < 0 || dots === 3) return undefined;
      address = address * 256 + part;
      part = -1;
      dots += 1;
      continue;
    }
    if (code < DIGIT_0 || code > DIGIT_9 || part === 0) return undefined;
    part = part < 0 ? code - DIGIT_0 : part * 10 + code - DIGIT_0;
    if (part > 255) return undefined;
  }
  return dots === 3 && part >= 0 ? address * 256 + part : undefined;
}

/** RFC 4291 §2.2: up to eight groups, one `::` for a run of zeros, and perhaps an IPv4 address in place of the last two. */
export function parseIpv6(text: string, groups: Uint16Array): boolean {
  const zoneAt = text.indexOf('%');
  const to = zoneAt < 0 ? text.length : zoneAt;
  if (zoneAt >= 0 && (zoneAt === text.length - 1 || text.includes('%', zoneAt + 1))) return false;
  let count = 0;
  let gapAt = -1;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return false;
    gapAt = 0;
    at = 2;
  }
  while (at < to) {
    if (count === IPV6_GROUPS) return false;
    const end = findGroupEnd(text, at, to);
    if (end < to && text.charCodeAt(end) === DOT) {
      const ipv4 = count <= IPV6_GROUPS - 2 ? parseIpv4(text, at, to) : undefined;
      if (ipv4 === undefined) return false;
      groups[count] = ipv4 >>> GROUP_BITS;
      groups[count + 1] = ipv4;
      count += 2;
      break;
    }
    if (end === at) return false;
    groups[count] = readGroup(text, at, end);
    count += 1;
    if (end === to) break;
    if (text.charCodeAt(end) !== COLON) return false;
    at = end + 1;
    if (at === to) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gapAt >= 0) return false;
    gapAt = count;
    at += 1;
  }
  return gapAt < 0 ? count === IPV6_GROUPS : spreadGap(groups, gapAt, count);
}

/** Where the hexadecimal digits that begin at `from` end; at most four of them make a group. */
function findGroupEnd(text: string, from: number, to: number): number {
  const limit = Math.min(from + 4, to);
  let at = from;
  while (at < limit && toHexValue(text.charCodeAt(at)) >= 0) at += 1;
  return at;
}

function readGroup(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 16 + toHexValue(text.charCodeAt(at));
  return value;
}

/** The value of a hexadecimal digit, negative for any other character. */
function toHexValue(code: number): number {
  if (code >= DIGIT_0 && code <= DIGIT_9) return code - DIGIT_0;
  const letter = code | LOWER_CASE_BIT;
  return letter >= LETTER_A && letter <= LETTER_F ? letter - LETTER_A + 10 : -1;
}

/** Moves the groups after `::` to the end and puts zeros between. `::` stands for at least one group. */
function spreadGap(groups: Uint16Array, gapAt: number, count: number): boolean {
  if (count === IPV6_GROUPS) return false;
  const tailAt = IPV6_GROUPS - (count - gapAt);
  groups.copyWithin(tailAt, gapAt, count);
  groups.fill(0, gapAt, tailAt);
  return true;
}

/** `::ffff:a.b.c.d` */
export function isMappedIpv4(groups: Uint16Array): boolean {
  if (groups[5] !== 0xffff) return false;
  return groups[0] === 0 && groups[1] === 0 && groups[2] === 0 && groups[3] === 0 && groups[4] === 0;
}

/** The IPv4 address in an IPv4-mapped one. */
export function toMappedIpv4(groups: Uint16Array): number {
  return groups[6]! * 0x1_0000 + groups[7]!;
}

/** The digits after the slash; without a slash, the full length. */
function parsePrefixBits(text: string, slashAt: number, bitsMax: number): number | undefined {
  if (slashAt < 0) return bitsMax;
  const digits = text.slice(slashAt + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const prefixBits = Number(digits);
  return prefixBits <= bitsMax ? prefixBits : undefined;
}

function toIpv4Range(address: number, prefixBits: number, isExact: boolean): AddressRange | undefined {
  const blockSize = 2 ** (IPV4_BITS - prefixBits);
  const first = address - (address % blockSize);
  return isExact && first !== address ? undefined : { version: 4, first, last: first + blockSize - 1 };
}

function toIpv6Range(groups: Uint16Array, prefixBits: number, isExact: boolean): AddressRange | undefined {
  const first: number[] = [];
  const last: number[] = [];
  for (let index = 0; index < IPV6_GROUPS; index += 1) {
    const fixedBits = Math.min(Math.max(prefixBits - index * GROUP_BITS, 0), GROUP_BITS);
    const freeMask = 0xffff >>> fixedBits;
    const group = groups[index]!;
    if (isExact && (group & freeMask) !== 0) return undefined;
    first.push(group & ~freeMask);
    last.push(group | freeMask);
  }
  return { version: 6, first, last };
}
