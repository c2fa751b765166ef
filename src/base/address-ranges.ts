/**
 * Blocks of addresses as one image of numbers, which may lie in memory that threads share. They are sorted and none overlaps
 * another, so finding the one that holds an address is a binary search that allocates nothing: twenty comparisons for a
 * million blocks. Each remembers on which line of its list it stands.
 *
 * The image: how many blocks of IPv4 there are and how many of IPv6, in 32-bit words; then first addresses, last addresses and
 * lines of IPv4, and lines of IPv6; then the groups of first and last addresses of IPv6, in 16-bit words.
 */
import { type AddressRange, IPV6_GROUPS, isMappedIpv4, parseIpv4, parseIpv6, toMappedIpv4 } from './ip.ts';

/** How many blocks there are of each family. */
export interface BlockCounts {
  readonly ipv4: number;
  readonly ipv6: number;
}

const HEADER_WORDS = 2;

/** An address that is looked for. One object serves for all, so that asking allocates nothing. */
export class AskedAddress {
  /** `undefined`: the text was no address. */
  version: 4 | 6 | undefined = undefined;
  ipv4 = 0;
  readonly groups = new Uint16Array(IPV6_GROUPS);

  /** An IPv4-mapped address is the IPv4 address. False for a text that is no address. */
  read(text: string): boolean {
    const ipv4 = parseIpv4(text, 0, text.length);
    if (ipv4 !== undefined) {
      this.version = 4;
      this.ipv4 = ipv4;
      return true;
    }
    this.version = parseIpv6(text, this.groups) ? 6 : undefined;
    if (this.version === undefined) return false;
    if (!isMappedIpv4(this.groups)) return true;
    this.version = 4;
    this.ipv4 = toMappedIpv4(this.groups);
    return true;
  }
}

/** Reads an image. Blocks have positions: those of IPv4 come first. */
export class AddressRanges {
  readonly #counts: BlockCounts;
  readonly #columns: Columns;

  constructor(image: ArrayBufferLike) {
    const [ipv4 = 0, ipv6 = 0] = new Uint32Array(image, 0, HEADER_WORDS);
    this.#counts = { ipv4, ipv6 };
    this.#columns = toColumns(image, this.#counts);
  }

  get count(): number {
    return this.#counts.ipv4 + this.#counts.ipv6;
  }

  /** Position of the block that holds the address; -1 when none does. */
  find(asked: AskedAddress): number {
    const { ipv4First, ipv4Last, ipv6First, ipv6Last } = this.#columns;
    if (asked.version === 4) {
      const before = countIpv4UpTo(ipv4First, asked.ipv4);
      return before > 0 && asked.ipv4 <= ipv4Last[before - 1]! ? before - 1 : -1;
    }
    if (asked.version === undefined) return -1;
    const before = countIpv6UpTo(ipv6First, asked.groups);
    const isInside = before > 0 && compareGroupsAt(ipv6Last, (before - 1) * IPV6_GROUPS, asked.groups) >= 0;
    return isInside ? this.#counts.ipv4 + before - 1 : -1;
  }

  rangeAt(position: number): AddressRange {
    const { ipv4First, ipv4Last, ipv6First, ipv6Last } = this.#columns;
    if (position < this.#counts.ipv4) return { version: 4, first: ipv4First[position]!, last: ipv4Last[position]! };
    const from = (position - this.#counts.ipv4) * IPV6_GROUPS;
    const to = from + IPV6_GROUPS;
    return { version: 6, first: [...ipv6First.subarray(from, to)], last: [...ipv6Last.subarray(from, to)] };
  }

  lineAt(position: number): number {
    const { ipv4Line, ipv6Line } = this.#columns;
    return position < this.#counts.ipv4 ? ipv4Line[position]! : ipv6Line[position - this.#counts.ipv4]!;
  }

  /** Whether any address is in both. Two blocks overlap exactly when one of them holds the other's first address. */
  overlaps(other: AddressRanges): boolean {
    return this.#holdsFirstOf(other) || other.#holdsFirstOf(this);
  }

  #holdsFirstOf(other: AddressRanges): boolean {
    const asked = new AskedAddress();
    for (let position = 0; position < other.count; position += 1) {
      const { version, first } = other.rangeAt(position);
      asked.version = version;
      if (version === 4) asked.ipv4 = first;
      else asked.groups.set(first);
      if (this.find(asked) >= 0) return true;
    }
    return false;
  }
}

/** How many of the sorted addresses are not above the one that is asked for. */
export function countIpv4UpTo(sorted: Readonly<ArrayLike<number>>, address: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same where each takes eight places. */
export function countIpv6UpTo(sorted: Readonly<ArrayLike<number>>, groups: Uint16Array): number {
  let low = 0;
  let high = sorted.length / IPV6_GROUPS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareGroupsAt(sorted, middle * IPV6_GROUPS, groups) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The parts of an image. */
interface Columns {
  readonly counts: Uint32Array;
  readonly ipv4First: Uint32Array;
  readonly ipv4Last: Uint32Array;
  readonly ipv4Line: Uint32Array;
  readonly ipv6Line: Uint32Array;
  readonly ipv6First: Uint16Array;
  readonly ipv6Last: Uint16Array;
}

/** Views of the parts of an image. */
export function toColumns(image: ArrayBufferLike, { ipv4, ipv6 }: BlockCounts): Columns {
  let at = 0;
  const words = (count: number) => {
    const column = new Uint32Array(image, at, count);
    at += column.byteLength;
    return column;
  };
  return {
    counts: words(HEADER_WORDS),
    ipv4First: words(ipv4),
    ipv4Last: words(ipv4),
    ipv4Line: words(ipv4),
    ipv6Line: words(ipv6),
    ipv6First: new Uint16Array(image, at, ipv6 * IPV6_GROUPS),
    ipv6Last: new Uint16Array(image, at + ipv6 * IPV6_GROUPS * Uint16Array.BYTES_PER_ELEMENT, ipv6 * IPV6_GROUPS),
  };
}

/** How long an image is. */
export function countImageBytes({ ipv4, ipv6 }: BlockCounts): number {
  const words = HEADER_WORDS + 3 * ipv4 + ipv6;
  return words * Uint32Array.BYTES_PER_ELEMENT + 2 * ipv6 * IPV6_GROUPS * Uint16Array.BYTES_PER_ELEMENT;
}

/** Negative where the eight groups at a place of a column are below others. */
export function compareGroupsAt(column: Readonly<ArrayLike<number>>, at: number, groups: Readonly<ArrayLike<number>>): number {
  for (let i = 0; i < IPV6_GROUPS; i += 1) {
    const difference = column[at + i]! - groups[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
