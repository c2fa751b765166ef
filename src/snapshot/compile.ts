import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { ForwardTerminal } from '#forward/forward.ts';
import type { ForwardMeans } from '#forward/forwarding.ts';
import type { DialTls } from '#net/dial.ts';
import { type PlannedPolicy, RoutePlan, type Terminal } from '#pipeline/plan.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { RedirectTerminal } from '#reply/redirect.ts';
import { RespondTerminal } from '#reply/respond.ts';
import type { RouteDefinition } from '#routing/route-definition.ts';
import { compileRouteTable } from '#routing/route-table.ts';
import type { EndpointLists } from '#services/endpoint-list.ts';
import { Service, type ServiceMeans } from '#services/service.ts';
import type { ServiceDefinition } from '#services/service-definition.ts';
import { toForwardDestination } from './forward-destination.ts';
import { findPolicyBlock } from './policy-block.ts';
import { PlannedRoute, Snapshot } from './snapshot.ts';
import { TcpDestinations } from './tcp-destinations.ts';

/** What a thread lends to its snapshots. */
export interface SnapshotMeans extends ServiceMeans, Omit<ForwardMeans, 'services'>, PolicyServices {
  /** In execution order. */
  readonly policies: readonly PolicyDefinition[];
  /** Contents of the files that services name: certificates, keys, authorities and revocation lists, by path. */
  readonly texts: Readonly<Record<string, string>>;
  readonly endpoints: EndpointLists;
}

const ROUTES_PER_STEP = 25;
const SERVICES_PER_STEP = 25;

/**
 * Compiles a validated configuration; nothing can fail any more. Services whose definition did not change are taken over
 * from the previous snapshot with their connections. Yields every millisecond or so.
 */
export function* compileSnapshot(
  configuration: Configuration,
  previous: Snapshot | undefined,
  means: SnapshotMeans,
): Generator<undefined, Snapshot, void> {
  const services = yield* compileServices(configuration, previous, means);
  const planner = new RoutePlanner(configuration, services, means);
  const routes: RouteDefinition<PlannedRoute>[] = [];
  for (const [name, route] of Object.entries(configuration.routes)) {
    routes.push({ name, matches: route.matches, priority: route.priority, value: planner.plan(name, route) });
    if (routes.length % ROUTES_PER_STEP === 0) yield;
  }
  const { table } = yield* compileRouteTable(routes);
  const { routes: _, ...settings } = configuration;
  return new Snapshot(settings, table, { services, tcpDestinations: new TcpDestinations(configuration, services) });
}

function* compileServices(
  configuration: Configuration,
  previous: Snapshot | undefined,
  means: SnapshotMeans,
): Generator<undefined, Map<string, Service>, void> {
  const services = new Map<string, Service>();
  for (const [name, service] of Object.entries(configuration.services)) {
    const definition = toServiceDefinition(name, service, means.texts);
    const before = previous?.services.get(name);
    const isSame = before !== undefined && JSON.stringify(before.definition) === JSON.stringify(definition);
    services.set(name, isSame ? before : createService(definition, means));
    if (services.size % SERVICES_PER_STEP === 0) yield;
  }
  return services;
}

/** With its endpoints, so that a certificate which cannot be used shows before anything has changed. */
function createService(definition: ServiceDefinition, means: SnapshotMeans): Service {
  const service = new Service(definition, means);
  const list = means.endpoints[definition.name];
  if (list !== undefined) service.setEndpoints(list);
  return service;
}

function toServiceDefinition(
  name: string,
  service: ServiceConfiguration,
  texts: Readonly<Record<string, string>>,
): ServiceDefinition {
  const { timeouts, pool, protocol, proxyProtocol } = service;
  return {
    name,
    protocol,
    tls: toDialTls(service, texts),
    proxyProtocol,
    timeouts: { connectMs: timeouts.connect, firstByteMs: timeouts.firstByte, idleMs: timeouts.idle },
    pool: { connectionsMax: pool.connections, queueMax: pool.queue, queueTimeoutMs: pool.queueTimeout, idleMs: pool.idle },
    host: service.host,
  };
}

function toDialTls({ tls }: ServiceConfiguration, texts: Readonly<Record<string, string>>): DialTls {
  const certificate = tls?.certificate;
  return {
    serverName: tls?.serverName,
    ca: tls?.ca === undefined ? undefined : texts[tls.ca],
    crl: tls?.crl === undefined ? undefined : texts[tls.crl],
    certificate: certificate === undefined ? undefined : { cert: texts[certificate.cert]!, key: texts[certificate.key]! },
    isVerified: tls?.verify === undefined,
    protocols: tls?.alpn ?? [],
  };
}

/** Makes the plans of routes. A policy block that several routes inherit becomes one policy that they share. */
class RoutePlanner {
  readonly #configuration: Configuration;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #means: SnapshotMeans;
  readonly #forwardMeans: ForwardMeans;
  readonly #made = new Map<PolicyDefinition, Map<unknown, PolicyPhases>>();
  readonly #listenersWithPolicies: readonly string[];

  constructor(configuration: Configuration, services: ReadonlyMap<string, Service>, means: SnapshotMeans) {
    this.#configuration = configuration;
    this.#services = services;
    this.#means = means;
    this.#forwardMeans = { clock: means.clock, wheel: means.wheel, mirrors: means.mirrors, services };
    this.#listenersWithPolicies = Object.entries(configuration.listeners)
      .filter(([, listener]) => listener.policies !== undefined && Object.keys(listener.policies).length > 0)
      .map(([name]) => name);
  }

  plan(name: string, route: RouteConfiguration): PlannedRoute {
    const terminal = this.#toTerminal(route);
    const common = new RoutePlan(name, this.#collectPolicies(undefined, route), terminal);
    if (this.#listenersWithPolicies.length === 0) return new PlannedRoute(common, undefined);
    const byListener = this.#listenersWithPolicies.map((listener): [string, RoutePlan] => [
      listener,
      new RoutePlan(name, this.#collectPolicies(listener, route), terminal),
    ]);
    return new PlannedRoute(common, new Map(byListener));
  }

  #collectPolicies(listener: string | undefined, route: RouteConfiguration): PlannedPolicy[] {
    const planned: PlannedPolicy[] = [];
    for (const policy of this.#means.policies) {
      const block = findPolicyBlock(policy.name, { configuration: this.#configuration, listener, route });
      if (block !== undefined) planned.push({ name: policy.name, phases: this.#make(policy, block) });
    }
    return planned;
  }

  #make(policy: PolicyDefinition, block: unknown): PolicyPhases {
    const made = this.#made.get(policy) ?? new Map<unknown, PolicyPhases>();
    this.#made.set(policy, made);
    const phases = made.get(block) ?? policy.create(block, this.#means);
    made.set(block, phases);
    return phases;
  }

  #toTerminal({ to }: RouteConfiguration): Terminal {
    switch (to.kind) {
      case 'respond':
        return new RespondTerminal(to);
      case 'redirect':
        return new RedirectTerminal(to);
      case 'service':
        return new ForwardTerminal(toForwardDestination(to, this.#services), this.#forwardMeans);
      default:
        return to satisfies never;
    }
  }
}
