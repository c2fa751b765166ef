/**
 * The countries in a database of MaxMind's format (https://maxmind.github.io/MaxMind-DB/): the tree of all its networks as one
 * sorted list of blocks, neighbours of the same country joined. A record says `country.iso_code` as in GeoLite2 and GeoIP2, or
 * `country_code` or `country` as in others. Loaded by configurations that name a database.
 */

import { Reader, type Response } from 'mmdb-lib';
import type { ListedRange } from '#base/address-ranges-writer.ts';
import { toCountryNumber } from '#base/country-table.ts';
import { type AddressRange, IPV6_GROUPS } from '#base/ip.ts';
import { formatIpBytes } from '#base/ip-bytes.ts';
import { limits } from '#base/limits.ts';

/** Nodes that are looked at between two yields: about a millisecond of work. */
const NODES_PER_STEP = 2_048;
const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** In a tree of IPv6, IPv4 lies below so many zeros. */
const IPV4_DEPTH = IPV6_BITS - IPV4_BITS;
const GROUP_BITS = 16n;
const GROUP_MASK = 0xffffn;

/** The database cannot be used; the message completes "it ...". */
export class UnusableDatabase extends Error {
  override readonly name = 'UnusableDatabase';
}

interface Block {
  readonly first: bigint;
  last: bigint;
  readonly bits: number;
  readonly country: number;
}

/** Throws `UnusableDatabase`. */
export function* readCountries(bytes: Buffer): Generator<undefined, ListedRange[], void> {
  const walk = new DatabaseWalk(bytes);
  for (;;) {
    let steps = 0;
    while (steps < NODES_PER_STEP && walk.step()) steps += 1;
    if (steps < NODES_PER_STEP) return walk.finish();
    yield;
  }
}

