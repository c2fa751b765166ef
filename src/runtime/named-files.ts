/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Configuration, ListenerConfiguration } from '#config/configuration.ts';
import { explainReadError } from '#config/references.ts';
import type { ListenerTls } from '#net/listener.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts by path. */
  readonly texts: Readonly<Record<string, string>>;
}

interface NamedFile {
  readonly path: string;
  /** What it is for, as an operator would say it. */
  readonly role: string;
  /** Throws when the text cannot be what it is for. What a listener serves is checked where it is opened. */
  readonly check?: (text: string) => void;
}

/** The paths of all files, to be watched. */
export function listNamedFiles(configuration: Configuration): string[] {
  return [...new Set(findNamedFiles(configuration).map(({ path }) => path))];
}

/** Reads all files. Rejects with what cannot be read, and whose it is. */
export async function readNamedFiles(configuration: Configuration): Promise<ConfigurationFiles> {
  const texts = await Promise.all(findNamedFiles(configuration).map(readNamedFile));
  return { texts: Object.fromEntries(texts) };
}

/** What a listener serves TLS with; `undefined` when it does not. */
export function toListenerTls({ tls }: ListenerConfiguration, files: ConfigurationFiles): ListenerTls | undefined {
  if (tls === undefined) return undefined;
  return { certificates: tls.certificates.map(({ cert, key }) => ({ cert: files.texts[cert]!, key: files.texts[key]! })) };
}

function findNamedFiles({ listeners, services }: Configuration): NamedFile[] {
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap(({ cert, key }) => [
      { path: cert, role: `listener \`${name}\`: the certificate` },
      { path: key, role: `listener \`${name}\`: the private key` },
    ]),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) =>
    tls?.ca === undefined
      ? []
      : [{ path: tls.ca, role: `service \`${name}\`: the certificate authority`, check: checkCertificate }],
  );
  return [...ofListeners, ...ofServices];
}

async function readNamedFile({ path, role, check }: NamedFile): Promise<[string, string]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${role} ${path} cannot be read: ${explainReadError(error)}`, { cause: error });
  });
  try {
    check?.(text);
  } catch (error) {
    throw new Error(`${role} ${path} is not a certificate in PEM form`, { cause: error });
  }
  return [path, text];
}

/** Node takes anything for an authority and then trusts nobody; so a wrong file must be found out here. */
function checkCertificate(text: string): void {
  new X509Certificate(text);
}
