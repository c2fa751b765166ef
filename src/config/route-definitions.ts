import type { RouteDefinition } from '#routing/route-definition.ts';
import type { Configuration } from './configuration.ts';

/** The routes in their order, as far as the route table is concerned. */
export function listRouteDefinitions({ routes }: Pick<Configuration, 'routes'>): RouteDefinition[] {
  return Object.entries(routes).map(([name, { matches, priority }]) => ({ name, matches, priority }));
}
