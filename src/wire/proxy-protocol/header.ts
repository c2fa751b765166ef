/**
 * What a PROXY protocol header says (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt): who is at the other end
 * of a connection that somebody passes on.
 */

export interface ProxyHost {
  /** An IP address; IPv6 as RFC 5952 writes it, IPv4-mapped as IPv4. */
  readonly address: string;
  readonly port: number;
}

export interface ProxyAddresses {
  readonly source: ProxyHost;
  readonly destination: ProxyHost;
}

/** A further fact of version 2, as its bytes. */
export interface ProxyTlv {
  readonly type: number;
  readonly value: Buffer;
}

export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `local`: the sender speaks for itself, as for a health check. */
  readonly command: 'proxy' | 'local';
  /** `undefined` where the header names none that TCP knows: then the connection's own count. */
  readonly addresses: ProxyAddresses | undefined;
  readonly tlvs: readonly ProxyTlv[];
}

/** What version 2 headers begin with. */
export const signatureV2: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** What version 1 headers begin with. */
export const signatureV1: Buffer = Buffer.from('PROXY ', 'latin1');

/** The bytes of a version 2 header up to and with its length. */
export const HEADER_START_BYTES = 16;
/** Type and length of a TLV. */
export const TLV_START_BYTES = 3;

export const Family = { unspecified: 0, inet: 1, inet6: 2, unix: 3 } as const;
export const Transport = { unspecified: 0, stream: 1, datagram: 2 } as const;
export const Command = { local: 0, proxy: 1 } as const;

/** The types of TLVs that the gateway knows. */
export const TlvType = {
  alpn: 0x01,
  authority: 0x02,
  checksum: 0x03,
  padding: 0x04,
  tls: 0x20,
  tlsVersion: 0x21,
  tlsCommonName: 0x22,
  tlsCipher: 0x23,
} as const;
