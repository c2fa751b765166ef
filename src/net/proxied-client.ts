/** Tells a service whose connection it is that comes from us: the PROXY header that goes out. */
import type { Socket } from 'node:net';
import { encodeProxyHeaderV1, encodeProxyHeaderV2, toTextTlv, toTlsTlv } from '#wire/proxy-protocol/encode.ts';
import { type ProxyAddresses, type ProxyHeader, type ProxyHost, type ProxyTlv, TlvType } from '#wire/proxy-protocol/header.ts';
import { plainAddress } from './address.ts';
import type { TlsFacts } from './tls-facts.ts';

export interface ProxiedClient {
  readonly source: ProxyHost;
  /** Where the client connected to. */
  readonly destination: ProxyHost;
  /** The host that it asked for by TLS, whoever ends that. */
  readonly serverName: string | undefined;
  /** Where we have ended its TLS. */
  readonly tls: TlsFacts | undefined;
  /** What another proxy has told us of it. */
  readonly proxyHeader: ProxyHeader | undefined;
}

/** Where the client connected to: as a proxy tells, or as the socket knows. */
export function findDestination(proxyHeader: ProxyHeader | undefined, socket: Socket): ProxyHost {
  return proxyHeader?.addresses?.destination ?? { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 };
}

/** `undefined`: the request has no client with a connection. */
export function encodeClientHeader(version: 'v1' | 'v2', client: ProxiedClient | undefined): Buffer {
  if (client === undefined) return version === 'v1' ? encodeProxyHeaderV1(undefined) : encodeProxyHeaderV2(undefined, []);
  const addresses: ProxyAddresses = { source: client.source, destination: client.destination };
  return version === 'v1' ? encodeProxyHeaderV1(addresses) : encodeProxyHeaderV2(addresses, listTlvs(client));
}

/** What we know ourselves goes before what another proxy says, and in place of it. */
function listTlvs({ serverName, tls, proxyHeader }: ProxiedClient): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  if (serverName !== undefined) tlvs.push(toTextTlv(TlvType.authority, serverName));
  if (tls !== undefined) {
    const { version, cipher, alpnProtocol, clientCertificate } = tls;
    if (alpnProtocol !== undefined) tlvs.push(toTextTlv(TlvType.alpn, alpnProtocol));
    const shown = clientCertificate && {
      commonName: findCommonName(clientCertificate.subject),
      isVerified: clientCertificate.verifyError === undefined,
    };
    tlvs.push(toTlsTlv({ version, cipher, clientCertificate: shown }));
  }
  const own = new Set(tlvs.map(({ type }) => type));
  for (const tlv of proxyHeader?.tlvs ?? []) if (!own.has(tlv.type)) tlvs.push(tlv);
  return tlvs;
}

/** Of a name in the form of RFC 4514. */
function findCommonName(subject: string): string | undefined {
  return /(?:^|,)CN=((?:[^,\\]|\\.)*)/.exec(subject)?.[1];
}
