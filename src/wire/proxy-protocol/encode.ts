/** Writes PROXY protocol headers, version 1 and 2. */
import { formatIpBytes, toIpBytes, toMappedIpBytes } from '#base/ip-bytes.ts';
import { limits } from '#base/limits.ts';
import {
  Command,
  Family,
  HEADER_START_BYTES,
  type ProxyAddresses,
  type ProxyTlv,
  signatureV2,
  TLV_START_BYTES,
  TlvType,
  Transport,
} from './header.ts';

/** What of a client's TLS a service may be told. */
export interface ProxiedTls {
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  readonly clientCertificate: { readonly commonName: string | undefined; readonly isVerified: boolean } | undefined;
}

const IPV4_BYTES = 4;
const VERSION = 2;
const PORT_BYTES = 2;
const TLS_START_BYTES = 5;
const Tls = { used: 0x01, certificateGiven: 0x02, certificateInSession: 0x04 } as const;

/** The header line. Without addresses it says that they are not known. */
export function encodeProxyHeaderV1(addresses: ProxyAddresses | undefined): Buffer {
  const pair = addresses === undefined ? undefined : toPair(addresses);
  if (addresses === undefined || pair === undefined) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1');
  const family = pair.source.length === IPV4_BYTES ? 'TCP4' : 'TCP6';
  const hosts = `${formatAs(family, pair.source)} ${formatAs(family, pair.destination)}`;
  return Buffer.from(`PROXY ${family} ${hosts} ${addresses.source.port} ${addresses.destination.port}\r\n`, 'latin1');
}

/** The binary header. TLVs that would make it longer than anybody must accept are left out, the last ones first. */
export function encodeProxyHeaderV2(addresses: ProxyAddresses | undefined, tlvs: readonly ProxyTlv[]): Buffer {
  const pair = addresses === undefined ? undefined : toPair(addresses);
  // Not every receiver takes PROXY with an unspecified family, but each must take LOCAL, and skip what stands behind it.
  if (addresses === undefined || pair === undefined) return encodeStart(Command.local, Family.unspecified, 0);
  const addressBytes = pair.source.length;
  const tlvsAt = HEADER_START_BYTES + 2 * addressBytes + 2 * PORT_BYTES;
  const fittingTlvs = takeFitting(tlvs, limits.proxyHeaderBytesMax - tlvsAt);
  const family = addressBytes === IPV4_BYTES ? Family.inet : Family.inet6;
  const header = encodeStart(Command.proxy, family, tlvsAt - HEADER_START_BYTES + countTlvBytes(fittingTlvs));
  pair.source.copy(header, HEADER_START_BYTES);
  pair.destination.copy(header, HEADER_START_BYTES + addressBytes);
  header.writeUInt16BE(addresses.source.port, tlvsAt - 2 * PORT_BYTES);
  header.writeUInt16BE(addresses.destination.port, tlvsAt - PORT_BYTES);
  writeTlvs(header, tlvsAt, fittingTlvs);
  return header;
}

/** The TLV that says how a client's connection was encrypted (§2.2.6). */
export function toTlsTlv({ version, cipher, clientCertificate }: ProxiedTls): ProxyTlv {
  const tlvs = [toTextTlv(TlvType.tlsVersion, version), toTextTlv(TlvType.tlsCipher, cipher)];
  const commonName = clientCertificate?.commonName;
  if (commonName !== undefined) tlvs.push(toTextTlv(TlvType.tlsCommonName, commonName));
  const value = Buffer.alloc(TLS_START_BYTES + countTlvBytes(tlvs));
  value[0] = Tls.used | (clientCertificate === undefined ? 0 : Tls.certificateGiven | Tls.certificateInSession);
  value.writeUInt32BE(clientCertificate?.isVerified ? 0 : 1, 1);
  writeTlvs(value, TLS_START_BYTES, tlvs);
  return { type: TlvType.tls, value };
}

export function toTextTlv(type: number, text: string): ProxyTlv {
  return { type, value: Buffer.from(text, 'utf8') };
}

interface AddressPair {
  readonly source: Buffer;
  readonly destination: Buffer;
}

/** Both addresses in one family: a header has no other way to say them. */
function toPair({ source, destination }: ProxyAddresses): AddressPair | undefined {
  const sourceBytes = toIpBytes(source.address);
  const destinationBytes = toIpBytes(destination.address);
  if (sourceBytes === undefined || destinationBytes === undefined) return undefined;
  if (sourceBytes.length === destinationBytes.length) return { source: sourceBytes, destination: destinationBytes };
  return { source: toIpv6Bytes(sourceBytes), destination: toIpv6Bytes(destinationBytes) };
}

function toIpv6Bytes(bytes: Buffer): Buffer {
  return bytes.length === IPV4_BYTES ? toMappedIpBytes(bytes) : bytes;
}

function formatAs(family: 'TCP4' | 'TCP6', bytes: Buffer): string {
  const text = formatIpBytes(bytes);
  return family === 'TCP4' || text.includes(':') ? text : `::ffff:${text}`;
}

/** A header with everything that stands before the addresses, and room for the rest. */
function encodeStart(command: number, family: number, restBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_START_BYTES + restBytes);
  signatureV2.copy(header);
  header[12] = (VERSION << 4) | command;
  header[13] = family === Family.unspecified ? 0 : (family << 4) | Transport.stream;
  header.writeUInt16BE(restBytes, 14);
  return header;
}

function takeFitting(tlvs: readonly ProxyTlv[], bytesMax: number): readonly ProxyTlv[] {
  let count = tlvs.length;
  while (countTlvBytes(tlvs.slice(0, count)) > bytesMax) count -= 1;
  return tlvs.slice(0, count);
}

function countTlvBytes(tlvs: readonly ProxyTlv[]): number {
  return tlvs.reduce((bytes, { value }) => bytes + TLV_START_BYTES + value.length, 0);
}

function writeTlvs(bytes: Buffer, start: number, tlvs: readonly ProxyTlv[]): void {
  let at = start;
  for (const { type, value } of tlvs) {
    bytes[at] = type;
    bytes.writeUInt16BE(value.length, at + 1);
    at += TLV_START_BYTES;
    at += value.copy(bytes, at);
  }
}
