/** One address of a service on one thread, with this thread's connections to it. */
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { FrameMemory } from '#http/frame-memory.ts';
import type { UpstreamConnectionServices } from '#http/http1-upstream-connection.ts';
import { Http1UpstreamPool } from '#http/http1-upstream-pool.ts';
import { Http2UpstreamPool } from '#http/http2-upstream-pool.ts';
import { ProxiedUpstreamPool } from '#http/proxied-upstream-pool.ts';
import { StubbedUpstreamPool, type UpstreamStub } from '#http/stubbed-upstream.ts';
import type { TurnEnd } from '#http/turn-end.ts';
import type { UpstreamPool } from '#http/upstream-pool.ts';
import type { SocketAddress } from '#net/address.ts';
import { createDialer, type Dialer, type DialTls } from '#net/dial.ts';
import type { NameResolver } from '#net/name-resolver.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import type { EndpointScheme, EndpointUrl } from '#schema/endpoint-url.ts';
import type { Member } from './balancing/member.ts';
import type { ServiceLoad } from './balancing/service-load.ts';
import { type EndpointRecord, formatEndpointUrl } from './endpoint-list.ts';
import type { ServiceDefinition } from './service-definition.ts';

/** What a thread lends to its endpoints. */
export interface EndpointMeans {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly frames: FrameMemory;
  readonly turnEnd: TurnEnd;
  readonly resolver: NameResolver;
  /** Answers in the place of all endpoints; nothing is opened then. */
  readonly upstreamStub?: UpstreamStub | undefined;
}

export class Endpoint implements Member {
  /** As a user would write it; names the endpoint in logs. */
  readonly url: string;
  /** Where it stands on the endpoint board. */
  readonly slot: number;
  weight: number;
  priority: number;
  zone: string | undefined;
  /** What its weight is worth now: see `AvailableEndpoints`, which alone changes this and the next one. */
  share: number;
  /** Monotonic; `undefined`: it may not be given exchanges. */
  availableSinceMs: number | undefined = undefined;
  /** Attempts that run here, of this thread. */
  active = 0;
  /** Where its attempts are counted: see `ServiceMeter`, which alone changes this. */
  meterAt: number | undefined = undefined;
  readonly pool: UpstreamPool;
  /** For whoever speaks something else than HTTP with the endpoint. */
  readonly dialer: Dialer;
  /** `host:port`, for the Host field. */
  readonly authority: string;
  readonly #load: ServiceLoad;

  constructor(record: EndpointRecord, service: ServiceDefinition, means: EndpointMeans & { readonly load: ServiceLoad }) {
    const { url, slot, weight, priority, zone } = record;
    this.url = formatEndpointUrl(url);
    this.slot = slot;
    this.weight = weight;
    this.priority = priority;
    this.zone = zone;
    this.share = weight;
    this.#load = means.load;
    this.authority = toAuthority(url);
    this.dialer = createDialer({ address: toAddress(url), tls: toDialTls(url.scheme, service), resolver: means.resolver });
    const { upstreamStub } = means;
    this.pool =
      upstreamStub === undefined
        ? createPool(service, { ...means, connectLimit: service.connectLimit, idleMs: service.pool.idleMs }, this.dialer)
        : new StubbedUpstreamPool({ service: service.name, endpoint: this.url }, upstreamStub);
  }

  /** What may change while connections stay. */
  update({ weight, priority, zone }: EndpointRecord): void {
    this.weight = weight;
    this.priority = priority;
    this.zone = zone;
  }

  /** An attempt runs here until `leave`. */
  enter(): void {
    this.active += 1;
    this.#load.active += 1;
  }

  leave(): void {
    this.active -= 1;
    this.#load.active -= 1;
  }

  /** Lets running exchanges end and closes what is unused. */
  close(): void {
    this.pool.close();
  }
}

function createPool(
  { protocol, proxyProtocol, pool }: ServiceDefinition,
  services: UpstreamConnectionServices & Pick<EndpointMeans, 'frames' | 'turnEnd'>,
  dialer: Dialer,
): UpstreamPool {
  if (protocol === 'http2') return new Http2UpstreamPool(pool, services, dialer.makeSocket);
  if (proxyProtocol === undefined) return new Http1UpstreamPool(pool, services, dialer.makeSocket);
  return new ProxiedUpstreamPool(pool, services, { version: proxyProtocol, makeSocketAfter: dialer.makeSocketAfter });
}

/** For `https`, the version of HTTP decides what is offered in the handshake. */
function toDialTls(scheme: EndpointScheme, { tls, protocol }: ServiceDefinition): DialTls | undefined {
  if (scheme === 'http' || scheme === 'tcp') return undefined;
  return scheme === 'tls' ? tls : { ...tls, protocols: [protocol === 'http2' ? 'h2' : 'http/1.1'] };
}

export function toAddress({ host, port, path }: EndpointUrl): SocketAddress {
  return path === undefined ? { host, port } : { path };
}

export function toAuthority({ scheme, host, port, path }: EndpointUrl): string {
  if (path !== undefined) return 'localhost';
  const name = host.includes(':') ? `[${host}]` : host;
  const isSecure = scheme === 'https' || scheme === 'tls';
  return port === (isSecure ? 443 : 80) ? name : `${name}:${port}`;
}
