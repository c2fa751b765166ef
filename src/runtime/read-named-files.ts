/** Reads the files that a configuration names and looks whether they can be used. Loaded by configurations that name some. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';
import { CertificateChecks, type CertificateFault, readCertificates } from '#net/certificate-check.ts';
import { AddressFactReader, type AddressFacts } from './address-facts.ts';
import { ContractReader } from './contract-files.ts';
import { type ConfigurationFiles, findNamedFiles, findPairs, type NamedFile, type NamedPair } from './named-files.ts';

/** What was read, or everything that cannot be read or used. */
export type NamedFilesReading = { readonly files: ConfigurationFiles } | { readonly findings: readonly Finding[] };

/** What is wrong with a text; completes "ROLE PATH ...". */
const findFault = { authority: findAuthorityFault, 'revocation-list': findListFault, 'key-set': findKeySetFault } as const;

/** Remembers which certificates were in order, so that a reload looks at the others only. */
export class NamedFileReader {
  readonly #checks = new CertificateChecks();
  readonly #addresses: AddressFactReader;
  readonly #contracts = new ContractReader();
  /** Files that those which the configuration names refer to. */
  furtherFiles: readonly string[] = [];

  constructor(means: { readonly clock: Clock; readonly logger: Logger }) {
    this.#addresses = new AddressFactReader(means);
  }

  /** Reads all files but those of ordered certificates, which are kept elsewhere. */
  async read(configuration: Configuration, nowMs: number): Promise<NamedFilesReading> {
    const texts: Record<string, string> = {};
    const read = await Promise.all(
      findNamedFiles(configuration).map(async (file) => {
        const result = await readNamedFile(file);
        if ('text' in result) texts[file.path] = result.text;
        return 'text' in result ? [] : [result.finding];
      }),
    );
    const pairs = findPairs(configuration).filter(({ cert, key }) => texts[cert] !== undefined && texts[key] !== undefined);
    const faults = this.#checks.findFaults(
      pairs.map(({ cert, key }) => ({ cert: texts[cert]!, key: texts[key]! })),
      nowMs,
    );
    const addresses = await this.#addresses.read(configuration);
    const ofPairs = pairs.flatMap((pair, i) => explainFault(pair, faults[i]));
    const contracts = await this.#contracts.read(configuration);
    this.furtherFiles = contracts.files;
    const findings = [...read.flat(), ...ofPairs, ...addresses.findings, ...contracts.findings];
    return findings.length > 0 ? { findings } : { files: { texts, ...toImages(addresses), contracts: contracts.contracts } };
  }
}

function toImages({ addressLists, countries }: AddressFacts): Pick<ConfigurationFiles, 'addressLists' | 'countries'> {
  return { addressLists, countries };
}

async function readNamedFile({ path, role, at, form }: NamedFile): Promise<{ text: string } | { finding: Finding }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const message = `${role} ${path} cannot be read: ${explainReadError(error)}`;
    return { finding: { path: at, code: 'unreadable-file', message } };
  }
  const fault = form === undefined ? undefined : findFault[form](text);
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

/** Keys that are for something else are left out later; here it is about the wrong file. */
function findKeySetFault(text: string): string | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown };
    if (Array.isArray(keys) && keys.length > 0) return undefined;
  } catch {
    // Why it cannot be read says less than that it cannot.
  }
  return 'is not a JSON Web Key Set: a map with the list `keys`';
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
