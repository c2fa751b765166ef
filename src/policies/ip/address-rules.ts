/** The lists of one place of use, and what they say of an address. */
import { AddressRanges, AskedAddress } from '#base/address-ranges.ts';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import { toValidatedRange } from '#base/address-set.ts';
import { formatCidr } from '#base/cidr-text.ts';
import { runAtOnce } from '#base/slices.ts';
import type { AddressEntry, IpConfig } from './config.ts';

type AddressLists = Readonly<Record<string, ArrayBufferLike>>;

interface AddressSource {
  readonly ranges: AddressRanges;
  /** `undefined`: written in the configuration. */
  readonly file: string | undefined;
}

/** Why an address is refused or may pass. */
export interface AddressVerdict {
  readonly isRefused: boolean;
  readonly list: 'allow' | 'deny';
  /** The block that holds the address; `undefined` when none of the list does. */
  readonly rule: string | undefined;
  /** `FILE:LINE`, for a block of a file. */
  readonly from: string | undefined;
}

export class AddressRules {
  readonly #allow: readonly AddressSource[] | undefined;
  readonly #deny: readonly AddressSource[];
  readonly #asked = new AskedAddress();

  constructor({ allow, deny }: IpConfig, lists: AddressLists) {
    this.#allow = allow === undefined ? undefined : toSources(allow, lists);
    this.#deny = toSources(deny ?? [], lists);
  }

  /** A text that is no address, as over a Unix socket, is in no list. */
  mayPass(address: string): boolean {
    this.#asked.read(address);
    if (this.#isIn(this.#deny)) return false;
    return this.#allow === undefined || this.#isIn(this.#allow);
  }

  /** The same with its reasons; `undefined` when no list has anything to say. */
  judge(address: string): AddressVerdict | undefined {
    this.#asked.read(address);
    const denied = this.#findRule(this.#deny);
    if (denied !== undefined) return { isRefused: true, list: 'deny', ...denied };
    if (this.#allow === undefined) return undefined;
    const allowed = this.#findRule(this.#allow);
    return { isRefused: allowed === undefined, list: 'allow', rule: allowed?.rule, from: allowed?.from };
  }

  #isIn(sources: readonly AddressSource[]): boolean {
    for (const { ranges } of sources) if (ranges.find(this.#asked) >= 0) return true;
    return false;
  }

  #findRule(sources: readonly AddressSource[]): Pick<AddressVerdict, 'rule' | 'from'> | undefined {
    for (const { ranges, file } of sources) {
      const position = ranges.find(this.#asked);
      if (position < 0) continue;
      const from = file === undefined ? undefined : `${file}:${ranges.lineAt(position)}`;
      return { rule: formatCidr(ranges.rangeAt(position)), from };
    }
    return undefined;
  }
}

/** What the configuration holds itself is one source; each file is another. */
function toSources(entries: readonly AddressEntry[], lists: AddressLists): AddressSource[] {
  const written = entries.filter((entry) => typeof entry === 'string');
  const files = entries.filter((entry) => typeof entry !== 'string').map(({ file }) => file);
  const sources = files.map((file): AddressSource => ({ ranges: new AddressRanges(lists[file]!), file }));
  if (written.length === 0) return sources;
  const listed = written.map((cidr) => ({ range: toValidatedRange(cidr), line: 0 }));
  const ranges = new AddressRanges(runAtOnce(writeAddressRanges(listed, (bytes) => new ArrayBuffer(bytes))));
  return [{ ranges, file: undefined }, ...sources];
}
