/** What policies keep in a store, such as `rate-limit: { store: redis }`, needs the store. Works on what the user wrote. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

/** Where in the settings of which policy the store stands. */
const storeSettings = [
  ['rate-limit', 'store'],
  ['oidc', 'session', 'store'],
] as const;

/** In some `policies`, when the configuration has these `stores`. */
export function findMissingStores(policies: unknown, path: IssuePath, stores: unknown): Finding[] {
  if (isMap(stores) && stores['redis'] !== undefined) return [];
  const message = 'there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`';
  return storeSettings
    .filter((setting) => findSetting(policies, setting) === 'redis')
    .map((setting): Finding => ({ path: [...path, ...setting], code: 'unknown-name', message }));
}

function findSetting(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value;
  return isMap(value) ? findSetting(value[name], rest) : undefined;
}
