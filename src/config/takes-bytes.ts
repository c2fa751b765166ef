import type { Configuration } from './configuration.ts';
import { hasOnlyBytes, isHttpScheme, listSchemes } from './services/service-schemes.ts';

/**
 * Whether the endpoints of a service take bytes of any kind, or speak HTTP. Where the configuration names no scheme for
 * them, whoever uses the service decides.
 */
export function takesBytes({ services, listeners }: Configuration, name: string): boolean {
  const service = services[name]!;
  if (hasOnlyBytes(service)) return true;
  if (listSchemes(service).every(isHttpScheme)) return false;
  return Object.values(listeners).some(({ tcp, tls }) =>
    [tcp?.to, ...Object.values(tls?.passthrough ?? {})].some((to) => to?.services.some(({ service }) => service === name)),
  );
}
