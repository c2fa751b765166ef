/** Where the certificates that are ordered are kept: one file each, with the key and the chain. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { toDirectoryUrl } from './acme-directories.ts';

/** What the places of files follow from. `store` is an absolute path. */
export interface AcmePlace {
  readonly store: string;
  readonly directory: string;
}

const NAME_LENGTH_MAX = 80;

/**
 * The folder of one directory: accounts and certificates of different authorities have nothing to do with each other, so
 * changing `directory` from staging to production orders everything anew.
 */
export function toDirectoryFolder({ store, directory }: AcmePlace): string {
  const url = toDirectoryUrl(directory);
  const label = directory === url ? `${new URL(url).hostname}-${shortHash(url)}` : directory;
  return join(store, label.replaceAll(/[^a-z0-9.-]/g, '_'));
}

/** The file of the certificate for these names, whatever their order. */
export function toAcmeFile(place: AcmePlace, names: readonly string[]): string {
  const sorted = names.toSorted();
  return join(
    toDirectoryFolder(place),
    'certificates',
    `${sorted[0]!.slice(0, NAME_LENGTH_MAX)}-${shortHash(sorted.join(' '))}.pem`,
  );
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
