import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRanges, AskedAddress, countIpv4UpTo, countIpv6UpTo } from './address-ranges.ts';
import { writeAddressRanges } from './address-ranges-writer.ts';
import { formatCidr } from './cidr-text.ts';
import { parseCidr } from './ip.ts';
import { runAtOnce } from './slices.ts';

function rangesOf(cidrs: readonly string[]): AddressRanges {
  const listed = cidrs.map((cidr, i) => ({ range: parseCidr(cidr)!, line: i + 1 }));
  return new AddressRanges(runAtOnce(writeAddressRanges(listed, (bytes) => new SharedArrayBuffer(bytes))));
}

/** The block that holds an address, and its line. */
function find(ranges: AddressRanges, address: string): string | undefined {
  const asked = new AskedAddress();
  assert.ok(asked.read(address), address);
  const position = ranges.find(asked);
  return position < 0 ? undefined : `${formatCidr(ranges.rangeAt(position))} ${ranges.lineAt(position)}`;
}

test('finds the block that holds an address, and the line where it stands', () => {
  const ranges = rangesOf(['2001:db8:8000::/33', '10.0.0.0/8', '192.0.2.7', '::1', '9.255.255.255']);
  assert.equal(ranges.count, 5);
  const cases: readonly (readonly [address: string, expected: string | undefined])[] = [
    ['9.255.255.254', undefined],
    ['9.255.255.255', '9.255.255.255 5'],
    ['10.0.0.0', '10.0.0.0/8 2'],
    ['10.255.255.255', '10.0.0.0/8 2'],
    ['11.0.0.0', undefined],
    ['192.0.2.7', '192.0.2.7 3'],
    ['192.0.2.8', undefined],
    ['255.255.255.255', undefined],
    ['::', undefined],
    ['::1', '::1 4'],
    ['0:0:0:0:0:0:0:1', '::1 4'],
    ['2001:db8:7fff:ffff:ffff:ffff:ffff:ffff', undefined],
    ['2001:0DB8:8000::', '2001:db8:8000::/33 1'],
    ['2001:db8:ffff:ffff:ffff:ffff:255.255.255.255', '2001:db8:8000::/33 1'],
    ['2001:db9::', undefined],
  ];
  for (const [address, expected] of cases) assert.equal(find(ranges, address), expected, address);
});

test('an IPv4-mapped address is the IPv4 address in every spelling', () => {
  const ranges = rangesOf(['198.51.100.0/24', '::/1']);
  for (const address of [
    '198.51.100.7',
    '::ffff:198.51.100.7',
    '::FFFF:c633:6407',
    '0:0:0:0:0:ffff:c633:6407',
    '::ffff:c633:6407%eth0',
  ])
    assert.equal(find(ranges, address), '198.51.100.0/24 1', address);
  assert.equal(find(ranges, '::ffff:192.0.2.1'), undefined, 'a block of IPv6 holds no IPv4 address');
});

test('of blocks within each other the widest stays, and of equal ones the first', () => {
  const ranges = rangesOf(['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '10.0.0.1', '2001:db8::1', '2001:db8::/32']);
  assert.equal(ranges.count, 2);
  assert.equal(find(ranges, '10.1.2.3'), '10.0.0.0/8 2');
  assert.equal(find(ranges, '2001:db8::1'), '2001:db8::/32 6');
});

test('the widest blocks and none at all', () => {
  const all = rangesOf(['0.0.0.0/0', '::/0']);
  assert.equal(find(all, '255.255.255.255'), '0.0.0.0/0 1');
  assert.equal(find(all, 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), '::/0 2');
  assert.equal(find(rangesOf([]), '10.0.0.1'), undefined);
  assert.equal(find(rangesOf([]), '::1'), undefined);
});

test('a text that is no address is read as none, also after one that was', () => {
  const asked = new AskedAddress();
  const all = rangesOf(['0.0.0.0/0', '::/0']);
  for (const text of ['', 'unknown', '10.0.0.256', '1:2', '10.0.0.1, 10.0.0.2']) {
    assert.ok(asked.read('10.0.0.1'));
    assert.equal(asked.read(text), false, text);
    assert.equal(all.find(asked), -1, text);
  }
});

/** Tells how often it was read at an index. */
function counted<Column extends object>(column: Column): { column: Column; reads(): number } {
  let reads = 0;
  const proxy = new Proxy(column, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
      return Reflect.get(target, key, target);
    },
  });
  return { column: proxy, reads: () => reads };
}

test('half a million blocks cost twenty comparisons at most', () => {
  const count = 500_000;
  const ipv4 = Uint32Array.from({ length: count }, (_, i) => i * 8_000);
  const ipv6 = new Uint16Array(count * 8);
  for (let i = 0; i < count; i += 1) ipv6.set([0x2001, i >>> 16, i & 0xffff, 0, 0, 0, 0, 0], i * 8);
  for (const index of [0, 1, 77_777, 250_000, count - 1]) {
    const ofIpv4 = counted(ipv4);
    assert.equal(countIpv4UpTo(ofIpv4.column, index * 8_000 + 5), index + 1);
    assert.ok(ofIpv4.reads() <= 20, `${ofIpv4.reads()} comparisons`);
    const ofIpv6 = counted(ipv6);
    assert.equal(countIpv6UpTo(ofIpv6.column, Uint16Array.of(0x2001, index >>> 16, index & 0xffff, 0, 0, 0, 0, 5)), index + 1);
    // Each comparison reads eight groups at most.
    assert.ok(ofIpv6.reads() <= 20 * 8, `${ofIpv6.reads()} groups`);
  }
});
