/** Reads the files that a configuration names and looks whether they can be used. Loaded by configurations that name some. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Configuration } from '#config/configuration.ts';
import { explainReadError } from '#config/references.ts';
import { findCertificateFault } from '#net/certificate-check.ts';
import { type ConfigurationFiles, findNamedFiles, findPairs, type NamedFile, type NamedPair } from './named-files.ts';

/** What is wrong with a text; completes "ROLE PATH ...". */
const findFault = { authority: findAuthorityFault, 'revocation-list': findListFault } as const;

/** Reads all files but those of ordered certificates, which are kept elsewhere. Rejects with what cannot be read or used, and whose it is. */
export async function readNamedFiles(configuration: Configuration, nowMs: number): Promise<ConfigurationFiles> {
  const texts = Object.fromEntries(await Promise.all(findNamedFiles(configuration).map(readNamedFile)));
  for (const pair of findPairs(configuration)) checkPair(pair, texts, nowMs);
  return { texts };
}

async function readNamedFile({ path, role, form }: NamedFile): Promise<[string, string]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${role} ${path} cannot be read: ${explainReadError(error)}`, { cause: error });
  });
  const fault = form === undefined ? undefined : findFault[form](text);
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
