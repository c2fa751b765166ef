/** What policies keep in a store, such as `rate-limit: { store: redis }`, needs the store. Works on what the user wrote. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

/** As much of a policy as is needed to find what it keeps in a store. */
interface StoringPolicy {
  readonly name: string;
  readonly storeSettings?: readonly string[] | undefined;
  readonly nested?: { readonly setting: string; readonly policies: readonly StoringPolicy[] } | undefined;
}

const MESSAGE = 'there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`';

/** In some `policies`, when the configuration has these `stores`. */
export function findMissingStores(
  blocks: unknown,
  path: IssuePath,
  { stores, policies }: { readonly stores: unknown; readonly policies: readonly StoringPolicy[] },
): Finding[] {
  if (isMap(stores) && stores['redis'] !== undefined) return [];
  return listStored(blocks, path, policies).map((place): Finding => ({ path: place, code: 'unknown-name', message: MESSAGE }));
}

function listStored(blocks: unknown, path: IssuePath, policies: readonly StoringPolicy[]): IssuePath[] {
  if (!isMap(blocks)) return [];
  return policies.flatMap(({ name, storeSettings = [], nested }) => {
    const block = blocks[name];
    if (!isMap(block)) return [];
    const at = [...path, name];
    const own = storeSettings
      .map((setting) => setting.split('.'))
      .filter((setting) => findSetting(block, setting) === 'redis')
      .map((setting) => [...at, ...setting]);
    const items = nested === undefined ? undefined : block[nested.setting];
    if (nested === undefined || !Array.isArray(items)) return own;
    return [...own, ...items.flatMap((item, i) => listStored(item, [...at, nested.setting, i], nested.policies))];
  });
}

function findSetting(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value;
  return isMap(value) ? findSetting(value[name], rest) : undefined;
}
