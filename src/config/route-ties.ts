/** Routes of which nobody could say which one takes a request that both match. */
import { runAtOnce } from '#base/slices.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import type { Configuration } from './configuration.ts';
import type { Finding } from './issue.ts';
import { listRouteDefinitions } from './route-definitions.ts';

/** Every pair of routes that tie, at the later one. */
export function findRouteTies(configuration: Configuration): Finding[] {
  return runAtOnce(compileRoutes(listRouteDefinitions(configuration))).ties.map(({ first, second, reason }) => ({
    path: ['routes', second, 'match'],
    code: 'conflict',
    message: `the routes \`${first}\` and \`${second}\` tie: ${reason}; narrow one of them, or give one a higher \`priority\``,
  }));
}
