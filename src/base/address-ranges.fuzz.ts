/** The range set against a naive one, which looks at every bit of every block. Run by `npm test` like any test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { AddressRanges, AskedAddress } from './address-ranges.ts';
import { writeAddressRanges } from './address-ranges-writer.ts';
import { formatCidr } from './cidr-text.ts';
import { parseCidr } from './ip.ts';
import { runAtOnce } from './slices.ts';

/** Few distinct values, so that blocks and addresses meet often. */
const closeByte = fc.constantFrom(0, 1, 2, 127, 128, 254, 255);
const closeGroup = fc.constantFrom(0, 1, 0x20, 0x7fff, 0x8000, 0xfffe, 0xffff);

interface Address {
  readonly text: string;
  readonly bits: string;
}

const toBits = (numbers: readonly number[], width: number) =>
  numbers.map((number) => number.toString(2).padStart(width, '0')).join('');
const toIpv4 = (bytes: readonly number[]): Address => ({ text: bytes.join('.'), bits: toBits(bytes, 8) });
const ipv4 = fc.array(closeByte, { minLength: 4, maxLength: 4 }).map(toIpv4);
const mapped = ipv4.map(({ text, bits }): Address => ({ text: `::ffff:${text}`, bits }));
const ipv6 = fc
  .array(closeGroup, { minLength: 8, maxLength: 8 })
  .filter((groups) => groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff)
  .map((groups): Address => ({ text: groups.map((group) => group.toString(16)).join(':'), bits: toBits(groups, 16) }));
const address = fc.oneof(ipv4, mapped, ipv6);
const block = fc
  .tuple(fc.oneof(ipv4, ipv6), fc.nat(128))
  .map(([{ text, bits }, length]) => ({ text, bits, prefixBits: length % (bits.length + 1) }));

test('holds exactly the addresses whose first bits are those of a block, and names a block that holds them', (t) => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 40 }), fc.array(address, { minLength: 1, maxLength: 20 }), (blocks, addresses) => {
      const listed = blocks.map(({ text, prefixBits }, i) => ({ range: parseCidr(`${text}/${prefixBits}`)!, line: i + 1 }));
      const ranges = new AddressRanges(runAtOnce(writeAddressRanges(listed, (bytes) => new ArrayBuffer(bytes))));
      const asked = new AskedAddress();
      for (const { text, bits } of addresses) {
        const holds = (one: (typeof blocks)[number]) =>
          one.bits.length === bits.length && bits.startsWith(one.bits.slice(0, one.prefixBits));
        assert.ok(asked.read(text));
        const position = ranges.find(asked);
        assert.equal(position >= 0, blocks.some(holds), text);
        if (position < 0) continue;
        const named = blocks[ranges.lineAt(position) - 1]!;
        assert.ok(holds(named), `${named.text}/${named.prefixBits} holds ${text}`);
        const { range } = listed[ranges.lineAt(position) - 1]!;
        assert.equal(formatCidr(ranges.rangeAt(position)), formatCidr(range));
        assert.deepEqual(parseCidr(formatCidr(range)), range, 'text and range are the same');
      }
    }),
    fuzzParameters(t),
  );
});
