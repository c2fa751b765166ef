import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CountryResponse, Reader } from 'mmdb-lib';
import { AskedAddress } from '#base/address-ranges.ts';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import { CountryTable, formatCountry } from '#base/country-table.ts';
import { runAtOnce } from '#base/slices.ts';
import { writeCountryDatabase } from '#test/support/country-database.ts';
import { createRandom } from '#test/support/random.ts';
import { readCountries, UnusableDatabase } from './country-database.ts';

const networks = {
  '1.2.0.0/16': 'CH',
  '1.2.3.0/24': 'LI',
  '1.3.0.0/16': 'CH',
  '200.0.0.0/7': 'BR',
  '255.255.255.255': 'US',
  '2001:db8::/32': 'DE',
  '2001:db8:1::/48': 'AT',
  '2a00::/12': 'FR',
  'ffff::/16': 'ZA',
};

function read(bytes: Buffer) {
  const ranges = runAtOnce(readCountries(bytes));
  const table = new CountryTable(runAtOnce(writeAddressRanges(ranges, (length) => new ArrayBuffer(length))));
  const asked = new AskedAddress();
  return {
    blocks: ranges.length,
    find(address: string) {
      asked.read(address);
      const country = table.find(asked);
      return country === 0 ? undefined : formatCountry(country);
    },
  };
}

test('finds the country of an address, at the edges of its network too', () => {
  for (const recordBits of [24, 28, 32] as const)
    for (const hasAliases of [false, true]) {
      const { find } = read(writeCountryDatabase(networks, { recordBits, hasAliases }));
      for (const [address, country] of [
        ['1.1.255.255', undefined],
        ['1.2.0.0', 'CH'],
        ['1.2.2.255', 'CH'],
        ['1.2.3.0', 'LI'],
        ['1.2.3.255', 'LI'],
        ['1.2.4.0', 'CH'],
        ['1.3.255.255', 'CH'],
        ['1.4.0.0', undefined],
        ['::ffff:1.2.3.4', 'LI'],
        ['201.255.255.255', 'BR'],
        ['255.255.255.255', 'US'],
        ['255.255.255.254', undefined],
        ['2001:db8::1', 'DE'],
        ['2001:db8:1:ffff:ffff:ffff:ffff:ffff', 'AT'],
        ['2001:db8:2::', 'DE'],
        ['2001:db9::', undefined],
        ['2a0f:ffff::', 'FR'],
        ['2a10::', undefined],
        ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ZA'],
        ['::1', undefined],
        ['10.0.0.1', undefined],
        ['nonsense', undefined],
      ] as const)
        assert.equal(find(address), country, `${address}, ${recordBits} bits`);
    }
});

test('a database of IPv4 alone knows those', () => {
  const { find } = read(writeCountryDatabase({ '1.2.0.0/16': 'CH', '128.0.0.0/1': 'US' }, { ipVersion: 4, recordBits: 24 }));
  assert.deepEqual([find('1.2.3.4'), find('1.3.0.0'), find('200.0.0.1'), find('::1')], ['CH', undefined, 'US', undefined]);
});

test('neighbours of the same country are one block', () => {
  assert.equal(
    read(writeCountryDatabase({ '1.0.0.0/16': 'CH', '1.1.0.0/16': 'CH', '1.2.0.0/16': 'CH', '1.3.0.0/16': 'LI' })).blocks,
    2,
  );
  // The last address of IPv4 and the first one behind it are no neighbours.
  assert.equal(read(writeCountryDatabase({ '255.255.255.255': 'CH', '::1:0:0/96': 'CH' })).blocks, 2);
});

test('reads what other databases call a country', () => {
  const records = [
    (country: string) => ({ country_code: country }),
    (country: string) => ({ country }),
    (country: string) => ({ country: { iso_code: country } }),
  ];
  for (const toRecord of records) assert.equal(read(writeCountryDatabase(networks, { toRecord })).find('1.2.0.1'), 'CH');
  const useless = [
    () => ({}),
    () => 'CH',
    (country: string) => ({ country: country.toLowerCase() }),
    () => ({ country: { iso_code: 5 } }),
  ];
  for (const toRecord of useless) assert.equal(read(writeCountryDatabase(networks, { toRecord })).blocks, 0);
});

test('says the same as a reader of others', () => {
  const random = createRandom(5);
  const pick = (below: number) => Math.floor(random() * below);
  const countries = ['CH', 'LI', 'DE', 'AT', 'FR'];
  for (let round = 0; round < 20; round += 1) {
    const entries = Array.from({ length: 60 }, (): [string, string] => {
      const country = countries[pick(countries.length)]!;
      if (pick(2) === 0) return [`${pick(4)}.${pick(4)}.${pick(256)}.0/${8 + pick(17)}`, country];
      return [`2001:${pick(4).toString(16)}:${pick(4).toString(16)}::/${20 + pick(60)}`, country];
    });
    // Wider ones first.
    const widthOf = ([cidr]: [string, string]) => Number(cidr.slice(cidr.indexOf('/') + 1));
    const bytes = writeCountryDatabase(Object.fromEntries(entries.sort((left, right) => widthOf(left) - widthOf(right))));
    const { find } = read(bytes);
    const other = new Reader<CountryResponse>(bytes);
    for (let i = 0; i < 200; i += 1) {
      const address =
        pick(2) === 0
          ? `${pick(5)}.${pick(5)}.${pick(256)}.${pick(256)}`
          : `2001:${pick(5).toString(16)}:${pick(5).toString(16)}:${pick(65_536).toString(16)}::1`;
      assert.equal(find(address), other.get(address)?.country?.iso_code, address);
    }
  }
});

test('a file that is no database, or a damaged one, is refused', () => {
  const good = writeCountryDatabase(networks);
  const looping = Buffer.from(good);
  // The first node leads to itself.
  looping.fill(0, 0, 7);
  const noTree = good.subarray(good.indexOf('\xab\xcd\xefMaxMind.com', 0, 'latin1'));
  for (const [bytes, problem] of [
    [Buffer.alloc(0), /no database/],
    [Buffer.from('<html>not here</html>'), /no database/],
    [good.subarray(0, good.length / 2), /no database/],
    [looping, /its tree has no end/],
    [noTree, /longer than itself/],
  ] as const)
    assert.throws(
      () => read(bytes),
      (error) => error instanceof UnusableDatabase && problem.test(error.message),
      String(problem),
    );
});

test('bytes that are changed at random lead to a table or to a refusal, and never to no end', () => {
  const random = createRandom(5);
  const good = writeCountryDatabase(networks);
  for (let round = 0; round < 300; round += 1) {
    const bytes = Buffer.from(good);
    for (let i = 0; i < 3; i += 1) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      read(bytes).find('1.2.3.4');
    } catch (error) {
      assert.ok(error instanceof UnusableDatabase, String(error));
    }
  }
});
