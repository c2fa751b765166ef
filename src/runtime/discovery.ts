/** Finds endpoints for the services that ask for it, from what their `discover` names. Runs in the control thread. */

import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import type { Configuration, DiscoveryConfiguration } from '#config/configuration.ts';
import { isHttpScheme } from '#config/services/service-schemes.ts';
import { takesBytes } from '#config/takes-bytes.ts';
import { formatEndpointUrl } from '#services/endpoint-list.ts';
import type { EndpointSource, EndpointSourceMeans, EndpointTarget } from '#services/endpoint-source.ts';
import type { DiscoveredEndpoints } from './endpoint-registry.ts';

/** How long a start or a reload waits for the first answers of sources. Services without one have what else they have. */
const FIRST_ANSWERS_MS = 2_000;

export interface DiscoveryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  random(): number;
  /** A service of the present configuration has other endpoints than before. */
  onEndpoints(service: string, endpoints: readonly EndpointTarget[]): void;
}

/** What decides about a source. Where it stays the same, the source goes on. */
interface SourceDefinition {
  readonly discover: DiscoveryConfiguration;
  /** What the service needs endpoints for; of the other kind it can use none. */
  readonly takesBytes: boolean;
  /** Only where names are asked for. */
  readonly dns: Configuration['dns'] | undefined;
}

interface RunningSource {
  readonly definition: SourceDefinition;
  readonly source: EndpointSource;
  endpoints: readonly EndpointTarget[];
  /** The configuration that asks for it is the present one. */
  isPresent: boolean;
  hasTooMany: boolean;
  /** Resolves when it has found endpoints, or could not. */
  readonly firstAnswer: PromiseWithResolvers<void>;
}

type RunningSources = ReadonlyMap<string, RunningSource>;

export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #wheel: TimerWheel;
  #present: RunningSources = new Map();
  /** Those of a configuration that may be the present one soon. */
  #prepared: RunningSources = new Map();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#wheel = new TimerWheel(options.clock);
    this.#wheel.start();
  }

  /** Starts what a configuration asks for, and waits a while for its first answers. Then `commit` or `abandon` is called. */
  async prepare(configuration: Configuration): Promise<DiscoveredEndpoints> {
    const { services, dns } = configuration;
    const prepared = new Map<string, RunningSource>();
    this.#prepared = prepared;
    for (const [service, { discover }] of Object.entries(services)) {
      if (discover === undefined) continue;
      const before = this.#present.get(service);
      const definition = {
        discover,
        takesBytes: takesBytes(configuration, service),
        dns: discover.kind === 'dns' ? dns : undefined,
      };
      const isSame = before !== undefined && isSameDefinition(before.definition, definition);
      prepared.set(service, isSame ? before : await this.#start(service, definition, before));
    }
    await this.#firstAnswers([...prepared.values()]);
    return new Map([...prepared].map(([service, { endpoints }]) => [service, endpoints]));
  }

  /** The prepared configuration is the present one. */
  commit(): void {
    const before = this.#present;
    const present = this.#prepared;
    this.#present = present;
    this.#prepared = new Map();
    stopAllBut(before, present);
    for (const [service, running] of present) {
      if (running.isPresent) continue;
      running.isPresent = true;
      this.#options.onEndpoints(service, running.endpoints);
    }
  }

  /** What the source of a service of the present configuration has found; `undefined`: it has none. */
  foundFor(service: string): readonly EndpointTarget[] | undefined {
    return this.#present.get(service)?.endpoints;
  }

  abandon(): void {
    stopAllBut(this.#prepared, this.#present);
    this.#prepared = new Map();
  }

  stop(): void {
    this.abandon();
    stopAllBut(this.#present, new Map());
    this.#present = new Map();
    this.#wheel.stop();
  }

  async #start(service: string, definition: SourceDefinition, before: RunningSource | undefined): Promise<RunningSource> {
    const { clock, logger, random } = this.#options;
    const means: EndpointSourceMeans = {
      clock,
      logger,
      wheel: this.#wheel,
      random,
      service,
      onEndpoints: (endpoints) => this.#onEndpoints(service, running, endpoints),
      onFailed: () => running.firstAnswer.resolve(),
    };
    const running: RunningSource = {
      definition,
      source: await createSource(definition, means),
      // Who is asked in another way for the same may be away just now.
      endpoints: before !== undefined && isAboutSame(before.definition, definition) ? before.endpoints : [],
      isPresent: false,
      hasTooMany: false,
      firstAnswer: Promise.withResolvers(),
    };
    running.source.start();
    return running;
  }

  #onEndpoints(service: string, running: RunningSource, found: readonly EndpointTarget[]): void {
    const other = found.find(({ url }) => isHttpScheme(url.scheme) === running.definition.takesBytes);
    if (other !== undefined) {
      const issue = `\`${formatEndpointUrl(other.url)}\` is of no use: the endpoints of a service either speak HTTP or take bytes`;
      this.#options.logger.log('error', 'endpoints refused', { service, source: running.definition.discover.kind, issue });
      running.firstAnswer.resolve();
      return;
    }
    running.endpoints = this.#limit(service, running, toSorted(found));
    running.firstAnswer.resolve();
    if (running.isPresent) this.#options.onEndpoints(service, running.endpoints);
  }

  #limit(service: string, running: RunningSource, endpoints: readonly EndpointTarget[]): readonly EndpointTarget[] {
    const hasTooMany = endpoints.length > limits.discoveredEndpointsMax;
    if (hasTooMany && !running.hasTooMany)
      this.#options.logger.log('warn', 'too many endpoints were found', {
        service,
        found: endpoints.length,
        used: limits.discoveredEndpointsMax,
      });
    running.hasTooMany = hasTooMany;
    return hasTooMany ? endpoints.slice(0, limits.discoveredEndpointsMax) : endpoints;
  }

  async #firstAnswers(sources: readonly RunningSource[]): Promise<void> {
    const awaited = sources.filter(({ isPresent }) => !isPresent);
    if (awaited.length === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const isOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FIRST_ANSWERS_MS);
    });
    await Promise.race([isOver, Promise.all(awaited.map(({ firstAnswer }) => firstAnswer.promise))]);
    clearTimeout(timer);
  }
}

