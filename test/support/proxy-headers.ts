/** PROXY protocol headers as tests write them: by hand, byte for byte, so that they can be wrong in any way. */
import fc from 'fast-check';
import { crc32c } from '#wire/proxy-protocol/checksum.ts';
import type { ProxyAddresses, ProxyTlv } from '#wire/proxy-protocol/header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';

interface HandWrittenHeader {
  /** Version and command: 0x21 is PROXY, 0x20 LOCAL. */
  readonly versionCommand?: number;
  /** Family and transport: 0x11 is TCP over IPv4. */
  readonly family?: number;
  /** What stands behind the length; by default a client at 192.0.2.1:40000 that speaks to 198.51.100.7:443. */
  readonly block?: Buffer;
  readonly tlvs?: readonly ProxyTlv[];
  /** What the length says; by default the truth. */
  readonly length?: number;
}

export const tcp4Block: Buffer = Buffer.from('c0000201c63364079c4001bb', 'hex');

/** A version 2 header. */
export function writeV2(header: HandWrittenHeader = {}): Buffer {
  const { versionCommand = 0x21, family = 0x11, block = tcp4Block, tlvs = [], length } = header;
  const rest = Buffer.concat([block, ...tlvs.map((tlv) => writeTlv(tlv))]);
  const lengthBytes = Buffer.alloc(2);
  lengthBytes.writeUInt16BE(length ?? rest.length);
  return Buffer.concat([Buffer.from(SIGNATURE, 'hex'), Buffer.from([versionCommand, family]), lengthBytes, rest]);
}

/** A TLV whose length may say something else than the truth. */
export function writeTlv({ type, value }: ProxyTlv, length: number = value.length): Buffer {
  const start = Buffer.from([type, 0, 0]);
  start.writeUInt16BE(length, 1);
  return Buffer.concat([start, value]);
}

/** The same header with a right checksum at its end. */
export function withChecksum(header: Buffer): Buffer {
  const longer = Buffer.concat([header, writeTlv({ type: 3, value: Buffer.alloc(4) })]);
  longer.writeUInt16BE(longer.length - 16, 14);
  longer.writeUInt32BE(crc32c([longer]), longer.length - 4);
  return longer;
}

const host = (address: fc.Arbitrary<string>) => fc.record({ address, port: fc.nat(65_535) });
const pair = (address: fc.Arbitrary<string>) => fc.record({ source: host(address), destination: host(address) });
/** Addresses of the two families, also mixed. */
export const arbitraryAddresses: fc.Arbitrary<ProxyAddresses> = fc.oneof(
  pair(fc.ipV4()),
  pair(fc.ipV6()),
  pair(fc.oneof(fc.ipV4(), fc.ipV6())),
);

/** TLVs that are neither a checksum nor padding. */
export const arbitraryTlvs: fc.Arbitrary<ProxyTlv[]> = fc.array(
  fc
    .tuple(
      fc.nat(255).filter((type) => type !== 3 && type !== 4),
      fc.uint8Array({ maxLength: 40 }),
    )
    .map(([type, bytes]) => ({ type, value: Buffer.from(bytes) })),
  { maxLength: 5 },
);
