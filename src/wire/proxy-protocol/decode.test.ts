import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { tcp4Block, withChecksum, writeTlv, writeV2 } from '#test/support/proxy-headers.ts';
import { readProxyHeader } from './decode.ts';
import { type ProxyFault, proxyFaults } from './faults.ts';
import type { ProxyHeader } from './header.ts';

const behind = Buffer.from('GET / HTTP/1.1\r\n\r\nPROXY \n');

const tcp4Addresses = {
  source: { address: '192.0.2.1', port: 40_000 },
  destination: { address: '198.51.100.7', port: 443 },
};

interface AcceptedCase {
  readonly what: string;
  readonly bytes: string | Buffer;
  readonly header: ProxyHeader;
}

const accepted: readonly AcceptedCase[] = [
  {
    what: 'the example of the specification',
    bytes: 'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n',
    header: {
      version: 1,
      command: 'proxy',
      addresses: { source: { address: '192.168.0.1', port: 56_324 }, destination: { address: '192.168.0.11', port: 443 } },
      tlvs: [],
    },
  },
  {
    what: 'the longest IPv4 line',
    bytes: 'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    header: {
      version: 1,
      command: 'proxy',
      addresses: {
        source: { address: '255.255.255.255', port: 65_535 },
        destination: { address: '255.255.255.255', port: 65_535 },
      },
      tlvs: [],
    },
  },
  {
    what: 'the longest IPv6 line',
    bytes: 'PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
    header: {
      version: 1,
      command: 'proxy',
      addresses: {
        source: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
        destination: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
      },
      tlvs: [],
    },
  },
  {
    what: 'IPv6 however it is written, with ports of 0',
    bytes: 'PROXY TCP6 2001:DB8:0:0::0:1 ::FFFF:10.0.0.1 0 0\r\n',
    header: {
      version: 1,
      command: 'proxy',
      addresses: { source: { address: '2001:db8::1', port: 0 }, destination: { address: '10.0.0.1', port: 0 } },
      tlvs: [],
    },
  },
  {
    what: 'the short form of an unknown connection',
    bytes: 'PROXY UNKNOWN\r\n',
    header: { version: 1, command: 'proxy', addresses: undefined, tlvs: [] },
  },
  {
    what: 'the worst case of the specification, 107 bytes',
    bytes: 'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n',
    header: { version: 1, command: 'proxy', addresses: undefined, tlvs: [] },
  },
  {
    what: 'TCP over IPv4',
    bytes: writeV2(),
    header: { version: 2, command: 'proxy', addresses: tcp4Addresses, tlvs: [] },
  },
  {
    what: 'TCP over IPv6',
    bytes: writeV2({ family: 0x21, block: Buffer.from(`20010db8${'00'.repeat(11)}01${'00'.repeat(15)}019c4001bb`, 'hex') }),
    header: {
      version: 2,
      command: 'proxy',
      addresses: { source: { address: '2001:db8::1', port: 40_000 }, destination: { address: '::1', port: 443 } },
      tlvs: [],
    },
  },
  {
    what: 'a Unix socket, whose path is nothing to TCP, with its TLVs',
    bytes: writeV2({ family: 0x31, block: Buffer.alloc(216, 'a'), tlvs: [{ type: 0xe0, value: Buffer.from('x') }] }),
    header: { version: 2, command: 'proxy', addresses: undefined, tlvs: [{ type: 0xe0, value: Buffer.from('x') }] },
  },
  {
    what: 'datagrams as unspecified',
    bytes: writeV2({ family: 0x12 }),
    header: { version: 2, command: 'proxy', addresses: undefined, tlvs: [] },
  },
  {
    what: 'an unspecified family, whatever stands behind it',
    bytes: writeV2({ family: 0x00, block: Buffer.from('ffff') }),
    header: { version: 2, command: 'proxy', addresses: undefined, tlvs: [] },
  },
  {
    what: 'LOCAL without anything',
    bytes: writeV2({ versionCommand: 0x20, family: 0, block: Buffer.alloc(0) }),
    header: { version: 2, command: 'local', addresses: undefined, tlvs: [] },
  },
  {
    what: 'LOCAL with a family that does not exist and a block that means nothing',
    bytes: writeV2({ versionCommand: 0x20, family: 0x99, block: Buffer.from('fff') }),
    header: { version: 2, command: 'local', addresses: undefined, tlvs: [] },
  },
  {
    what: 'TLVs as their bytes, in their order and with repetitions, without padding',
    bytes: writeV2({
      tlvs: [
        { type: 0x02, value: Buffer.from('shop.example.com') },
        { type: 0x04, value: Buffer.alloc(7) },
        { type: 0xea, value: Buffer.from([1, 0, 255]) },
        { type: 0xea, value: Buffer.alloc(0) },
      ],
    }),
    header: {
      version: 2,
      command: 'proxy',
      addresses: tcp4Addresses,
      tlvs: [
        { type: 0x02, value: Buffer.from('shop.example.com') },
        { type: 0xea, value: Buffer.from([1, 0, 255]) },
        { type: 0xea, value: Buffer.alloc(0) },
      ],
    },
  },
  {
    what: 'a right checksum',
    bytes: withChecksum(writeV2({ tlvs: [{ type: 1, value: Buffer.from('h2') }] })),
    header: {
      version: 2,
      command: 'proxy',
      addresses: tcp4Addresses,
      tlvs: [{ type: 1, value: Buffer.from('h2') }],
    },
  },
  {
    what: 'the longest header that this gateway takes',
    bytes: writeV2({ block: Buffer.concat([tcp4Block, writeTlv({ type: 0xe0, value: longest() })]) }),
    header: { version: 2, command: 'proxy', addresses: tcp4Addresses, tlvs: [{ type: 0xe0, value: longest() }] },
  },
];

