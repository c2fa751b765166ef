import type { ServiceConfiguration } from '#config/configuration.ts';
import type { DialTls } from '#net/dial.ts';
import { RouteTable } from '#routing/route-table.ts';
import type { EndpointScheme } from '#schema/endpoint-url.ts';
import { type EndpointDefinition, Service, type ServiceDefinition, type ServiceMeans } from '#services/service.ts';
import type { ArrivedConfiguration, SettingsOfConfiguration } from './arrived-configuration.ts';
import { type PlanMeans, RoutePlanner } from './route-planner.ts';
import { RoutePlans } from './route-plans.ts';
import { Snapshot } from './snapshot.ts';
import { TcpDestinations } from './tcp-destinations.ts';

/** What a thread lends to its snapshots. */
export interface SnapshotMeans extends ServiceMeans, PlanMeans {
  /** Contents of the files that services name: certificates, keys, authorities and revocation lists, by path. */
  readonly texts: Readonly<Record<string, string>>;
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
  configuration: Pick<SettingsOfConfiguration, 'services'>,
  previous: Snapshot | undefined,
  means: SnapshotMeans,
): Generator<undefined, Map<string, Service>, void> {
  const services = new Map<string, Service>();
  for (const [name, service] of Object.entries(configuration.services)) {
    const definition = toServiceDefinition(name, service, means.texts);
    const before = previous?.services.get(name);
    const isSame = before !== undefined && JSON.stringify(before.definition) === JSON.stringify(definition);
    services.set(name, isSame ? before : new Service(definition, means));
    if (services.size % SERVICES_PER_STEP === 0) yield;
  }
  return services;
}

function toServiceDefinition(
  name: string,
  service: ServiceConfiguration,
  texts: Readonly<Record<string, string>>,
): ServiceDefinition {
  const { timeouts, pool, protocol, proxyProtocol } = service;
  const endpoints = service.endpoints.map(({ url, weight }): EndpointDefinition => {
    const host = url.host.includes(':') ? `[${url.host}]` : url.host;
    return {
      url: url.path === undefined ? `${url.scheme}://${host}:${url.port}` : `${url.scheme}+unix://${url.path}`,
      address: url.path === undefined ? { host: url.host, port: url.port } : { path: url.path },
      tls: toDialTls(service, url.scheme, texts),
      weight,
    };
  });
  return {
    name,
    endpoints,
    protocol,
    proxyProtocol,
    timeouts: { connectMs: timeouts.connect, firstByteMs: timeouts.firstByte, idleMs: timeouts.idle },
    pool: { connectionsMax: pool.connections, queueMax: pool.queue, queueTimeoutMs: pool.queueTimeout, idleMs: pool.idle },
    host: service.host,
  };
}

function toDialTls(
  { tls, protocol }: ServiceConfiguration,
  scheme: EndpointScheme,
  texts: Readonly<Record<string, string>>,
): DialTls | undefined {
  if (scheme === 'http' || scheme === 'tcp') return undefined;
  const certificate = tls?.certificate;
  return {
    serverName: tls?.serverName,
    ca: tls?.ca === undefined ? undefined : texts[tls.ca],
    crl: tls?.crl === undefined ? undefined : texts[tls.crl],
    certificate: certificate === undefined ? undefined : { cert: texts[certificate.cert]!, key: texts[certificate.key]! },
    isVerified: tls?.verify === undefined,
    protocols: scheme === 'tls' ? (tls?.alpn ?? []) : [protocol === 'http2' ? 'h2' : 'http/1.1'],
  };
}
