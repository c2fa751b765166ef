/** Routes of which nobody could say which one takes a request that both match. */
import { compileRouteTableNow } from '#routing/route-table.ts';
import type { Configuration } from './configuration.ts';
import type { Finding } from './issue.ts';

/** Every pair of routes that tie, at the later one. */
export function findRouteTies({ routes }: Configuration): Finding[] {
  const definitions = Object.entries(routes).map(([name, { matches, priority }]) => ({ name, matches, priority, value: name }));
  return compileRouteTableNow(definitions).ties.map(({ first, second, reason }) => ({
    path: ['routes', second, 'match'],
    code: 'conflict',
    message: `the routes \`${first}\` and \`${second}\` tie: ${reason}; narrow one of them, or give one a higher \`priority\``,
  }));
}
