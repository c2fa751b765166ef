/** An authority that signs certificates of any kind for tests, good ones and bad ones, and revokes them. */
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const USES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

export interface Wanted {
  readonly names?: readonly string[];
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
  readonly uses?: readonly (keyof typeof USES)[];
}

export interface Signed {
  readonly cert: string;
  readonly key: string;
  readonly serial: string;
}

export class CertificateSigner {
  readonly pem: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #certificate: x509.X509Certificate;

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
    this.pem = `${certificate.toString('pem')}\n`;
  }

  static async create(name = 'Signer for tests'): Promise<CertificateSigner> {
    const keys = await createKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [name] }],
      keys,
      signingAlgorithm: ALGORITHM,
      serialNumber: '01',
      ...toDates({ from: -100, to: 3_650 }),
      extensions: [...authorityExtensions(), await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)],
    });
    return new CertificateSigner(keys, certificate);
  }

  /** An authority that this one stands for. */
  async signAuthority(name: string): Promise<CertificateSigner> {
    const keys = await createKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [{ CN: [name] }],
      issuer: this.#certificate.subjectName,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      serialNumber: createSerial(),
      ...toDates({ from: -100, to: 3_650 }),
      extensions: [...authorityExtensions(), await x509.AuthorityKeyIdentifierExtension.create(this.#certificate)],
    });
    return new CertificateSigner(keys, certificate);
  }

  /** For servers and clients alike, unless said otherwise. */
  async sign(wanted: Wanted = {}): Promise<Signed> {
    const keys = await createKeys();
    return toSigned(keys, {
      subject: wanted,
      issuer: this.#certificate.subjectName,
      signingKey: this.#keys.privateKey,
      extensions: [await x509.AuthorityKeyIdentifierExtension.create(this.#certificate)],
    });
  }

  /** Names the certificates that count no more. */
  async revoke(revoked: readonly Signed[], { from = -1, to = 30 }: Wanted = {}): Promise<string> {
    const { notBefore: thisUpdate, notAfter: nextUpdate } = toDates({ from, to });
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subjectName,
      thisUpdate,
      nextUpdate,
      entries: revoked.map(({ serial }) => ({ serialNumber: serial, revocationDate: thisUpdate })),
      signingAlgorithm: ALGORITHM,
      signingKey: this.#keys.privateKey,
    });
    return `${list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')}\n`;
  }
}

/** Signed by nobody but itself. */
export async function signItself(wanted: Wanted = {}): Promise<Signed> {
  const keys = await createKeys();
  return toSigned(keys, { subject: wanted, issuer: undefined, signingKey: keys.privateKey, extensions: [] });
}

interface Signing {
  readonly subject: Wanted;
  /** `undefined`: the subject itself. */
  readonly issuer: x509.Name | undefined;
  readonly signingKey: webcrypto.CryptoKey;
  readonly extensions: readonly x509.Extension[];
}

async function toSigned(keys: webcrypto.CryptoKeyPair, { subject, issuer, signingKey, extensions }: Signing): Promise<Signed> {
  const { names = ['localhost', '127.0.0.1'], from = -1, to = 30, uses = ['server', 'client'] } = subject;
  const serial = createSerial();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [names[0]!] }],
    issuer: issuer ?? [{ CN: [names[0]!] }],
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    serialNumber: serial,
    ...toDates({ from, to }),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension(uses.map((use) => USES[use])),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))),
      ...extensions,
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
  return { cert: `${certificate.toString('pem')}\n`, key: keyPem, serial };
}

function authorityExtensions(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ];
}

/** Positive, as serial numbers must be. */
function createSerial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
    .toString('hex')
    .replace(/^./, '4');
}

/** Writes texts into files of a folder that goes with the test; the paths have the same names. */
export async function writeFiles<Names extends string>(
  t: TestContext,
  texts: Readonly<Record<Names, string>>,
): Promise<Record<Names, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificates-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const paths: Partial<Record<Names, string>> = {};
  for (const name of Object.keys(texts) as Names[]) {
    const path = join(folder, `${name}.pem`);
    await writeFile(path, texts[name]);
    paths[name] = path;
  }
  return paths as Record<Names, string>;
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function toDates({ from, to }: { readonly from: number; readonly to: number }): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() + from * DAY_MS), notAfter: new Date(Date.now() + to * DAY_MS) };
}