class DatabaseWalk {
  readonly #bytes: Buffer;
  readonly #reader: Reader<Response>;
  readonly #nodeCount: number;
  readonly #recordBits: number;
  readonly #bits: number;
  readonly #ipv4Root: number;
  /** What is still to be looked at, the next one last. */
  readonly #open: { readonly record: number; readonly prefix: bigint; readonly depth: number }[];
  #visited = 0;
  /** By record: 0 where there is no country. */
  readonly #countries = new Map<number, number>();
  readonly #ranges: ListedRange[] = [];
  #present: Block | undefined = undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#reader = openReader(bytes);
    const { ipVersion, nodeCount, recordSize, searchTreeSize } = this.#reader.metadata;
    if (ipVersion !== 4 && ipVersion !== 6) throw new UnusableDatabase(`says that it is of IPv${ipVersion}`);
    if (!(nodeCount > 0) || searchTreeSize > bytes.length) throw new UnusableDatabase('has a tree longer than itself');
    this.#nodeCount = nodeCount;
    this.#recordBits = recordSize;
    this.#bits = ipVersion === 4 ? IPV4_BITS : IPV6_BITS;
    this.#ipv4Root = ipVersion === 4 ? -1 : this.#findIpv4Root();
    this.#open = [{ record: 0, prefix: 0n, depth: 0 }];
  }

  /** Looks at one record; false when there is none left. */
  step(): boolean {
    const next = this.#open.pop();
    if (next === undefined) return false;
    const { record, prefix, depth } = next;
    if (record > this.#nodeCount) this.#add(prefix, depth, this.#countryOf(record, prefix));
    else if (record < this.#nodeCount && !this.#isAlias(record, prefix, depth)) this.#descend(record, prefix, depth);
    return true;
  }

  finish(): ListedRange[] {
    this.#close();
    return this.#ranges;
  }

  #descend(node: number, prefix: bigint, depth: number): void {
    this.#visited += 1;
    // A tree that leads back into itself would never end.
    if (this.#visited > this.#nodeCount || depth >= this.#bits) throw new UnusableDatabase('is damaged: its tree has no end');
    const right = prefix | (1n << BigInt(this.#bits - depth - 1));
    this.#open.push({ record: this.#readRecord(node, 1), prefix: right, depth: depth + 1 });
    this.#open.push({ record: this.#readRecord(node, 0), prefix, depth: depth + 1 });
  }

  /** Other blocks that stand for IPv4, such as those of 6to4, lead to the same nodes. They are no addresses of clients. */
  #isAlias(record: number, prefix: bigint, depth: number): boolean {
    return record === this.#ipv4Root && (prefix !== 0n || depth !== IPV4_DEPTH);
  }

  #add(prefix: bigint, depth: number, country: number): void {
    if (country === 0) return;
    const isIpv4 = this.#bits === IPV4_BITS || (depth >= IPV4_DEPTH && prefix >> BigInt(IPV4_BITS) === 0n);
    const last = prefix | ((1n << BigInt(this.#bits - depth)) - 1n);
    const bits = isIpv4 ? IPV4_BITS : IPV6_BITS;
    const before = this.#present;
    if (before?.country === country && before.bits === bits && before.last + 1n === prefix) {
      before.last = last;
      return;
    }
    this.#close();
    this.#present = { first: prefix, last, bits, country };
  }

  #close(): void {
    const block = this.#present;
    if (block === undefined) return;
    if (this.#ranges.length >= limits.countryBlocksMax)
      throw new UnusableDatabase(`has more than ${limits.countryBlocksMax} blocks of addresses`);
    this.#ranges.push({ range: toRange(block), line: block.country });
    this.#present = undefined;
  }

  #countryOf(record: number, prefix: bigint): number {
    const known = this.#countries.get(record);
    if (known !== undefined) return known;
    const country = toCountry(this.#readData(prefix));
    this.#countries.set(record, country);
    return country;
  }

  #readData(prefix: bigint): unknown {
    const isIpv4 = this.#bits === IPV4_BITS || prefix >> BigInt(IPV4_BITS) === 0n;
    try {
      return this.#reader.get(formatAddress(prefix, isIpv4 ? IPV4_BITS : IPV6_BITS));
    } catch (error) {
      throw new UnusableDatabase('is damaged: a record cannot be read', { cause: error });
    }
  }

  #findIpv4Root(): number {
    let record = 0;
    for (let depth = 0; depth < IPV4_DEPTH && record < this.#nodeCount; depth += 1) record = this.#readRecord(record, 0);
    return record > 0 && record < this.#nodeCount ? record : -1;
  }

  /** `side`: 0 is left. */
  #readRecord(node: number, side: 0 | 1): number {
    const at = (node * this.#recordBits) / 4;
    const bytes = this.#bytes;
    if (this.#recordBits === 24) return bytes.readUIntBE(at + 3 * side, 3);
    if (this.#recordBits === 32) return bytes.readUInt32BE(at + 4 * side);
    // The highest four bits of both share the byte in the middle.
    const middle = bytes.readUInt8(at + 3);
    return side === 0
      ? (middle >> 4) * 2 ** 24 + bytes.readUIntBE(at, 3)
      : (middle & 0x0f) * 2 ** 24 + bytes.readUIntBE(at + 4, 3);
  }
}

function openReader(bytes: Buffer): Reader<Response> {
  try {
    return new Reader(bytes);
  } catch (error) {
    throw new UnusableDatabase('is no database of MaxMind’s format', { cause: error });
  }
}

function toCountry(record: unknown): number {
  const { country, country_code: other } = isDocument(record) ? record : {};
  const code = isDocument(country) ? country['iso_code'] : (other ?? country);
  return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? toCountryNumber(code) : 0;
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function toRange({ first, last, bits }: Block): AddressRange {
  if (bits === IPV4_BITS) return { version: 4, first: Number(first), last: Number(last) };
  return { version: 6, first: toGroups(first), last: toGroups(last) };
}

function toGroups(address: bigint): number[] {
  return Array.from({ length: IPV6_GROUPS }, (_, i) =>
    Number((address >> (GROUP_BITS * BigInt(IPV6_GROUPS - 1 - i))) & GROUP_MASK),
  );
}

function formatAddress(address: bigint, bits: number): string {
  const bytes = Buffer.alloc(bits / 8);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Number((address >> BigInt(bits - 8 * (i + 1))) & 0xffn);
  return formatIpBytes(bytes);
}
