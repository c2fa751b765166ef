import type { Configuration, RouteConfiguration } from '#config/configuration.ts';

/** The settings of a policy for one route and listener: the nearest place that names it decides. `undefined`: it does not run. */
export function findPolicyBlock(
  name: string,
  place: {
    readonly configuration: Pick<Configuration, 'policies' | 'listeners'>;
    readonly listener: string | undefined;
    readonly route: RouteConfiguration;
  },
): unknown {
  const { configuration, listener, route } = place;
  const atListener = listener === undefined ? undefined : configuration.listeners[listener]?.policies;
  const block = route.policies?.[name] ?? atListener?.[name] ?? configuration.policies?.[name];
  return block === false ? undefined : block;
}
