/** A few blocks of addresses that a setting names, and whether one of them holds an address. */
import { AddressRanges, AskedAddress } from './address-ranges.ts';
import { writeAddressRanges } from './address-ranges-writer.ts';
import { assert } from './assert.ts';
import { type AddressRange, parseCidr } from './ip.ts';
import { runAtOnce } from './slices.ts';

/** A look-up is one parse and one binary search, and allocates nothing. */
export class AddressSet {
  readonly #ranges: AddressRanges;
  readonly #asked = new AskedAddress();

  constructor(ranges: readonly AddressRange[]) {
    const listed = ranges.map((range) => ({ range, line: 0 }));
    this.#ranges = new AddressRanges(runAtOnce(writeAddressRanges(listed, (bytes) => new ArrayBuffer(bytes))));
  }

  /** False also for a text that is no address. */
  has(address: string): boolean {
    return this.#asked.read(address) && this.#ranges.find(this.#asked) >= 0;
  }

  /** Whether any address is in both sets. */
  overlaps(other: AddressSet): boolean {
    return this.#ranges.overlaps(other.#ranges);
  }
}

/**
 * Compiles blocks that `parseCidr` accepts; validate with it first. `::/0` holds every IPv6 and no IPv4 address:
 * whoever means both writes both.
 */
export function compileAddressSet(cidrs: readonly string[]): AddressSet {
  return new AddressSet(cidrs.map(toValidatedRange));
}

export function toValidatedRange(cidr: string): AddressRange {
  const range = parseCidr(cidr);
  assert(range !== undefined, 'address blocks are validated before they are compiled');
  return range;
}
