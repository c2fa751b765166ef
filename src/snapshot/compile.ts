import { RouteTable } from '#routing/route-table.ts';
import type { EndpointLists } from '#services/endpoint-list.ts';
import { Service, type ServiceMeans } from '#services/service.ts';
import type { ServiceDefinition } from '#services/service-definition.ts';
import type { ArrivedConfiguration, SettingsOfConfiguration } from './arrived-configuration.ts';
import { toBalancingDefinition } from './balancing.ts';
import { toProtectionDefinition } from './protection.ts';
import { type PlanMeans, RoutePlanner } from './route-planner.ts';
import { RoutePlans } from './route-plans.ts';
import { toServiceDefinition } from './service-definitions.ts';
import { Snapshot } from './snapshot.ts';
import { TcpDestinations } from './tcp-destinations.ts';

/** What a thread lends to its snapshots. */
export interface SnapshotMeans extends ServiceMeans, PlanMeans {
  /** Contents of the files that services name: certificates, keys, authorities and revocation lists, by path. */
  readonly texts: Readonly<Record<string, string>>;
  readonly endpoints: EndpointLists;
}

const SERVICES_PER_STEP = 25;

/**
 * Makes a snapshot of a validated configuration; nothing can fail any more. What a route does is made when a request first
 * needs it. Services whose definition did not change are taken over from the previous snapshot with their connections.
 * Yields every millisecond or so.
 */
export function* compileSnapshot(
  arrived: ArrivedConfiguration,
  previous: Snapshot | undefined,
  means: SnapshotMeans,
): Generator<undefined, Snapshot, void> {
  const { settings } = arrived;
  const services = yield* compileServices(settings, previous, means);
  return new Snapshot({
    settings,
    services,
    table: new RouteTable(arrived.routeImage),
    plans: new RoutePlans(arrived, new RoutePlanner(settings, services, means)),
    tcpDestinations: new TcpDestinations(settings, services),
  });
}

function* compileServices(
  configuration: Pick<SettingsOfConfiguration, 'services' | 'zone'>,
  previous: Snapshot | undefined,
  means: SnapshotMeans,
): Generator<undefined, Map<string, Service>, void> {
  const services = new Map<string, Service>();
  for (const [name, service] of Object.entries(configuration.services)) {
    const balancing = toBalancingDefinition(service, configuration.zone);
    // Without a list, as where nothing is sent, nobody counts anything.
    const protection = toProtectionDefinition(service, means.endpoints[name]?.slot ?? 0);
    const definition = { ...toServiceDefinition(name, service, means.texts), balancing, protection };
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
