import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCidr } from './cidr.ts';

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
};

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses ${JSON.stringify(text)} as a range`, () => assert.deepEqual(readCidr(text), { problem }));
}
