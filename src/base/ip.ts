/**
 * IP addresses as numbers, and sets of address blocks that answer quickly whether they hold an address.
 *
 * An IPv4 address is one unsigned 32-bit number, an IPv6 address its eight 16-bit groups. An IPv4-mapped IPv6 address
 * (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is the IPv4 address: a dual-stack socket shows IPv4 clients that way. Zone ids
 * (`fe80::1%eth0`, RFC 4007 §11) say on which link an address was seen and are dropped. Texts may come from a client
 * (forwarded addresses), so every parser refuses what it does not fully understand.
 */
import { assert } from './assert.ts';

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

interface Ipv6Range {
  readonly version: 6;
  readonly first: Uint16Array;
  readonly last: Uint16Array;
}

/** The first and last address of one block. */
export type AddressRange = Ipv4Range | Ipv6Range;

/** Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Bits beyond the prefix length are ignored. */
export function parseCidr(text: string): AddressRange | undefined {
  const slashAt = text.indexOf('/');
  const address = slashAt < 0 ? text : text.slice(0, slashAt);
  const ipv4 = parseIpv4(address, 0, address.length);
  if (ipv4 !== undefined) {
    const prefixBits = parsePrefixBits(text, slashAt, IPV4_BITS);
    return prefixBits === undefined ? undefined : toIpv4Range(ipv4, prefixBits);
  }
  const groups = new Uint16Array(IPV6_GROUPS);
  if (!parseIpv6(address, groups)) return undefined;
  const prefixBits = parsePrefixBits(text, slashAt, IPV6_BITS);
  if (prefixBits === undefined) return undefined;
  if (isMappedIpv4(groups) && prefixBits >= MAPPED_PREFIX_BITS) {
    return toIpv4Range(toMappedIpv4(groups), prefixBits - MAPPED_PREFIX_BITS);
  }
  return toIpv6Range(groups, prefixBits);
}

/** Address blocks, merged and sorted, so that a look-up is one parse and one binary search and allocates nothing. */
export class AddressSet {
  readonly #ipv4First: Uint32Array;
  readonly #ipv4Last: Uint32Array;
  readonly #ipv6First: readonly Uint16Array[];
  readonly #ipv6Last: readonly Uint16Array[];
  /** Where `has` puts the groups of the address it is asked about. */
  readonly #asked = new Uint16Array(IPV6_GROUPS);

  constructor(ranges: readonly AddressRange[]) {
    const ipv4 = mergeIpv4(ranges.filter((range) => range.version === 4));
    const ipv6 = mergeIpv6(ranges.filter((range) => range.version === 6));
    this.#ipv4First = Uint32Array.from(ipv4, (range) => range.first);
    this.#ipv4Last = Uint32Array.from(ipv4, (range) => range.last);
    this.#ipv6First = ipv6.map((range) => range.first);
    this.#ipv6Last = ipv6.map((range) => range.last);
  }

  /** False also for a text that is no address. */
  has(address: string): boolean {
    const ipv4 = parseIpv4(address, 0, address.length);
    if (ipv4 !== undefined) return this.#hasIpv4(ipv4);
    const groups = this.#asked;
    if (!parseIpv6(address, groups)) return false;
    return isMappedIpv4(groups) ? this.#hasIpv4(toMappedIpv4(groups)) : this.#hasIpv6(groups);
  }

  /** Whether any address is in both sets. */
  overlaps(other: AddressSet): boolean {
    return this.#hasFirstOf(other) || other.#hasFirstOf(this);
  }

  /** Two blocks overlap exactly when one of them holds the other's first address. */
  #hasFirstOf(other: AddressSet): boolean {
    return other.#ipv4First.some((first) => this.#hasIpv4(first)) || other.#ipv6First.some((first) => this.#hasIpv6(first));
  }

  #hasIpv4(address: number): boolean {
    const firsts = this.#ipv4First;
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (firsts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address <= this.#ipv4Last[low - 1]!;
  }

  #hasIpv6(groups: Uint16Array): boolean {
    const firsts = this.#ipv6First;
    let low = 0;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareGroups(firsts[middle]!, groups) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compareGroups(groups, this.#ipv6Last[low - 1]!) <= 0;
  }
}

/**
 * Compiles blocks that `parseCidr` accepts; validate with it first. `::/0` holds every IPv6 and no IPv4 address:
 * whoever means both writes both.
 */
export function compileAddressSet(cidrs: readonly string[]): AddressSet {
  return new AddressSet(cidrs.map(toValidatedRange));
}

function toValidatedRange(cidr: string): AddressRange {
  const range = parseCidr(cidr);
  assert(range !== undefined, 'address blocks are validated before they are compiled');
  return range;
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

function toIpv4Range(address: number, prefixBits: number): AddressRange {
  const blockSize = 2 ** (IPV4_BITS - prefixBits);
  const first = address - (address % blockSize);
  return { version: 4, first, last: first + blockSize - 1 };
}

function toIpv6Range(groups: Uint16Array, prefixBits: number): AddressRange {
  const first = groups.slice();
  const last = groups.slice();
  for (let index = 0; index < IPV6_GROUPS; index += 1) {
    const fixedBits = Math.min(Math.max(prefixBits - index * GROUP_BITS, 0), GROUP_BITS);
    const freeMask = 0xffff >>> fixedBits;
    first[index] = first[index]! & ~freeMask;
    last[index] = last[index]! | freeMask;
  }
  return { version: 6, first, last };
}

function compareGroups(left: Uint16Array, right: Uint16Array): number {
  for (let index = 0; index < IPV6_GROUPS; index += 1) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Sorts, and drops what lies inside an earlier block. Two blocks of addresses never overlap only in part. */
function mergeIpv4(ranges: readonly Ipv4Range[]): Ipv4Range[] {
  const merged: Ipv4Range[] = [];
  for (const range of ranges.toSorted((left, right) => left.first - right.first || right.last - left.last)) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last) merged.push(range);
  }
  return merged;
}

function mergeIpv6(ranges: readonly Ipv6Range[]): Ipv6Range[] {
  const merged: Ipv6Range[] = [];
  const bySize = ranges.toSorted((left, right) => compareGroups(left.first, right.first) || compareGroups(right.last, left.last));
  for (const range of bySize) {
    const before = merged.at(-1);
    if (before === undefined || compareGroups(range.first, before.last) > 0) merged.push(range);
  }
  return merged;
}
