/** A configuration as a rehearsal runs it: the same routes, policies and services, without anything that reaches out of the process. */
import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';

/** What clients and services would see of connections alone is left out: certificates, logs, stores, discovery and checks. */
export function toRehearsedConfiguration(configuration: Configuration): Configuration {
  const { listeners, services, stores, acme: _acme, admin: _admin, overload: _overload, ...rest } = configuration;
  return {
    ...rest,
    threads: 0,
    accessLog: false,
    shutdown: { delay: 0, deadline: 0 },
    listeners: mapValues(listeners, (listener) => ({ ...listener, tls: undefined })),
    services: mapValues(services, (service, name) => toRehearsedService(service, name)),
    stores: { ...stores, redis: undefined, file: undefined },
  };
}

function toRehearsedService(service: ServiceConfiguration, name: string): ServiceConfiguration {
  const { tls: _tls, health: _health, discover, endpoints, ...rest } = service;
  // What would be found nobody knows; one endpoint stands for all.
  const found = discover === undefined ? [] : [{ url: toFoundUrl(name), weight: 1, priority: 0 }];
  return { ...rest, endpoints: endpoints.length === 0 ? found : endpoints };
}

function toFoundUrl(name: string): ServiceConfiguration['endpoints'][number]['url'] {
  return { scheme: 'http', host: `${name}.discovered`, port: 80, path: undefined };
}

function mapValues<Value, Result>(
  map: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value, name)]));
}