/** Each kind is loaded by those only who ask for it. */
async function createSource({ discover, dns }: SourceDefinition, means: EndpointSourceMeans): Promise<EndpointSource> {
  switch (discover.kind) {
    case 'dns': {
      const { DnsEndpoints } = await import('#sources/dns/dns-endpoints.ts');
      const { servers = [], ttlMin: ttlMinMs, ttlMax: ttlMaxMs } = dns!;
      return new DnsEndpoints(discover, { servers, ttlMinMs, ttlMaxMs }, means);
    }
    case 'file': {
      const { FileEndpoints } = await import('#sources/file/file-endpoints.ts');
      return new FileEndpoints(discover, means);
    }
    case 'consul': {
      const { ConsulEndpoints } = await import('#sources/consul/consul-endpoints.ts');
      return new ConsulEndpoints(discover, means);
    }
    default:
      return discover satisfies never;
  }
}

/** The same endpoints in another order are no change, and of too many the same ones stay. */
function toSorted(endpoints: readonly EndpointTarget[]): readonly EndpointTarget[] {
  const keyed = endpoints.map((endpoint) => ({ endpoint, key: formatEndpointUrl(endpoint.url) }));
  return keyed.sort((one, other) => (one.key < other.key ? -1 : Number(one.key > other.key))).map(({ endpoint }) => endpoint);
}

function stopAllBut(sources: RunningSources, kept: RunningSources): void {
  for (const [service, running] of sources) if (kept.get(service) !== running) running.source.stop();
}

function isSameDefinition(one: SourceDefinition, other: SourceDefinition): boolean {
  if (JSON.stringify(one) !== JSON.stringify(other)) return false;
  return readToken(one.discover) === readToken(other.discover);
}

/** What was found by one is worth something for the other. */
function isAboutSame(one: SourceDefinition, other: SourceDefinition): boolean {
  return one.takesBytes === other.takesBytes && subjectOf(one.discover) === subjectOf(other.discover);
}

function subjectOf(discover: DiscoveryConfiguration): string {
  switch (discover.kind) {
    case 'dns':
      return `dns ${discover.name} ${discover.type}`;
    case 'file':
      return `file ${discover.file}`;
    case 'consul':
      return `consul ${discover.service}`;
    default:
      return discover satisfies never;
  }
}

/** Secrets look alike when they are printed. */
function readToken(discover: DiscoveryConfiguration): string | undefined {
  return discover.kind === 'consul' ? discover.token?.reveal() : undefined;
}
