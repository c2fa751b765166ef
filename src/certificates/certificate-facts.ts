/** What can be said about a certificate without using it: names, issuer, dates, and what is wrong with it. Pure. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificatePair } from '#net/certificate-check.ts';

/** Where the configuration uses a certificate, and where the certificate comes from. */
export interface CertificateUse {
  readonly listener?: string | undefined;
  /** A service that is shown the certificate. */
  readonly service?: string | undefined;
  readonly source: 'file' | 'acme';
  /** The file, for people to find it. */
  readonly path: string;
  /** The names that the configuration gives; empty where those of the certificate count. */
  readonly names: readonly string[];
}

export interface CertificateFacts {
  readonly use: CertificateUse;
  readonly names: readonly string[];
  readonly issuer: string | undefined;
  readonly notBeforeMs: number | undefined;
  readonly notAfterMs: number | undefined;
  /** Whole days until it expires, less than zero when it has expired. */
  readonly daysLeft: number | undefined;
  readonly fingerprint: string | undefined;
  readonly problem: CertificateProblem | undefined;
}

export interface CertificateProblem {
  readonly kind: 'unreadable' | 'mismatched-key' | 'expired' | 'not-yet-valid' | 'temporary' | 'not-issued';
  readonly text: string;
}

export const DAY_MS = 86_400_000;
/** How the certificate calls itself that stands in until an ordered one is there. */
export const TEMPORARY_ISSUER = 'Gatehouse temporary certificate';

/** What a certificate says at any time. */
export type ReadCertificate =
  | { readonly unreadable: string }
  | {
      readonly names: readonly string[];
      readonly issuer: string;
      readonly notBeforeMs: number;
      readonly notAfterMs: number;
      readonly fingerprint: string;
      readonly hasItsKey: boolean;
    };

export function readCertificate({ cert, key }: CertificatePair): ReadCertificate {
  const certificate = readLeaf(cert);
  if (certificate === undefined) return { unreadable: 'there is no certificate in PEM form in the file' };
  return {
    names: listNames(certificate),
    issuer: nameOf(certificate.issuer),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    fingerprint: certificate.fingerprint256,
    hasItsKey: isKeyOf(certificate, key),
  };
}

/** What is to be said about a certificate at a time. */
export function certificateFacts(use: CertificateUse, read: ReadCertificate, nowMs: number): CertificateFacts {
  if ('unreadable' in read) return withoutCertificate(use, { kind: 'unreadable', text: read.unreadable });
  const { hasItsKey, ...rest } = read;
  const daysLeft = Math.floor((read.notAfterMs - nowMs) / DAY_MS);
  return { use, ...rest, daysLeft, problem: findProblem(read, nowMs) };
}

/** Where there is nothing to say but why. */
export function withoutCertificate(use: CertificateUse, problem: CertificateProblem): CertificateFacts {
  return {
    use,
    names: use.names,
    issuer: undefined,
    notBeforeMs: undefined,
    notAfterMs: undefined,
    daysLeft: undefined,
    fingerprint: undefined,
    problem,
  };
}

/** The first certificate of a text, which is the one of the server. */
export function readLeaf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    // Whatever it is, it is no certificate: that is all there is to know.
    return undefined;
  }
}

/** Whether the key belongs to the certificate. */
export function isKeyOf(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    // A key that cannot be read belongs to nothing.
    return false;
  }
}

/** The host names and addresses of a certificate; its common name when it has no others. */
export function listNames(certificate: X509Certificate): string[] {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):("[^"]*"|[^,]*)/g)].map(({ 1: name }) =>
    name!.replaceAll('"', '').trim(),
  );
  if (names.length > 0) return names;
  const common = /^CN=(.*)$/m.exec(certificate.subject ?? '')?.[1];
  return common === undefined ? [] : [common];
}

function findProblem(
  { hasItsKey, issuer, notBeforeMs, notAfterMs }: Exclude<ReadCertificate, { readonly unreadable: string }>,
  nowMs: number,
): CertificateProblem | undefined {
  if (!hasItsKey) return { kind: 'mismatched-key', text: 'the private key does not belong to the certificate' };
  if (notAfterMs <= nowMs) return { kind: 'expired', text: `expired on ${toDay(notAfterMs)}` };
  if (notBeforeMs > nowMs) return { kind: 'not-yet-valid', text: `not valid before ${toDay(notBeforeMs)}` };
  if (issuer === TEMPORARY_ISSUER) return { kind: 'temporary', text: 'not issued yet; a temporary certificate stands in' };
  return undefined;
}

/** The common name, or else the organisation: what people know an authority by. */
function nameOf(distinguishedName: string | undefined): string {
  const text = distinguishedName ?? '';
  return /^CN=(.*)$/m.exec(text)?.[1] ?? /^O=(.*)$/m.exec(text)?.[1] ?? text.replaceAll('\n', ', ');
}

function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
