import type { Configuration } from './configuration.ts';
import { isHttpScheme } from './service-schema.ts';

/**
 * Whether the endpoints of a service take bytes of any kind, or speak HTTP. Where the configuration names no scheme for
 * them, whoever uses the service decides.
 */
export function takesBytes({ services, listeners }: Configuration, name: string): boolean {
  const { endpoints, discover } = services[name]!;
  const discovered = discover === undefined || discover.kind === 'file' ? undefined : discover.scheme;
  const scheme = endpoints[0]?.url.scheme ?? discovered;
  if (scheme !== undefined) return !isHttpScheme(scheme);
  return Object.values(listeners).some(({ tcp, tls }) =>
    [tcp?.to, ...Object.values(tls?.passthrough ?? {})].some((to) => to?.services.some(({ service }) => service === name)),
  );
}