function longest(): Buffer {
  return Buffer.alloc(limits.proxyHeaderBytesMax - 16 - tcp4Block.length - 3, 'x');
}

for (const { what, bytes, header } of accepted) {
  const given = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

  test(`accepts ${what}`, () => {
    const whole = { kind: 'header', header, byteLength: given.length };
    assert.deepEqual(readProxyHeader(given, given.length), whole);
    const longer = Buffer.concat([given, behind]);
    assert.deepEqual(readProxyHeader(longer, longer.length), whole);
  });

  test(`waits for the last byte of ${what}`, () => {
    // What stands behind the end of what came is somebody else's.
    const padded = Buffer.concat([given, behind]);
    const step = given.length > 1_000 ? 97 : 1;
    for (let end = 0; end < given.length; end += step) assert.equal(readProxyHeader(padded, end).kind, 'more', `${end} bytes`);
  });
}

const refused: readonly [fault: ProxyFault, what: string, bytes: string | Buffer][] = [
  ['missing', 'HTTP', 'GET / HTTP/1.1\r\n'],
  ['missing', 'a TLS handshake', Buffer.from('160301020001', 'hex')],
  ['missing', 'a signature in lower case', 'proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['missing', 'a tab behind PROXY', 'PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['missing', 'the binary signature with a wrong last byte', Buffer.from('0d0a0d0a000d0a515549540b', 'hex')],
  ['missing', 'an empty line', '\r\n\r\n'.padEnd(16)],
  ['lineTooLong', 'a line of 108 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`],
  ['lineTooLong', 'a line without end', `PROXY ${'x'.repeat(200)}`],
  ['lineEnd', 'a line that ends in LF alone', 'PROXY UNKNOWN\n'],
  ['lineEnd', 'a line feed within the line', 'PROXY TCP4 1.1.1.1\n2.2.2.2 1 2\r\n'],
  ['line', 'a line without family', 'PROXY \r\n'],
  ['line', 'a port too few', 'PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n'],
  ['line', 'a word too many', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n'],
  ['line', 'two spaces', 'PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n'],
  ['line', 'a space at the end', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n'],
  ['line', 'UNKNOWN in lower case', 'PROXY unknown\r\n'],
  ['family', 'a family that does not exist', 'PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['family', 'a family in lower case', 'PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n'],
  ['address', 'a number above 255', 'PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n'],
  ['address', 'leading zeros', 'PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n'],
  ['address', 'IPv6 that is called IPv4', 'PROXY TCP4 ::1 2.2.2.2 1 2\r\n'],
  ['address', 'IPv4 that is called IPv6', 'PROXY TCP6 1.1.1.1 ::1 1 2\r\n'],
  ['address', 'a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
  ['address', 'a name', 'PROXY TCP4 localhost 2.2.2.2 1 2\r\n'],
  ['address', 'a NUL in an address', 'PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n'],
  ['port', 'a port above 65535', 'PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n'],
  ['port', 'a port with a leading zero', 'PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n'],
  ['port', 'a negative port', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 -2\r\n'],
  ['port', 'a carriage return within the line', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n'],
  ['version', 'version 1 in the binary form', writeV2({ versionCommand: 0x11 })],
  ['version', 'version 3', writeV2({ versionCommand: 0x31 })],
  ['command', 'a command that does not exist', writeV2({ versionCommand: 0x22 })],
  ['family', 'a binary family that does not exist', writeV2({ family: 0x41 })],
  ['transport', 'a transport that does not exist', writeV2({ family: 0x13 })],
  ['tooShort', 'IPv4 with less than its addresses', writeV2({ block: tcp4Block.subarray(1) })],
  ['tooShort', 'IPv6 with the addresses of IPv4', writeV2({ family: 0x21 })],
  ['tooShort', 'a Unix socket without paths', writeV2({ family: 0x31 })],
  ['tooLong', 'a header that is a byte longer than accepted', writeV2({ length: limits.proxyHeaderBytesMax - 15 })],
  ['tooLong', 'the longest length there is, LOCAL', writeV2({ versionCommand: 0x20, length: 65_535 })],
  ['tlv', 'a TLV without length', writeV2({ block: Buffer.concat([tcp4Block, Buffer.from([1, 0])]) })],
  [
    'tlv',
    'a TLV that is longer than the header',
    writeV2({ block: Buffer.concat([tcp4Block, writeTlv({ type: 1, value: Buffer.from('h2') }, 3)]) }),
  ],
  ['checksum', 'a checksum of three bytes', writeV2({ tlvs: [{ type: 3, value: Buffer.alloc(3) }] })],
  ['checksum', 'a checksum of zeros', writeV2({ tlvs: [{ type: 3, value: Buffer.alloc(4) }] })],
  ['checksum', 'two checksums', withChecksum(withChecksum(writeV2()))],
];

for (const [fault, what, bytes] of refused) {
  const given = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

  test(`refuses ${what}, whole and byte for byte`, () => {
    assert.deepEqual(readProxyHeader(given, given.length), { kind: 'fault', fault });
    let end = 0;
    while (readProxyHeader(given, end).kind === 'more') end += 1;
    assert.deepEqual(readProxyHeader(given, end), { kind: 'fault', fault });
  });
}

test('refuses a header with a checksum when any byte of it is changed', () => {
  const right = withChecksum(writeV2({ tlvs: [{ type: 2, value: Buffer.from('a.example') }] }));
  // The type of the checksum itself is left alone: another would make it something that means nothing here.
  const typeAt = right.length - 7;
  for (let at = 16; at < right.length; at += 1) {
    if (at === typeAt) continue;
    const wrong = Buffer.from(right);
    wrong[at] = wrong[at]! ^ 0x10;
    assert.equal(readProxyHeader(wrong, wrong.length).kind, 'fault', `byte ${at}`);
  }
});

test('a TLV outlives the bytes that it was read from', () => {
  const bytes = writeV2({ tlvs: [{ type: 2, value: Buffer.from('shop') }] });
  const reading = readProxyHeader(bytes, bytes.length);
  bytes.fill(0);
  assert.equal(reading.kind === 'header' && reading.header.tlvs[0]!.value.toString(), 'shop');
});

test('every fault is met by a test', () => {
  assert.deepEqual(new Set(refused.map(([fault]) => fault)), new Set(Object.keys(proxyFaults)));
});
