/**
 * Reads a PROXY protocol header, version 1 or 2, from the first bytes of a connection. The bytes may come from anybody:
 * whether the sender is one whose word counts is the caller's part. Nothing here throws.
 */
import { formatIpBytes, toIpBytes } from '#base/ip-bytes.ts';
import { limits } from '#base/limits.ts';
import { crc32c } from './checksum.ts';
import type { ProxyFault } from './faults.ts';
import {
  Command,
  Family,
  HEADER_START_BYTES,
  type ProxyAddresses,
  type ProxyHeader,
  type ProxyTlv,
  signatureV1,
  signatureV2,
  TLV_START_BYTES,
  TlvType,
  Transport,
} from './header.ts';

export type ProxyHeaderReading =
  /** The header may go on behind these bytes. */
  | { readonly kind: 'more' }
  /** What follows the first `byteLength` bytes belongs to the connection that is passed on. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly byteLength: number }
  | { readonly kind: 'fault'; readonly fault: ProxyFault };

const more: ProxyHeaderReading = { kind: 'more' };
/** §2.1: the longest possible line, CRLF included. */
const LINE_BYTES_MAX = 107;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Ports have no leading zeros, so that nobody takes them for octal. */
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const PORT_MAX = 65_535;
const CHECKSUM_BYTES = 4;
const ADDRESS_BLOCK_BYTES = { [Family.unspecified]: 0, [Family.inet]: 12, [Family.inet6]: 36, [Family.unix]: 216 } as const;

/** Reads the header at the start of the first `end` bytes: all that came so far, each time that more did. */
export function readProxyHeader(bytes: Buffer, end: number): ProxyHeaderReading {
  if (beginsWith(bytes, end, signatureV1)) return readV1(bytes, end);
  if (beginsWith(bytes, end, signatureV2)) return readV2(bytes, end);
  return toFault('missing');
}

