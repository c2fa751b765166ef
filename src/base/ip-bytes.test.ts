import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpBytes, toIpBytes, toMappedIpBytes } from './ip-bytes.ts';

test('an address becomes its bytes in network order', () => {
  const cases: [text: string, hex: string | undefined][] = [
    ['192.0.2.1', 'c0000201'],
    ['2001:db8::a:1', '20010db80000000000000000000a0001'],
    ['::', '0'.repeat(32)],
    ['::ffff:192.0.2.1', 'c0000201'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['192.0.2.01', undefined],
    ['localhost', undefined],
    ['', undefined],
  ];
  for (const [text, hex] of cases) assert.equal(toIpBytes(text)?.toString('hex'), hex, text);
});

test('IPv6 is written in lower case, with the first of the longest runs of zeros as ::', () => {
  const cases: [hex: string, text: string][] = [
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['20010DB8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['00010000000000000000000000000000', '1::'],
    ['0000000000000000000000000a000001', '::a00:1'],
    ['00000000000000000000ffff0a000001', '10.0.0.1'],
  ];
  for (const [hex, text] of cases) assert.equal(formatIpBytes(Buffer.from(hex, 'hex')), text);
});

test('an IPv4 address in sixteen bytes is read as the IPv4 address', () => {
  const mapped = toMappedIpBytes(toIpBytes('203.0.113.9')!);
  assert.equal(mapped.toString('hex'), '00000000000000000000ffffcb007109');
  assert.equal(formatIpBytes(mapped), '203.0.113.9');
});

test('bytes are written as Node writes them, and read back', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }), (groups) => {
      const bytes = Buffer.alloc(16);
      for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, i * 2);
      const text = formatIpBytes(bytes);
      const plain = groups.map((group) => group.toString(16)).join(':');
      // The system's own library writes some addresses with a dotted end.
      const native = new SocketAddress({ family: 'ipv6', address: plain }).address;
      if (!native.includes('.') && text.includes(':')) assert.equal(text, native);
      assert.equal(formatIpBytes(toIpBytes(text)!), text);
    }),
  );
});
