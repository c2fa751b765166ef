/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities. */
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
    tls?.ca === undefined ? [] : [{ path: tls.ca, role: `service \`${name}\`: the certificate authority` }],
  );
  return [...ofListeners, ...ofServices];
}

async function readNamedFile({ path, role }: NamedFile): Promise<[string, string]> {
  try {
    return [path, await readFile(path, 'utf8')];
  } catch (error) {
    throw new Error(`${role} ${path} cannot be read: ${explainReadError(error)}`, { cause: error });
  }
}
