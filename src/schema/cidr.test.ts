import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCidr } from '#base/cidr-text.ts';
import { parseCidr, parseExactCidr } from '#base/ip.ts';
import { readCidr, readExactCidr } from './cidr.ts';

for (const text of [
  '10.0.0.0/8',
  '192.0.2.7',
  '0.0.0.0/0',
  '192.0.2.7/32',
  '2001:db8::/32',
  '::/0',
  '::1/128',
  '::ffff:10.0.0.1',
]) {
  test(`accepts ${text}`, () => assert.deepEqual(readCidr(text), { value: text }));
}

const notAnAddress = (text: string) =>
  `"${text}" is not an address or range; write \`10.0.0.0/8\`, \`2001:db8::/32\` or \`192.0.2.7\``;
const noLength = (text: string, version: number, max: number) =>
  `"${text}" has no valid prefix length; after an IPv${version} address write \`/0\` to \`/${max}\``;

const refused = {
  '': notAnAddress(''),
  '10.0.0': notAnAddress('10.0.0'),
  '10.0.0.256': notAnAddress('10.0.0.256'),
  localhost: notAnAddress('localhost'),
  'fe80::1%eth0': notAnAddress('fe80::1%eth0'),
  '10.0.0.0/33': noLength('10.0.0.0/33', 4, 32),
  '10.0.0.0/': noLength('10.0.0.0/', 4, 32),
  '10.0.0.0/-1': noLength('10.0.0.0/-1', 4, 32),
  '10.0.0.0/255.0.0.0': noLength('10.0.0.0/255.0.0.0', 4, 32),
  '::/129': noLength('::/129', 6, 128),
  // What reads addresses for look-ups takes no leading zeros, so neither may this.
  '10.0.0.0/08': noLength('10.0.0.0/08', 4, 32),
  '::/00': noLength('::/00', 6, 128),
};

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses ${JSON.stringify(text)} as a range`, () => assert.deepEqual(readCidr(text), { problem }));
}

for (const text of ['10.0.0.0/8', '192.0.2.7', '192.0.2.7/32', '0.0.0.0/0', '::/0', '2001:DB8::/32', '::ffff:10.0.0.0/104']) {
  test(`accepts ${text}, which has no bits behind its prefix`, () => assert.deepEqual(readExactCidr(text), { value: text }));
}

const inexact = {
  '10.1.2.3/8': '`10.0.0.0/8` for the range or `10.1.2.3` for the one address',
  '192.0.2.7/31': '`192.0.2.6/31` for the range or `192.0.2.7` for the one address',
  '10.0.0.0/0': '`0.0.0.0/0` for the range or `10.0.0.0` for the one address',
  '2001:db8:0:1::1/32': '`2001:db8::/32` for the range or `2001:db8:0:1::1` for the one address',
  '::ffff:10.0.0.1/104': '`10.0.0.0/8` for the range or `10.0.0.1` for the one address',
  // It would hold IPv4 addresses and others besides.
  '::ffff:10.0.0.0/90': '`::ffc0:0:0/90` for the range or `10.0.0.0` for the one address',
};

for (const [text, suggestion] of Object.entries(inexact)) {
  test(`refuses ${text}, whose address is not the first of its range`, () => {
    const problem = `"${text}" has bits of its address set behind the prefix length; write ${suggestion}`;
    assert.deepEqual(readExactCidr(text), { problem });
  });
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses ${JSON.stringify(text)} as an exact range too`, () => assert.deepEqual(readExactCidr(text), { problem }));
}

const piece = fc.constantFrom('0', '1', '8', '10', '127', '255', '256', ':', '::', '.', '/', 'ffff', 'db8', '%', ' ', '-', '00');
const text = fc.oneof(
  fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join('')),
  fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(130)).map(([address, length]) => `${address}/${length}`),
  fc.oneof(fc.ipV4Extended(), fc.ipV4(), fc.ipV6()),
);

test('what explains mistakes and what reads for look-ups take the same, and a suggestion is taken', () => {
  fc.assert(
    fc.property(text, (written) => {
      const reading = readExactCidr(written);
      assert.equal('value' in reading, parseExactCidr(written) !== undefined, written);
      assert.equal('value' in readCidr(written), !written.includes('%') && parseCidr(written) !== undefined, written);
      if ('value' in reading) return;
      const suggestion = /write `([^`]*)` for the range/.exec(reading.problem)?.[1];
      if (suggestion === undefined) return;
      assert.equal(suggestion, formatCidr(parseExactCidr(suggestion)!));
      assert.deepEqual(parseExactCidr(suggestion), parseCidr(written));
    }),
    { numRuns: 3000 },
  );
});
