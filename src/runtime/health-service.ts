/** Active checks of a configuration's services. Loaded by configurations that ask for some. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointLists } from '#services/endpoint-list.ts';
import { HealthChecks } from '#services/health/health-checks.ts';
import { toCheckedServices } from '#snapshot/checked-services.ts';
import type { ConfigurationFiles } from './named-files.ts';
import { toResolverOptions } from './resolver-options.ts';

export interface HealthServiceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
}

export class HealthService {
  readonly checks: HealthChecks;

  constructor(options: HealthServiceOptions) {
    this.checks = new HealthChecks({ ...options, random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32 });
  }

  /** A configuration is the present one now. */
  follow(configuration: Configuration, { texts }: ConfigurationFiles, lists: EndpointLists): void {
    this.checks.follow(toCheckedServices(configuration, texts), lists, toResolverOptions(configuration));
  }

  stop(): void {
    this.checks.stop();
  }
}
