/** Which country each block of addresses belongs to, in the image of `AddressRanges`: the line of a block stands for its country. */
import { AddressRanges, type AskedAddress } from './address-ranges.ts';
import { assert } from './assert.ts';

/** A country as a number, so that looking one up makes no text. 0: not known. */
export type CountryNumber = number;

const LETTERS = 26;
const A = 65;

/** `code`: two capital letters (ISO 3166-1). */
export function toCountryNumber(code: string): CountryNumber {
  assert(/^[A-Z]{2}$/.test(code), 'codes of countries are two capital letters');
  return (code.charCodeAt(0) - A) * LETTERS + (code.charCodeAt(1) - A) + 1;
}

export function formatCountry(country: CountryNumber): string {
  const index = country - 1;
  return String.fromCharCode(A + Math.floor(index / LETTERS), A + (index % LETTERS));
}

export class CountryTable {
  readonly #ranges: AddressRanges;

  constructor(image: ArrayBufferLike) {
    this.#ranges = new AddressRanges(image);
  }

  find(asked: AskedAddress): CountryNumber {
    const position = this.#ranges.find(asked);
    return position < 0 ? 0 : this.#ranges.lineAt(position);
  }
}
