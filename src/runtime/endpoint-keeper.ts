/**
 * Which endpoints services have while the gateway runs, whether the configuration, a source or an operator names them; told
 * to the data planes, and checked. What finds and what checks them is loaded by configurations that ask for it.
 */
import type { ServiceAdministration } from '#admin/service-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { MetricPieces } from '#base/metric-text.ts';
import type { Configuration } from '#config/configuration.ts';
import { takesBytes } from '#config/takes-bytes.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointList } from '#services/endpoint-list.ts';
import type { EndpointTarget } from '#services/endpoint-source.ts';
import { writeEndpointMetrics } from '#services/health/endpoint-metrics.ts';
import { describeHealth, type HealthFacts, type ServiceHealth } from '#services/health/service-health.ts';
import type { DataPlanes } from './data-planes.ts';
import type { Discovery } from './discovery.ts';
import { type DiscoveredEndpoints, type EndpointPlan, EndpointRegistry, TooManyEndpoints } from './endpoint-registry.ts';
import type { HealthService } from './health-service.ts';
import type { ConfigurationFiles } from './named-files.ts';

export interface EndpointKeeperOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
  readonly planes: DataPlanes;
}

export class EndpointKeeper {
  readonly #options: EndpointKeeperOptions;
  readonly #registry: EndpointRegistry;
  /** Services that have no room for what was found for them. */
  readonly #crowded = new Set<string>();
  #discovery: Discovery | undefined;
  #health: HealthService | undefined;

  constructor(options: EndpointKeeperOptions) {
    this.#options = options;
    this.#registry = new EndpointRegistry(options.board);
  }

  /** The lists that a configuration would have. Then `commit` or `abandon` is called. Rejects with `TooManyEndpoints`. */
  async prepare(configuration: Configuration): Promise<EndpointPlan> {
    return this.#registry.plan(configuration, await this.#discover(configuration));
  }

  /** The configuration is the present one; data planes were told of the plan. */
  commit(plan: EndpointPlan): void {
    for (const [service, list] of Object.entries(this.#registry.commit(plan))) this.#give(service, list);
    this.#discovery?.commit();
    for (const service of this.#crowded) if (this.#discovery?.foundFor(service) === undefined) this.#crowded.delete(service);
    this.#useRoom();
  }

  abandon(): void {
    this.#registry.release();
    this.#discovery?.abandon();
  }

  /** Begins, changes and ends checks as the present configuration says. */
  async followHealth(configuration: Configuration, files: ConfigurationFiles): Promise<void> {
    if (this.#health === undefined) {
      if (Object.values(configuration.services).every(({ health }) => health === undefined)) return;
      const { HealthService } = await import('./health-service.ts');
      const { clock, logger, board } = this.#options;
      this.#health = new HealthService({ clock, logger, board });
    }
    this.#health.follow(configuration, files, this.#registry.lists);
  }

  /** What is known of the endpoints of all services. */
  describeHealth(): ServiceHealth[] {
    return describeHealth(this.#registry.lists, this.#toFacts());
  }

  /** The same for metrics. */
  writeMetrics(): MetricPieces {
    return writeEndpointMetrics(this.#registry.lists, this.#toFacts());
  }

  /** What operators may ask for. */
  async createAdministration(findConfiguration: () => Configuration | undefined): Promise<ServiceAdministration> {
    const { EndpointAdministration } = await import('./endpoint-administration.ts');
    const { clock, logger, board } = this.#options;
    return new EndpointAdministration({
      clock,
      logger,
      board,
      registry: this.#registry,
      takesBytes: (service) => {
        const configuration = findConfiguration();
        return configuration !== undefined && takesBytes(configuration, service);
      },
      onList: (service, list) => {
        this.#give(service, list);
        this.#useRoom();
      },
    });
  }

  stop(): void {
    this.#health?.stop();
    this.#health = undefined;
    this.#discovery?.stop();
    this.#discovery = undefined;
    this.#registry.clear();
    this.#crowded.clear();
  }

  #toFacts(): HealthFacts {
    const { clock, board } = this.#options;
    return { board, clock, findCheck: (service, url) => this.#health?.checks.find(service, url) };
  }

  /** What sources have found by now for the services of a configuration. */
  async #discover(configuration: Configuration): Promise<DiscoveredEndpoints> {
    const isWanted = Object.values(configuration.services).some(({ discover }) => discover !== undefined);
    if (!isWanted && this.#discovery === undefined) return new Map();
    if (this.#discovery === undefined) {
      const { Discovery } = await import('./discovery.ts');
      const { clock, logger } = this.#options;
      this.#discovery = new Discovery({
        clock,
        logger,
        random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
        onEndpoints: (service, endpoints) => {
          this.#setDiscovered(service, endpoints);
          this.#useRoom();
        },
      });
    }
    return this.#discovery.prepare(configuration);
  }

  /** Returns whether they are used. Where there is no room for them, those before stay. */
  #setDiscovered(service: string, endpoints: readonly EndpointTarget[]): boolean {
    const { logger } = this.#options;
    try {
      const list = this.#registry.setDiscovered(service, endpoints);
      this.#crowded.delete(service);
      if (list === undefined) return true;
      this.#give(service, list);
      logger.log('info', 'endpoints found', { service, endpoints: list.records.length, version: list.version });
      return true;
    } catch (error) {
      // Whatever is wrong with what one source has found, the others go on.
      if (error instanceof TooManyEndpoints) this.#tellCrowded(service, endpoints, error);
      else logger.log('error', 'endpoints cannot be used', { service, error });
      return false;
    }
  }

  /** Once for as long as it lasts: some sources tell the same every second. */
  #tellCrowded(service: string, endpoints: readonly EndpointTarget[], { lack: { free, capacity } }: TooManyEndpoints): void {
    if (this.#crowded.has(service)) return;
    this.#crowded.add(service);
    const used = this.#registry.discoveredOf(service).length;
    this.#options.logger.log('error', 'no room for endpoints that were found', {
      service,
      found: endpoints.length,
      used,
      free,
      capacity,
    });
  }

  /** Something has changed: there may be room now for what has had none. Each one that fits may make room for another. */
  #useRoom(): void {
    let hasChanged = this.#crowded.size > 0;
    while (hasChanged) {
      hasChanged = false;
      for (const service of this.#crowded) {
        const found = this.#discovery?.foundFor(service);
        if (found !== undefined && this.#setDiscovered(service, found)) hasChanged = true;
      }
    }
  }

  #give(service: string, list: EndpointList): void {
    this.#health?.checks.followLists(this.#registry.lists);
    this.#options.planes.setEndpoints(service, list);
  }
}
