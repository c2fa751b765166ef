import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';

/** Names the services whose certificates are not verified, each time a configuration is taken: it must not be forgotten. */
export function logUnverifiedServices({ services }: Configuration, logger: Logger): void {
  for (const [service, { tls }] of Object.entries(services)) {
    if (tls?.verify === 'dangerously-off') logger.log('warn', 'certificates of a service are not verified', { service });
  }
}
