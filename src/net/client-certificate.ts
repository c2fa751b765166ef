/** Who a client is by the certificate that it has shown in the handshake. */
import type { X509Certificate } from 'node:crypto';

/** Longer chains are not looked at; a configuration cannot allow them. */
export const CHAIN_MAX = 17;

export interface ClientCertificate {
  /** The distinguished name in the form of RFC 4514: `CN=client,O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** Such as `DNS:client.example.com` and `URI:spiffe://example.com/client`. */
  readonly subjectAltNames: readonly string[];
  /** The first of the names that is a SPIFFE id. */
  readonly spiffeId: string | undefined;
  /** SHA-256 of the certificate, in lower-case hexadecimal digits. */
  readonly fingerprint256: string;
  readonly der: Buffer;
  /** The certificates behind it that the client sent, as far as they make a chain. */
  readonly chainDer: readonly Buffer[];
  /** Why it does not count, as OpenSSL names it; `undefined`: it does. */
  readonly verifyError: string | undefined;
}

/** `chain` begins with the certificate of the client. */
export function toClientCertificate(chain: readonly X509Certificate[], verifyError: string | undefined): ClientCertificate {
  const certificate = chain[0]!;
  const subjectAltNames = readAltNames(certificate.subjectAltName);
  const spiffe = subjectAltNames.find((name) => name.startsWith('URI:spiffe://'));
  return {
    subject: toOneLine(certificate.subject),
    issuer: toOneLine(certificate.issuer),
    subjectAltNames,
    spiffeId: spiffe?.slice('URI:'.length),
    fingerprint256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    der: certificate.raw,
    chainDer: chain.slice(1).map(({ raw }) => raw),
    verifyError,
  };
}

/**
 * How many certificates there are from that of the client to that of an authority, both counted. A client sends what it likes,
 * in any order; some that make the chain are only among the authorities. It has been verified already: here it is measured, by
 * signatures, so that certificates that only look like issuers cannot make it shorter.
 */
export function countToAuthority(sent: readonly X509Certificate[], authorities: readonly X509Certificate[]): number {
  let last = sent[0];
  let count = 0;
  while (last !== undefined && count < CHAIN_MAX) {
    count += 1;
    if (last.checkIssued(last)) break;
    last = findIssuer(last, sent) ?? findIssuer(last, authorities);
  }
  return count;
}

function findIssuer(issued: X509Certificate, among: readonly X509Certificate[]): X509Certificate | undefined {
  return among.find((other) => issued.checkIssued(other) && issued.verify(other.publicKey));
}

/** Node writes one attribute a line, the most general first; RFC 4514 has them in a row, the most special first. */
function toOneLine(name: string | undefined): string {
  return (name ?? '')
    .split('\n')
    .filter((part) => part !== '')
    .toReversed()
    .join(',');
}

/** Node writes them in a row and puts those in JSON quotes that hold something of its own syntax. */
export function readAltNames(text: string | undefined): string[] {
  const names: string[] = [];
  for (let rest = text ?? ''; rest !== ''; ) {
    const match = /^([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/.exec(rest);
    if (match === null) break;
    const value = match[2]!;
    names.push(`${match[1]!}:${value.startsWith('"') ? String(JSON.parse(value)) : value}`);
    rest = rest.slice(match[0].length);
  }
  return names;
}
