/** The files with addresses that settings of policies name, wherever policies stand. */
import { resolve } from 'node:path';
import { isMap, isText } from '#schema/forms.ts';
import type { Configuration } from './configuration.ts';
import type { IssuePath } from './issue.ts';
import type { PolicyBlocks } from './policy-blocks.ts';

/** As much of a policy as is needed to find its files. */
export interface AddressListingPolicy {
  readonly name: string;
  readonly addressListSettings?: readonly string[];
}

export interface AddressListFile {
  readonly path: string;
  /** Where the configuration names it. */
  readonly at: IssuePath;
}

type WithPolicies = Pick<Configuration, 'policies' | 'listeners' | 'routes'>;

/** Every place that names a file. The paths are as they stand there. */
export function findAddressListFiles(
  { policies, listeners, routes }: WithPolicies,
  listing: readonly AddressListingPolicy[],
): AddressListFile[] {
  const found = findInBlocks(policies, ['policies'], listing);
  for (const [name, listener] of Object.entries(listeners))
    found.push(...findInBlocks(listener.policies, ['listeners', name, 'policies'], listing));
  for (const [name, route] of Object.entries(routes))
    found.push(...findInBlocks(route.policies, ['routes', name, 'policies'], listing));
  return found;
}

/** The same settings with absolute paths. */
export function resolveAddressListFiles(
  blocks: PolicyBlocks,
  folder: string,
  listing: readonly AddressListingPolicy[],
): PolicyBlocks {
  const changed: Record<string, unknown> = {};
  for (const { name, addressListSettings = [] } of listing) {
    const block = blocks[name];
    if (!isMap(block) || addressListSettings.length === 0) continue;
    const lists = addressListSettings
      .filter((setting) => Array.isArray(block[setting]))
      .map((setting) => [setting, (block[setting] as readonly unknown[]).map((entry) => resolveEntry(entry, folder))]);
    changed[name] = { ...block, ...Object.fromEntries(lists) };
  }
  return { ...blocks, ...changed };
}

function findInBlocks(
  blocks: PolicyBlocks | undefined,
  at: IssuePath,
  listing: readonly AddressListingPolicy[],
): AddressListFile[] {
  if (blocks === undefined) return [];
  return listing.flatMap(({ name, addressListSettings = [] }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    return addressListSettings.flatMap((setting) => findInList(block[setting], [...at, name, setting]));
  });
}

function findInList(list: unknown, at: IssuePath): AddressListFile[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, i) => (isFileEntry(entry) ? [{ path: entry.file, at: [...at, i, 'file'] }] : []));
}

function resolveEntry(entry: unknown, folder: string): unknown {
  return isFileEntry(entry) ? { ...entry, file: resolve(folder, entry.file) } : entry;
}

function isFileEntry(entry: unknown): entry is { readonly file: string } {
  return isMap(entry) && isText(entry['file']);
}
