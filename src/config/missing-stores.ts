/** `rate-limit: { store: redis }` needs the store. Works on what the user wrote. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from './issue.ts';

/** In some `policies`, when the configuration has these `stores`. */
export function findMissingStores(policies: unknown, path: IssuePath, stores: unknown): Finding[] {
  const block = isMap(policies) ? policies['rate-limit'] : undefined;
  if (!isMap(block) || block['store'] !== 'redis' || (isMap(stores) && stores['redis'] !== undefined)) return [];
  const message = 'there is no store `redis`; write `stores: { redis: { url: "redis://HOST:6379" } }` beside `routes`';
  return [{ path: [...path, 'rate-limit', 'store'], code: 'unknown-name', message }];
}
