/** The lists of one place of use, and what they say of an address. */
import { AddressRanges, AskedAddress } from '#base/address-ranges.ts';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import { toValidatedRange } from '#base/address-set.ts';
import { formatCidr } from '#base/cidr-text.ts';
import { runAtOnce } from '#base/slices.ts';
import type { AddressEntry, IpConfig } from './config.ts';
import { CountryRules } from './country-rules.ts';

type AddressLists = Readonly<Record<string, ArrayBufferLike>>;

/** What the files of a configuration say of addresses. */
export interface AddressFacts {
  readonly addressLists: AddressLists;
  readonly countries: ArrayBufferLike | undefined;
}

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
  /** `unknown` is one too. `undefined`: countries have not been asked. */
  readonly country: string | undefined;
}

export class AddressRules {
  readonly #allow: readonly AddressSource[];
  readonly #deny: readonly AddressSource[];
  readonly #countries: CountryRules | undefined;
  /** Whether those may pass of whom no list has anything to say. */
  readonly #passesOthers: boolean;
  readonly #asked = new AskedAddress();

  constructor({ allow, deny, countries }: IpConfig, facts: AddressFacts) {
    this.#allow = toSources(allow ?? [], facts.addressLists);
    this.#deny = toSources(deny ?? [], facts.addressLists);
    this.#countries = countries && new CountryRules(countries, facts.countries);
    this.#passesOthers = allow === undefined && countries?.allow === undefined;
  }

  /** A text that is no address, as over a Unix socket, is in no list. */
  mayPass(address: string): boolean {
    this.#asked.read(address);
    if (this.#isIn(this.#deny)) return false;
    const decision = this.#countries?.decide(this.#asked) ?? 'none';
    if (decision === 'deny') return false;
    if (this.#isIn(this.#allow)) return true;
    return decision === 'none' ? this.#passesOthers : decision === 'allow';
  }

  /** The same with its reasons; `undefined` when no list has anything to say. */
  judge(address: string): AddressVerdict | undefined {
    this.#asked.read(address);
    const denied = this.#findRule(this.#deny);
    if (denied !== undefined) return { isRefused: true, list: 'deny', ...denied, country: undefined };
    const decision = this.#countries?.decide(this.#asked) ?? 'none';
    const country = this.#countries?.nameOf(this.#asked);
    const byCountry = { rule: undefined, from: undefined, country };
    if (decision === 'deny') return { isRefused: true, list: 'deny', ...byCountry };
    const allowed = this.#findRule(this.#allow);
    if (allowed !== undefined) return { isRefused: false, list: 'allow', ...allowed, country: undefined };
    if (decision === 'deny-unknown') return { isRefused: true, list: 'deny', ...byCountry };
    if (decision === 'allow') return { isRefused: false, list: 'allow', ...byCountry };
    return this.#passesOthers ? undefined : { isRefused: true, list: 'allow', ...byCountry };
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
