import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileAddressSet } from './address-set.ts';
import { parseCidr } from './ip.ts';

test('a block holds its first and last address and neither neighbour', () => {
  const cases: [cidr: string, inside: string[], outside: string[]][] = [
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
    ['192.168.4.128/25', ['192.168.4.128', '192.168.4.255'], ['192.168.4.127', '192.168.5.0']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::1']],
    ['255.255.255.255', ['255.255.255.255'], ['255.255.255.254']],
    ['2001:db8::/33', ['2001:db8::', '2001:db8:7fff:ffff::1'], ['2001:db8:8000::', '2001:db7:ffff::']],
    ['::/0', ['::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'], ['127.0.0.1', '::ffff:127.0.0.1']],
    ['fe80::1', ['fe80::1', 'FE80:0:0::0001', 'fe80::1%eth0'], ['fe80::2']],
  ];
  for (const [cidr, inside, outside] of cases) {
    const set = compileAddressSet([cidr]);
    for (const address of inside) assert.equal(set.has(address), true, `${cidr} holds ${address}`);
    for (const address of outside) assert.equal(set.has(address), false, `${cidr} does not hold ${address}`);
  }
});

test('an IPv4-mapped address is the IPv4 address, in the set and in the question', () => {
  assert.equal(compileAddressSet(['10.0.0.0/8']).has('::ffff:10.1.2.3'), true);
  assert.equal(compileAddressSet(['10.0.0.0/8']).has('::FFFF:a01:203'), true);
  assert.equal(compileAddressSet(['::ffff:10.0.0.0/104']).has('10.1.2.3'), true);
  assert.equal(compileAddressSet(['10.0.0.0/8']).has('::10.1.2.3'), false);
});

test('bits beyond the prefix length are ignored', () => {
  assert.equal(compileAddressSet(['10.1.2.3/8']).has('10.200.0.1'), true);
});

test('an empty set and a text that is no address hold nothing', () => {
  assert.equal(compileAddressSet([]).has('10.0.0.1'), false);
  const all = compileAddressSet(['0.0.0.0/0', '::/0']);
  for (const text of [
    '',
    'x',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3.',
    ':',
    ':::',
    '1::2::3',
    '::1%',
    '10.0.0.1%x',
  ]) {
    assert.equal(all.has(text), false, text);
  }
});

test('refuses what is not a block', () => {
  for (const text of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '::/129',
    '/8',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7:1.2.3.4',
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
});

test('sets overlap exactly when an address is in both', () => {
  const overlaps = (left: string[], right: string[]) => compileAddressSet(left).overlaps(compileAddressSet(right));
  assert.equal(overlaps(['10.0.0.0/8'], ['10.9.0.0/16']), true);
  assert.equal(overlaps(['10.9.0.0/16'], ['10.0.0.0/8']), true);
  assert.equal(overlaps(['10.0.0.0/8', '2001:db8::/32'], ['11.0.0.0/8', '2001:db9::/32']), false);
  assert.equal(overlaps(['2001:db8::/32'], ['2001:db8:1::/48']), true);
  assert.equal(overlaps(['0.0.0.0/0'], ['::/0']), false);
});

const ipv6Text = fc.oneof(
  fc.ipV6(),
  fc
    .array(fc.constantFrom(':', '::', '.', '0', '1', 'ffff', '1.2.3.4', 'g', '%e'), { maxLength: 12 })
    .map((parts) => parts.join('')),
);

test('accepts exactly the addresses that Node accepts', () => {
  const all = compileAddressSet(['0.0.0.0/0', '::/0']);
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV4Extended(), ipv6Text), (text) => {
      assert.equal(all.has(text), isIP(text) !== 0);
    }),
    { numRuns: 2000 },
  );
});

/** Few distinct bytes, so that blocks and addresses meet often. */
const closeByte = fc.constantFrom(0, 1, 2, 127, 128, 255);
const ipv4 = fc.tuple(closeByte, closeByte, closeByte, closeByte).map((bytes) => bytes.join('.'));
const closeGroup = fc.constantFrom(0, 1, 0x20, 0x8000, 0xfffe, 0xffff).map((group) => group.toString(16));
const ipv6 = fc
  .array(closeGroup, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(':'))
  // Mapped addresses have their own test: the block list of Node keeps both forms.
  .filter((text) => !text.startsWith('0:0:0:0:0:ffff:'));
const block = fc.oneof(
  fc.record({ version: fc.constant('ipv4' as const), address: ipv4, prefixBits: fc.integer({ min: 0, max: 32 }) }),
  fc.record({ version: fc.constant('ipv6' as const), address: ipv6, prefixBits: fc.integer({ min: 1, max: 128 }) }),
);

test('holds exactly the addresses that the block list of Node holds', () => {
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 6 }),
      fc.array(fc.oneof(ipv4, ipv6), { minLength: 1, maxLength: 20 }),
      (blocks, asked) => {
        const set = compileAddressSet(blocks.map(({ address, prefixBits }) => `${address}/${prefixBits}`));
        const reference = new BlockList();
        for (const { version, address, prefixBits } of blocks) reference.addSubnet(address, prefixBits, version);
        for (const address of asked) {
          const version = isIP(address) === 4 ? 'ipv4' : 'ipv6';
          // Node lets a wide IPv6 block cover the mapped form of IPv4 addresses; here the families are apart.
          const ofFamily = new BlockList();
          for (const each of blocks)
            if (each.version === version) ofFamily.addSubnet(each.address, each.prefixBits, each.version);
          assert.equal(set.has(address), ofFamily.check(address, version), `${address} in ${JSON.stringify(blocks)}`);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
