/** Services as one thread has them, with an endpoint board and a clock of their own. They open no connection unless asked to. */
import { silentLogger } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { FrameMemory } from '#http/frame-memory.ts';
import { TurnEnd } from '#http/turn-end.ts';
import { NameResolver } from '#net/name-resolver.ts';
import { ReadBuffers } from '#net/read-buffers.ts';
import { type EndpointUrl, readEndpointUrl } from '#schema/endpoint-url.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import type { EndpointRecord } from '#services/endpoint-list.ts';
import { Service, type ServiceMeans } from '#services/service.ts';
import type { ServiceDefinition } from '#services/service-definition.ts';
import { FakeClock } from './fake-clock.ts';

export interface TestServiceMeans extends ServiceMeans {
  readonly clock: FakeClock;
}

/** The service's own record on the board; those of its endpoints begin with 1. */
export const SERVICE_SLOT = 100;

export function createServiceMeans(): TestServiceMeans {
  const clock = new FakeClock();
  return {
    clock,
    board: new EndpointBoard(),
    logger: silentLogger,
    wheel: new TimerWheel(clock),
    buffers: new ReadBuffers(),
    frames: new FrameMemory(),
    turnEnd: new TurnEnd(),
    resolver: new NameResolver({ servers: [], ttlMinMs: 1_000, ttlMaxMs: 1_000 }, clock),
  };
}

export function createServiceDefinition(parts: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return {
    name: 'orders',
    protocol: 'http1',
    tls: { serverName: undefined, ca: undefined, crl: undefined, certificate: undefined, isVerified: true, protocols: [] },
    proxyProtocol: undefined,
    connectLimit: { ms: 1_000, setting: 'services.orders.timeouts.connect' },
    pool: { connectionsMax: 10, queueMax: 10, queueTimeoutMs: 1_000, idleMs: 1_000 },
    balancing: { balance: { kind: 'round-robin' }, slowStartMs: undefined, zone: undefined, affinity: undefined },
    host: 'client',
    outliers: undefined,
    protection: undefined,
    ...parts,
  };
}

/** Endpoints by their URLs, each with the record of its position; a number in front of a URL is its weight: `3 http://a`. */
export function toRecords(...written: readonly string[]): EndpointRecord[] {
  return written.map((text, index) => {
    const [url, weight] = text.split(' ').toReversed();
    return { url: toUrl(url!), weight: Number(weight ?? 1), priority: 0, zone: undefined, slot: index + 1 };
  });
}

function toUrl(text: string): EndpointUrl {
  const reading = readEndpointUrl(text);
  if ('problem' in reading) throw new Error(reading.problem);
  return reading.value;
}

export function createTestService(
  written: readonly string[],
  parts: Partial<ServiceDefinition> = {},
  means: ServiceMeans = createServiceMeans(),
): Service {
  const service = new Service(createServiceDefinition(parts), means);
  service.setEndpoints({ version: 1, records: toRecords(...written), slot: SERVICE_SLOT });
  return service;
}

/** Somebody about whom nothing is known but the address. */
export const anyone: PickSubject = { clientAddress: '192.0.2.7', exchange: undefined };
