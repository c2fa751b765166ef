/** What files say of addresses: the lists of policies, and the database of countries. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';
import { AddressListReader } from './address-list-reader.ts';
import { CountryReader } from './country-reader.ts';
import { type ConfigurationFiles, findAddressLists } from './named-files.ts';

export interface AddressFacts extends Pick<ConfigurationFiles, 'addressLists' | 'countries'> {
  readonly findings: readonly Finding[];
}

export class AddressFactReader {
  readonly #lists: AddressListReader;
  readonly #countries: CountryReader;

  constructor(means: { readonly clock: Clock; readonly logger: Logger }) {
    this.#lists = new AddressListReader(means);
    this.#countries = new CountryReader(means);
  }

  async read(configuration: Configuration): Promise<AddressFacts> {
    const { lists, findings } = await this.#lists.read(findAddressLists(configuration));
    const countries = await this.#countries.read(configuration);
    return { addressLists: lists, countries: countries.image, findings: [...findings, ...countries.findings] };
  }
}