/** Whether the bytes may begin with the signature, as far as they go. */
function beginsWith(bytes: Buffer, end: number, signature: Buffer): boolean {
  const length = Math.min(end, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function toFault(fault: ProxyFault): ProxyHeaderReading {
  return { kind: 'fault', fault };
}

function readV1(bytes: Buffer, end: number): ProxyHeaderReading {
  const lineFeedAt = bytes.subarray(0, Math.min(end, LINE_BYTES_MAX)).indexOf(LINE_FEED);
  if (lineFeedAt < 0) return end < LINE_BYTES_MAX ? more : toFault('lineTooLong');
  if (bytes[lineFeedAt - 1] !== CARRIAGE_RETURN) return toFault('lineEnd');
  const words = bytes.latin1Slice(signatureV1.length, lineFeedAt - 1).split(' ');
  const byteLength = lineFeedAt + 1;
  // What stands behind UNKNOWN means nothing.
  if (words[0] === 'UNKNOWN') return toHeader({ version: 1, command: 'proxy', addresses: undefined, tlvs: [] }, byteLength);
  const addresses = readV1Addresses(words);
  if (typeof addresses === 'string') return toFault(addresses);
  return toHeader({ version: 1, command: 'proxy', addresses, tlvs: [] }, byteLength);
}

function readV1Addresses(words: readonly string[]): ProxyAddresses | ProxyFault {
  const [family, source, destination, sourcePort, destinationPort] = words;
  if (words.length !== 5) return 'line';
  if (family !== 'TCP4' && family !== 'TCP6') return 'family';
  const sourceAddress = readV1Address(source!, family);
  const destinationAddress = readV1Address(destination!, family);
  if (sourceAddress === undefined || destinationAddress === undefined) return 'address';
  if (!isPort(sourcePort!) || !isPort(destinationPort!)) return 'port';
  return {
    source: { address: sourceAddress, port: Number(sourcePort) },
    destination: { address: destinationAddress, port: Number(destinationPort) },
  };
}

function readV1Address(text: string, family: 'TCP4' | 'TCP6'): string | undefined {
  // A zone (`fe80::1%eth0`) belongs to no address that is passed on.
  if (text.includes(':') !== (family === 'TCP6') || text.includes('%')) return undefined;
  const address = toIpBytes(text);
  return address === undefined ? undefined : formatIpBytes(address);
}

function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= PORT_MAX;
}

function readV2(bytes: Buffer, end: number): ProxyHeaderReading {
  if (end < HEADER_START_BYTES) return more;
  const version = bytes[12]! >>> 4;
  const command = bytes[12]! & 0x0f;
  const byteLength = HEADER_START_BYTES + bytes.readUInt16BE(14);
  if (version !== 2) return toFault('version');
  if (command !== Command.local && command !== Command.proxy) return toFault('command');
  if (byteLength > limits.proxyHeaderBytesMax) return toFault('tooLong');
  if (end < byteLength) return more;
  // §2.2: whatever a LOCAL header holds is skipped, its family too.
  if (command === Command.local) return toHeader({ version: 2, command: 'local', addresses: undefined, tlvs: [] }, byteLength);
  return readV2Block(bytes.subarray(0, byteLength));
}

/** Reads what a whole version 2 header says of a connection that is passed on. */
function readV2Block(bytes: Buffer): ProxyHeaderReading {
  const family = bytes[13]! >>> 4;
  const transport = bytes[13]! & 0x0f;
  if (!isFamily(family)) return toFault('family');
  if (transport > Transport.datagram) return toFault('transport');
  const tlvsAt = HEADER_START_BYTES + ADDRESS_BLOCK_BYTES[family];
  if (tlvsAt > bytes.length) return toFault('tooShort');
  // §2.2: what stands behind an unspecified family has no form that one could rely on.
  if (family === Family.unspecified)
    return toHeader({ version: 2, command: 'proxy', addresses: undefined, tlvs: [] }, bytes.length);
  const tlvs = readTlvs(bytes, tlvsAt);
  if (typeof tlvs === 'string') return toFault(tlvs);
  // §2.2: a receiver takes what it does not support for unspecified. No datagram comes over a TCP connection.
  const hasAddresses = transport === Transport.stream && (family === Family.inet || family === Family.inet6);
  const addresses = hasAddresses ? readV2Addresses(bytes, family === Family.inet ? 4 : 16) : undefined;
  return toHeader({ version: 2, command: 'proxy', addresses, tlvs }, bytes.length);
}

function isFamily(family: number): family is keyof typeof ADDRESS_BLOCK_BYTES {
  return family in ADDRESS_BLOCK_BYTES;
}

function readV2Addresses(bytes: Buffer, addressBytes: number): ProxyAddresses {
  const destinationAt = HEADER_START_BYTES + addressBytes;
  const portsAt = destinationAt + addressBytes;
  return {
    source: {
      address: formatIpBytes(bytes.subarray(HEADER_START_BYTES, destinationAt)),
      port: bytes.readUInt16BE(portsAt),
    },
    destination: { address: formatIpBytes(bytes.subarray(destinationAt, portsAt)), port: bytes.readUInt16BE(portsAt + 2) },
  };
}

/** The TLVs from `start` on, their values copied; the checksum is looked at and padding left out. */
function readTlvs(bytes: Buffer, start: number): ProxyTlv[] | ProxyFault {
  const tlvs: ProxyTlv[] = [];
  let hasChecksum = false;
  for (let at = start; at < bytes.length; ) {
    const valueAt = at + TLV_START_BYTES;
    if (valueAt > bytes.length) return 'tlv';
    const type = bytes[at]!;
    const end = valueAt + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return 'tlv';
    if (type === TlvType.checksum) {
      if (hasChecksum || end - valueAt !== CHECKSUM_BYTES || !isChecksumRight(bytes, valueAt)) return 'checksum';
      hasChecksum = true;
    } else if (type !== TlvType.padding) tlvs.push({ type, value: Buffer.from(bytes.subarray(valueAt, end)) });
    at = end;
  }
  return tlvs;
}

/** §2.2.3: counted over the whole header, as if the checksum itself were zeros. */
function isChecksumRight(bytes: Buffer, checksumAt: number): boolean {
  const zeros = Buffer.alloc(CHECKSUM_BYTES);
  const checksum = crc32c([bytes.subarray(0, checksumAt), zeros, bytes.subarray(checksumAt + CHECKSUM_BYTES)]);
  return bytes.readUInt32BE(checksumAt) === checksum;
}

function toHeader(header: ProxyHeader, byteLength: number): ProxyHeaderReading {
  return { kind: 'header', header, byteLength };
}
