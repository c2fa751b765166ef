/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { toAcmeFile } from '#config/acme-files.ts';
import type { AcmeConfiguration, Configuration, ListenerTlsConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { explainReadError } from '#config/references.ts';
import { findCertificateFault } from '#net/certificate-check.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts by path. */
  readonly texts: Readonly<Record<string, string>>;
}

interface NamedFile {
  readonly path: string;
  /** What it is for, as an operator would say it. */
  readonly role: string;
  /** What is wrong with the text; completes "ROLE PATH ...". */
  readonly findFault?: (text: string) => string | undefined;
}

/** A certificate that is served or shown, and whose it is. */
interface NamedPair {
  readonly cert: string;
  readonly key: string;
  readonly owner: string;
}

/** The paths of all files, to be watched. */
export function listNamedFiles(configuration: Configuration): string[] {
  return [...new Set(findNamedFiles(configuration).map(({ path }) => path))];
}

/** Reads all files but those of ordered certificates, which are kept elsewhere. Rejects with what cannot be read or used, and whose it is. */
export async function readNamedFiles(configuration: Configuration, nowMs: number): Promise<ConfigurationFiles> {
  const texts = Object.fromEntries(await Promise.all(findNamedFiles(configuration).map(readNamedFile)));
  for (const pair of findPairs(configuration)) checkPair(pair, texts, nowMs);
  return { texts };
}

/** The file of an ordered certificate. */
export function acmeFileOf(acme: AcmeConfiguration | undefined, names: readonly string[]): string | undefined {
  return acme === undefined ? undefined : toAcmeFile(acme, names);
}

function findNamedFiles(configuration: Configuration): NamedFile[] {
  const { acme, listeners, services } = configuration;
  const ofPairs = findPairs(configuration).flatMap(({ cert, key, owner }) => [
    { path: cert, role: `${owner}: the certificate` },
    { path: key, role: `${owner}: the private key` },
  ]);
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) => (tls === undefined ? [] : ofClients(name, tls)));
  const ofServices = Object.entries(services).flatMap(([name, service]) => ofService(name, service));
  return [...ofPairs, ...ofListeners, ...ofServices, ...ofVerification('`acme`', { ca: acme?.ca })];
}

function findPairs({ listeners, services }: Configuration): NamedPair[] {
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate) =>
      certificate.kind === 'acme' ? [] : [{ cert: certificate.cert, key: certificate.key, owner: `listener \`${name}\`` }],
    ),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) =>
    tls?.certificate === undefined ? [] : [{ ...tls.certificate, owner: `service \`${name}\`` }],
  );
  return [...ofListeners, ...ofServices];
}

function ofClients(name: string, { clientCertificates }: ListenerTlsConfiguration): NamedFile[] {
  return clientCertificates === undefined ? [] : ofVerification(`listener \`${name}\``, clientCertificates);
}

function ofService(name: string, { tls }: ServiceConfiguration): NamedFile[] {
  return tls === undefined ? [] : ofVerification(`service \`${name}\``, tls);
}

function ofVerification(owner: string, { ca, crl }: { readonly ca?: string | undefined; readonly crl?: string | undefined }) {
  const files: NamedFile[] = [];
  if (ca !== undefined) files.push({ path: ca, role: `${owner}: the certificate authority`, findFault: findAuthorityFault });
  if (crl !== undefined) files.push({ path: crl, role: `${owner}: the revocation list`, findFault: findListFault });
  return files;
}

async function readNamedFile({ path, role, findFault }: NamedFile): Promise<[string, string]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${role} ${path} cannot be read: ${explainReadError(error)}`, { cause: error });
  });
  const fault = findFault?.(text);
  if (fault !== undefined) throw new Error(`${role} ${path} ${fault}`);
  return [path, text];
}

function checkPair({ cert, key, owner }: NamedPair, texts: Readonly<Record<string, string>>, nowMs: number): void {
  const fault = findCertificateFault(texts[cert]!, texts[key]!, nowMs);
  if (fault === undefined) return;
  if (fault.of === 'certificate') throw new Error(`${owner}: the certificate ${cert} ${fault.problem}`);
  const other = fault.problem === 'does not belong to' ? ` ${cert}` : '';
  throw new Error(`${owner}: the private key ${key} ${fault.problem}${other}`);
}

/** Node takes anything for an authority and then trusts nobody; so a wrong file must be found out here. */
function findAuthorityFault(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    // Why it cannot be read says less than that it cannot.
    return 'is not a certificate in PEM form';
  }
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
