/** Certificates that the gateway signs itself: the temporary one until an ordered one is there, and those for development. */
import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type * as X509 from '@peculiar/x509';
import { TEMPORARY_ISSUER } from './certificate-facts.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
/** Clocks of clients may be behind. */
const BACKDATED_MS = 3_600_000;

export interface SignedPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Life {
  readonly nowMs: number;
  readonly days: number;
}

/** A private key as all of ours are: EC P-256, PKCS #8. */
export function createKeyPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A certificate that nobody trusts, in the place of one that is still to be issued. */
export async function createTemporary(names: readonly string[], life: Life): Promise<SignedPair> {
  const x509 = await loadLibrary();
  const keyPem = createKeyPem();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...toDates(life),
    serialNumber: createSerial(),
    name: [{ CN: [TEMPORARY_ISSUER] }],
    keys: await importKeys(keyPem),
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(false, undefined, true), ...toExtensions(x509, names, 'server')],
  });
  return { certPem: toPem(certificate), keyPem };
}

/** An authority of one's own, which can sign servers and nothing else. */
export async function createAuthority(commonName: string, life: Life): Promise<SignedPair> {
  const x509 = await loadLibrary();
  const keyPem = createKeyPem();
  const keys = await importKeys(keyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...toDates(life),
    serialNumber: createSerial(),
    name: [{ CN: [commonName] }, { O: ['Gatehouse'] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: toPem(certificate), keyPem };
}

/** A certificate for these names, signed by an authority. */
export async function createSigned(
  names: readonly string[],
  authority: SignedPair,
  life: Life,
  use: keyof typeof USES = 'server',
): Promise<SignedPair> {
  const x509 = await loadLibrary();
  const keyPem = createKeyPem();
  const keys = await importKeys(keyPem);
  const issuer = new x509.X509Certificate(authority.certPem);
  const certificate = await x509.X509CertificateGenerator.create({
    ...toDates(life),
    serialNumber: createSerial(),
    subject: [{ CN: [names[0]!.slice(0, 64)] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: (await importKeys(authority.keyPem)).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...toExtensions(x509, names, use),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: toPem(certificate), keyPem };
}

/** What the authority calls the certificate when it is asked about its renewal (RFC 9773 §4.1). */
export async function readRenewalId(certPem: string): Promise<string | undefined> {
  const x509 = await loadLibrary();
  const certificate = new x509.X509Certificate(certPem);
  const keyId = certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return undefined;
  const serial = Buffer.from(certificate.serialNumber, 'hex');
  return `${Buffer.from(keyId, 'hex').toString('base64url')}.${serial.toString('base64url')}`;
}

/** It is large, and most gateways never need it. */
function loadLibrary(): Promise<typeof X509> {
  return import('@peculiar/x509');
}

function toDates({ nowMs, days }: Life): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + days * 86_400_000) };
}

/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
function createSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function toExtensions(x509: typeof X509, names: readonly string[], use: keyof typeof USES): X509.Extension[] {
  return [
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([USES[use]]),
    new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))),
  ];
}

async function importKeys(keyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(keyPem);
  const { d: _, ...publicPart } = key.export({ format: 'jwk' });
  const privateKey = await webcrypto.subtle.importKey('jwk', key.export({ format: 'jwk' }), ALGORITHM, true, ['sign']);
  return { privateKey, publicKey: await webcrypto.subtle.importKey('jwk', publicPart, ALGORITHM, true, ['verify']) };
}

function toPem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
