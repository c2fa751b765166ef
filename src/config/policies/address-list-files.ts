/** The files with addresses that settings of policies name, wherever policies stand. */
import { resolve } from 'node:path';
import { isMap, isText } from '#schema/forms.ts';
import type { Configuration } from '../configuration.ts';
import type { IssuePath } from '../issue.ts';
import type { PolicyBlocks } from './policy-blocks.ts';

/** As much of a policy as is needed to find its files. */
export interface AddressListingPolicy {
  readonly name: string;
  readonly addressListSettings?: readonly string[];
  readonly nested?: { readonly setting: string; readonly policies: readonly AddressListingPolicy[] };
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
  for (const { name, addressListSettings = [], nested } of listing) {
    const block = blocks[name];
    if (!isMap(block) || (addressListSettings.length === 0 && nested === undefined)) continue;
    const lists = addressListSettings.map((setting) => [
      setting,
      changeItems(block[setting], (entry) => resolveEntry(entry, folder)),
    ]);
    if (nested !== undefined) {
      const { setting, policies } = nested;
      const resolveItem = (item: unknown) => (isMap(item) ? resolveAddressListFiles(item, folder, policies) : item);
      lists.push([setting, changeItems(block[setting], resolveItem)]);
    }
    changed[name] = { ...block, ...Object.fromEntries(lists.filter(([, list]) => list !== undefined)) };
  }
  return Object.keys(changed).length === 0 ? blocks : { ...blocks, ...changed };
}

function changeItems(list: unknown, change: (item: unknown) => unknown): unknown {
  return Array.isArray(list) ? list.map(change) : list;
}

function findInBlocks(
  blocks: PolicyBlocks | undefined,
  at: IssuePath,
  listing: readonly AddressListingPolicy[],
): AddressListFile[] {
  if (blocks === undefined) return [];
  return listing.flatMap(({ name, addressListSettings = [], nested }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    const own = addressListSettings.flatMap((setting) => findInList(block[setting], [...at, name, setting]));
    const items = nested === undefined ? undefined : block[nested.setting];
    if (nested === undefined || !Array.isArray(items)) return own;
    const inItem = (item: unknown, i: number) =>
      isMap(item) ? findInBlocks(item, [...at, name, nested.setting, i], nested.policies) : [];
    return [...own, ...items.flatMap(inItem)];
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
