/** Quotas that a restart forgets. They do no harm, and may be meant so; but who does not expect it finds out late. */
import { isMap } from '#schema/forms.ts';
import type { Finding, IssuePath } from '../issue.ts';

export function findQuotaWarnings(configuration: unknown): Finding[] {
  if (!isMap(configuration)) return [];
  const { stores, listeners, routes } = configuration;
  if (isMap(stores) && stores['file'] !== undefined) return [];
  const first = hasQuota(configuration) ? [] : (findQuota(listeners, 'listeners') ?? findQuota(routes, 'routes'));
  if (first === undefined) return [];
  const message = 'a restart forgets what was counted, because there is no `stores.file`';
  return [{ path: [...first, 'policies', 'quota'], code: 'conflict', severity: 'warning', message }];
}

/** The first place of a kind that has one. */
function findQuota(holder: unknown, kind: string): IssuePath | undefined {
  const name = isMap(holder) ? Object.keys(holder).find((each) => hasQuota(holder[each])) : undefined;
  return name === undefined ? undefined : [kind, name];
}

function hasQuota(place: unknown): boolean {
  return isMap(place) && isMap(place['policies']) && isMap(place['policies']['quota']);
}
