import type { Configuration } from '#config/configuration.ts';
import type { NameResolverOptions } from '#net/name-resolver.ts';

/** How names of endpoints are looked up. */
export function toResolverOptions({ dns }: Pick<Configuration, 'dns'>): NameResolverOptions {
  return { servers: dns.servers ?? [], ttlMinMs: dns.ttlMin, ttlMaxMs: dns.ttlMax };
}
