/** The countries of one place of use, and what they say of an address. */
import type { AskedAddress } from '#base/address-ranges.ts';
import { assert } from '#base/assert.ts';
import { CountryTable, formatCountry, toCountryNumber } from '#base/country-table.ts';
import type { IpConfig } from './config.ts';

/** `deny-unknown` is weaker than an address that is allowed; `deny` is not. */
export type CountryDecision = 'deny' | 'deny-unknown' | 'allow' | 'none';

export class CountryRules {
  readonly #table: CountryTable;
  readonly #allow: ReadonlySet<number>;
  readonly #deny: ReadonlySet<number>;
  readonly #ofUnknown: CountryDecision;

  constructor({ allow = [], deny = [], unknown }: NonNullable<IpConfig['countries']>, image: ArrayBufferLike | undefined) {
    assert(image !== undefined, 'a configuration that names countries has a database');
    this.#table = new CountryTable(image);
    this.#allow = new Set(allow.map(toCountryNumber));
    this.#deny = new Set(deny.map(toCountryNumber));
    this.#ofUnknown = unknown === undefined ? 'none' : unknown === 'allow' ? 'allow' : 'deny-unknown';
  }

  decide(asked: AskedAddress): CountryDecision {
    const country = this.#table.find(asked);
    if (country === 0) return this.#ofUnknown;
    if (this.#deny.has(country)) return 'deny';
    return this.#allow.has(country) ? 'allow' : 'none';
  }

  /** For people. */
  nameOf(asked: AskedAddress): string {
    const country = this.#table.find(asked);
    return country === 0 ? 'unknown' : formatCountry(country);
  }
}
