import { limits } from '#base/limits.ts';
import { isMap } from '#schema/forms.ts';
import type { Finding } from './issue.ts';

/** Services and endpoints that no gateway could hold. What fits beside those of a running configuration is found out there. */
export function findTooManyEndpoints(services: unknown): Finding[] {
  if (!isMap(services)) return [];
  let count = 0;
  for (const [service, settings] of Object.entries(services)) {
    count += 1 + countEndpoints(settings);
    if (count <= limits.endpointsMax) continue;
    const message = `no room for these endpoints: the gateway holds ${limits.endpointsMax} services and endpoints together, and with this service it would be ${count}`;
    return [{ path: ['services', service, 'endpoints'], code: 'conflict', message }];
  }
  return [];
}

/** One that is named twice counts once. */
function countEndpoints(service: unknown): number {
  const endpoints = isMap(service) ? service['endpoints'] : undefined;
  if (!Array.isArray(endpoints)) return 0;
  return new Set(endpoints.map((endpoint: unknown) => (isMap(endpoint) ? endpoint['url'] : endpoint))).size;
}
