/** An authority and certificates for development, in a folder: made once, and taken up again. */
import { mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { readIfThere, writeWhole } from './acme-store.ts';
import { DAY_MS, isKeyOf, listNames, readLeaf } from './certificate-facts.ts';
import { createAuthority, createSigned, type SignedPair } from './signing.ts';

const AUTHORITY_DAYS = 3_650;
/** What browsers accept at most from an authority that was added by hand. */
const CERTIFICATE_DAYS = 397;
/** A certificate with less than this left is made anew. */
const ENOUGH_DAYS = 30;
/** Certificates are shown to everybody; keys are not. */
const CERTIFICATE_MODE = 0o644;

export interface DevelopmentFiles {
  readonly ca: string;
  readonly caKey: string;
  readonly cert: string;
  readonly key: string;
  /** The authority is new: whoever trusted one before does not know it. */
  readonly isNewAuthority: boolean;
  readonly isNewCertificate: boolean;
}

export interface DevelopmentOptions {
  readonly folder: string;
  readonly hosts: readonly string[];
  readonly nowMs: number;
  /** What the authority is called in the lists of those who trust it. */
  readonly authorityName: string;
}

/** Makes what is missing or about to expire. Rejects when the folder cannot be used. */
export async function createDevelopmentFiles({
  folder,
  hosts,
  nowMs,
  authorityName,
}: DevelopmentOptions): Promise<DevelopmentFiles> {
  await mkdir(folder, { recursive: true });
  const names = { ca: join(folder, 'ca.pem'), caKey: join(folder, 'ca.key') };
  const label = hosts[0]!.replace(/^\*\./, 'any.').replaceAll(':', '_');
  const files = { ...names, cert: join(folder, `${label}.pem`), key: join(folder, `${label}.key`) };
  const present = await readPair(files.ca, files.caKey, nowMs + CERTIFICATE_DAYS * DAY_MS);
  const authority = present ?? (await createAuthority(authorityName, { nowMs, days: AUTHORITY_DAYS }));
  if (present === undefined) await writePair(files.ca, files.caKey, authority);
  const isKept = present !== undefined && (await isUsable(files, hosts, { authority, untilMs: nowMs + ENOUGH_DAYS * DAY_MS }));
  if (!isKept) {
    const signed = await createSigned(hosts, authority, { nowMs, days: CERTIFICATE_DAYS });
    await writePair(files.cert, files.key, { ...signed, certPem: `${signed.certPem}${authority.certPem}` });
  }
  return { ...files, isNewAuthority: present === undefined, isNewCertificate: !isKept };
}

async function isUsable(
  { cert, key }: { readonly cert: string; readonly key: string },
  hosts: readonly string[],
  { authority, untilMs }: { readonly authority: SignedPair; readonly untilMs: number },
): Promise<boolean> {
  const pair = await readPair(cert, key, untilMs);
  const leaf = pair === undefined ? undefined : readLeaf(pair.certPem);
  if (leaf?.verify(readLeaf(authority.certPem)!.publicKey) !== true) return false;
  const names = listNames(leaf);
  const has = (host: string) => (isIP(host) === 0 ? names.includes(host) : leaf.checkIP(host) !== undefined);
  return hosts.every(has) && names.length === hosts.length;
}

/** A certificate with its key that is valid until then; `undefined` for anything else. */
async function readPair(certPath: string, keyPath: string, untilMs: number): Promise<SignedPair | undefined> {
  const certPem = await readIfThere(certPath);
  if (certPem === undefined || (await readIfThere(keyPath)) === undefined) return undefined;
  const keyPem = await readFile(keyPath, 'utf8');
  const leaf = readLeaf(certPem);
  return leaf !== undefined && isKeyOf(leaf, keyPem) && leaf.validToDate.getTime() > untilMs ? { certPem, keyPem } : undefined;
}

async function writePair(certPath: string, keyPath: string, { certPem, keyPem }: SignedPair): Promise<void> {
  await writeWhole(keyPath, keyPem);
  await writeWhole(certPath, certPem, CERTIFICATE_MODE);
}
