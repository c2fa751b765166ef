import { isMap } from '#schema/forms.ts';
import type { Finding } from './issue.ts';
import { listWrittenServices } from './written-services.ts';

/** Importance decides who waits and who is refused, which happens only where a service has a limit, or a thread one of its own. */
export function findUselessImportance({ routes, services, overload }: Record<string, unknown>): Finding[] {
  if (!isMap(routes)) return [];
  return Object.entries(routes).flatMap(([name, route]): Finding[] => {
    if (!isMap(route) || route['importance'] === undefined) return [];
    const used = listWrittenServices(route['to']);
    // A service that does not exist is a mistake of its own.
    const isShed = overload !== undefined && used.length > 0;
    const isUseful =
      isShed || used.some((service) => !isMap(services) || !isMap(services[service]) || 'concurrency' in services[service]);
    if (isUseful) return [];
    const message =
      used.length === 0
        ? 'the route goes to no service, so `importance` would have no effect'
        : `no service of the route has \`concurrency\` (${used.join(', ')}), and there is no \`overload\`, so \`importance\` would have no effect`;
    return [{ path: ['routes', name, 'importance'], code: 'conflict', message }];
  });
}
