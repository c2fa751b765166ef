/** A configuration that can be rehearsed on a machine that has nothing of what is around a gateway. */
import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import type { PolicyDefinition } from '#pipeline/policy.ts';

type Blocks = Readonly<Record<string, unknown>>;

/**
 * Without what listens, logs, checks, and looks for endpoints, and with everything that is shared between gateways kept in memory.
 * What decides about requests stays as it is.
 */
export function toOffline(configuration: Configuration, policies: readonly PolicyDefinition[]): Configuration {
  const change = (blocks: Blocks | undefined) => blocks && withoutStores(blocks, policies);
  const { stores, listeners, routes, services } = configuration;
  return {
    ...configuration,
    policies: change(configuration.policies),
    threads: 0,
    accessLog: false,
    recording: undefined,
    admin: undefined,
    acme: undefined,
    stores: { ...stores, redis: undefined, file: undefined },
    listeners: mapValues(listeners, (listener) => ({ ...listener, tls: undefined, policies: change(listener.policies) })),
    routes: mapValues(routes, (route): RouteConfiguration => ({ ...route, policies: change(route.policies) })),
    services: mapValues(services, toOfflineService),
  };
}

/** An endpoint that was to be found is one that has the name of its service. */
function toOfflineService(service: ServiceConfiguration, name: string): ServiceConfiguration {
  const { discover, endpoints } = service;
  const isFound = discover !== undefined && endpoints.length === 0;
  const scheme = 'http' as const;
  const url = { scheme, host: `${name}.invalid`, port: 80, path: undefined };
  const found = { url, weight: 1, priority: 0, zone: undefined };
  return {
    ...service,
    tls: undefined,
    health: undefined,
    discover: undefined,
    ...(isFound && { endpoints: [found] }),
  };
}

function withoutStores(blocks: Blocks, policies: readonly PolicyDefinition[]): Blocks {
  const changed: Record<string, unknown> = { ...blocks };
  for (const { name, storeSettings = [] } of policies)
    for (const setting of storeSettings) changed[name] = inMemory(changed[name], setting.split('.'));
  return changed;
}

function inMemory(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value === 'redis' ? 'memory' : value;
  if (typeof value !== 'object' || value === null || !(name in value)) return value;
  return { ...value, [name]: inMemory((value as Readonly<Record<string, unknown>>)[name], rest) };
}

function mapValues<Value>(
  entries: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => Value,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, change(value, name)]));
}
