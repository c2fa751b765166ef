import type { Configuration } from '#config/configuration.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { toOffline } from '#runtime/replay/offline-configuration.ts';

/** The same routes, policies and services, without anything that reaches out of the process, watches, or has to do with load. */
export function toRehearsedConfiguration(configuration: Configuration): Configuration {
  return {
    ...toOffline(configuration, policyDefinitions),
    tracing: undefined,
    debug: undefined,
    overload: undefined,
    shutdown: { delay: 0, deadline: 0 },
  };
}
