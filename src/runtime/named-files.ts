/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { toAcmeFile } from '#config/acme-files.ts';
import type { AcmeConfiguration, Configuration } from '#config/configuration.ts';
import type { Finding, IssuePath } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';
import { type CertificateChecks, type CertificateFault, readCertificates } from '#net/certificate-check.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts by path. */
  readonly texts: Readonly<Record<string, string>>;
}

interface NamedFile {
  readonly path: string;
  /** What it is for, as an operator would say it. */
  readonly role: string;
  /** Where the configuration names it. */
  readonly at: IssuePath;
  /** What is wrong with the text; completes "ROLE PATH ...". */
  readonly findFault?: (text: string) => string | undefined;
}

/** A certificate that is served or shown, and where the configuration names it. */
interface NamedPair {
  readonly cert: string;
  readonly key: string;
  readonly at: IssuePath;
}

/** The paths of all files, to be watched. */
export function listNamedFiles(configuration: Configuration): string[] {
  return [...new Set(findNamedFiles(configuration).map(({ path }) => path))];
}

/** What was read, or everything that cannot be read or used. */
export type NamedFilesReading = { readonly files: ConfigurationFiles } | { readonly findings: readonly Finding[] };

/** Reads all files but those of ordered certificates, which are kept elsewhere. */
export async function readNamedFiles(
  configuration: Configuration,
  checks: CertificateChecks,
  nowMs: number,
): Promise<NamedFilesReading> {
  const texts: Record<string, string> = {};
  const read = await Promise.all(
    findNamedFiles(configuration).map(async (file) => {
      const result = await readNamedFile(file);
      if ('text' in result) texts[file.path] = result.text;
      return 'text' in result ? [] : [result.finding];
    }),
  );
  const pairs = findPairs(configuration).filter(({ cert, key }) => texts[cert] !== undefined && texts[key] !== undefined);
  const faults = checks.findFaults(
    pairs.map(({ cert, key }) => ({ cert: texts[cert]!, key: texts[key]! })),
    nowMs,
  );
  const findings = [...read.flat(), ...pairs.flatMap((pair, i) => explainFault(pair, faults[i]))];
  return findings.length > 0 ? { findings } : { files: { texts } };
}

/** The file of an ordered certificate. */
export function acmeFileOf(acme: AcmeConfiguration | undefined, names: readonly string[]): string | undefined {
  return acme === undefined ? undefined : toAcmeFile(acme, names);
}

function findNamedFiles(configuration: Configuration): NamedFile[] {
  const { acme, listeners, services } = configuration;
  const ofPairs = findPairs(configuration).flatMap(({ cert, key, at }) => [
    { path: cert, role: 'the certificate', at: [...at, 'cert'] },
    { path: key, role: 'the private key', at: [...at, 'key'] },
  ]);
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    ofVerification(['listeners', name, 'tls', 'clientCertificates'], tls?.clientCertificates),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) => ofVerification(['services', name, 'tls'], tls));
  return [...ofPairs, ...ofListeners, ...ofServices, ...ofVerification(['acme'], acme && { ca: acme.ca })];
}

function findPairs({ listeners, services }: Configuration): NamedPair[] {
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate, i) => {
      if (certificate.kind === 'acme') return [];
      return [{ cert: certificate.cert, key: certificate.key, at: ['listeners', name, 'tls', 'certificates', i] }];
    }),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) =>
    tls?.certificate === undefined ? [] : [{ ...tls.certificate, at: ['services', name, 'tls', 'certificate'] }],
  );
  return [...ofListeners, ...ofServices];
}

function ofVerification(
  at: IssuePath,
  { ca, crl }: { readonly ca?: string | undefined; readonly crl?: string | undefined } = {},
): NamedFile[] {
  const files: NamedFile[] = [];
  if (ca !== undefined)
    files.push({ path: ca, role: 'the certificate authority', at: [...at, 'ca'], findFault: findAuthorityFault });
  if (crl !== undefined) files.push({ path: crl, role: 'the revocation list', at: [...at, 'crl'], findFault: findListFault });
  return files;
}

async function readNamedFile({ path, role, at, findFault }: NamedFile): Promise<{ text: string } | { finding: Finding }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const message = `${role} ${path} cannot be read: ${explainReadError(error)}`;
    return { finding: { path: at, code: 'unreadable-file', message } };
  }
  const fault = findFault?.(text);
  return fault === undefined ? { text } : { finding: { path: at, code: 'invalid-value', message: `${role} ${path} ${fault}` } };
}

function explainFault({ cert, key, at }: NamedPair, fault: CertificateFault | undefined): Finding[] {
  if (fault === undefined) return [];
  if (fault.of === 'certificate')
    return [{ path: [...at, 'cert'], code: 'invalid-value', message: `the certificate ${cert} ${fault.problem}` }];
  const other = fault.problem === 'does not belong to' ? ` ${cert}` : '';
  return [{ path: [...at, 'key'], code: 'invalid-value', message: `the private key ${key} ${fault.problem}${other}` }];
}

/** Node takes anything for an authority and then trusts nobody; so a wrong file must be found out here. */
function findAuthorityFault(text: string): string | undefined {
  try {
    if (readCertificates(text).length > 0) return undefined;
  } catch {
    // Why it cannot be read says less than that it cannot.
  }
  return 'is not a certificate in PEM form';
}

/** Node takes a text without any list in silence. */
function findListFault(text: string): string | undefined {
  try {
    createSecureContext({ crl: text });
    if (text.includes('-----BEGIN X509 CRL-----')) return undefined;
  } catch {
    // As above.
  }
  return 'is not a revocation list in PEM form';
}
