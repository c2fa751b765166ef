/** Quotas that a restart forgets. They do no harm, and may be meant so; but who does not expect it finds out late. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

export function findQuotaWarnings(configuration: unknown): Finding[] {
  if (!isMap(configuration)) return [];
  const { stores, listeners, routes } = configuration;
  if (isMap(stores) && stores['file'] !== undefined) return [];
  const places: [unknown, IssuePath][] = [[configuration, []]];
  for (const [kind, holder] of Object.entries({ listeners, routes }))
    if (isMap(holder)) for (const [name, value] of Object.entries(holder)) places.push([value, [kind, name]]);
  const first = places.find(([place]) => hasQuota(place));
  if (first === undefined) return [];
  const message = 'a restart forgets what was counted, because there is no `stores.file`';
  return [{ path: [...first[1], 'policies', 'quota'], code: 'conflict', severity: 'warning', message }];
}

function hasQuota(place: unknown): boolean {
  return isMap(place) && isMap(place['policies']) && isMap(place['policies']['quota']);
}
