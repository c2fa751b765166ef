import type { TimerWheel } from '#base/timer-wheel.ts';
import type { UpstreamConnectionServices } from '#http/http1-upstream-connection.ts';
import { Http1UpstreamPool } from '#http/http1-upstream-pool.ts';
import { Http2UpstreamPool } from '#http/http2-upstream-pool.ts';
import { ProxiedUpstreamPool } from '#http/proxied-upstream-pool.ts';
import type { UpstreamTimeouts } from '#http/upstream-call.ts';
import type { PoolSettings, UpstreamPool } from '#http/upstream-pool.ts';
import type { SocketAddress } from '#net/address.ts';
import { createDialer, type Dialer, type DialTls } from '#net/dial.ts';
import type { NameResolver } from '#net/name-resolver.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { WeightedRotation } from './weighted-rotation.ts';

export interface EndpointDefinition {
  /** As the user wrote it; names the endpoint in logs. */
  readonly url: string;
  readonly address: SocketAddress;
  readonly tls: DialTls | undefined;
  readonly weight: number;
}

export interface ServiceDefinition {
  readonly name: string;
  readonly endpoints: readonly EndpointDefinition[];
  readonly protocol: 'http1' | 'http2';
  /** Each connection begins with a PROXY header of this version, so that it carries one client. */
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  readonly timeouts: UpstreamTimeouts;
  readonly pool: PoolSettings & { readonly idleMs: number };
  /** Which host name the upstream sees: the client's, the endpoint's, or a fixed one. */
  readonly host: 'client' | 'endpoint' | { readonly name: string };
}

/** What a thread lends to its services. */
export interface ServiceMeans {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly resolver: NameResolver;
}

/** One address of a service, with this thread's connections to it. */
export class Endpoint {
  readonly definition: EndpointDefinition;
  readonly weight: number;
  readonly pool: UpstreamPool;
  /** For whoever speaks something else than HTTP with the endpoint. */
  readonly dialer: Dialer;
  /** `host:port`, for the Host field. */
  readonly authority: string;

  constructor(definition: EndpointDefinition, service: ServiceDefinition, means: ServiceMeans) {
    const { address, tls } = definition;
    this.definition = definition;
    this.weight = definition.weight;
    this.authority = 'path' in address ? 'localhost' : toAuthority(address, tls !== undefined);
    const services: UpstreamConnectionServices = { ...means, timeouts: service.timeouts, idleMs: service.pool.idleMs };
    this.dialer = createDialer({ address, tls, resolver: means.resolver });
    this.pool = createPool(service, services, this.dialer);
  }
}

function createPool(
  { protocol, proxyProtocol, pool }: ServiceDefinition,
  services: UpstreamConnectionServices,
  dialer: Dialer,
): UpstreamPool {
  if (protocol === 'http2') return new Http2UpstreamPool(pool, services, dialer.connect);
  if (proxyProtocol === undefined) return new Http1UpstreamPool(pool, services, dialer.makeSocket);
  return new ProxiedUpstreamPool(pool, services, { version: proxyProtocol, makeSocketAfter: dialer.makeSocketAfter });
}

function toAuthority(address: { host: string; port: number }, isSecure: boolean): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return address.port === (isSecure ? 443 : 80) ? host : `${host}:${address.port}`;
}

/** A named upstream on one thread. It outlives snapshots for as long as its definition stays the same. */
export class Service {
  readonly definition: ServiceDefinition;
  readonly endpoints: readonly Endpoint[];
  readonly #rotation: WeightedRotation<Endpoint>;

  constructor(definition: ServiceDefinition, means: ServiceMeans) {
    this.definition = definition;
    this.endpoints = definition.endpoints.map((endpoint) => new Endpoint(endpoint, definition, means));
    this.#rotation = new WeightedRotation(this.endpoints);
  }

  pick(): Endpoint {
    return this.#rotation.next();
  }

  /** The host name that an attempt at this endpoint carries. */
  authorityFor(endpoint: Endpoint, clientAuthority: string): string {
    const { host } = this.definition;
    if (host === 'client') return clientAuthority === '' ? endpoint.authority : clientAuthority;
    return host === 'endpoint' ? endpoint.authority : host.name;
  }

  /** Lets running exchanges end and closes what is unused. */
  close(): void {
    for (const endpoint of this.endpoints) endpoint.pool.close();
  }
}
