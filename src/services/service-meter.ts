/**
 * Counts the attempts of one thread at a service: how they ended at each endpoint, and how long their answers took. An endpoint that
 * leaves gives its place to others, so that endpoints which come and go all day do not fill the memory.
 */
import { BUCKET_COUNT, toBucket } from '#base/duration-buckets.ts';
import { limits } from '#base/limits.ts';
import type { SeriesFamily, ThreadMeter } from '#base/meter.ts';
import type { AttemptObserver, AttemptOutcome } from './attempt-outcome.ts';
import type { Endpoint } from './endpoint.ts';

export const ServiceCell = {
  /** Of attempts until the head of their answer. */
  seconds: 0,
  buckets: 1,
  /** Attempts over a connection that others had used before, and over one of their own. */
  reusedConnections: 1 + BUCKET_COUNT,
  newConnections: 2 + BUCKET_COUNT,
  running: 3 + BUCKET_COUNT,
  connections: 4 + BUCKET_COUNT,
  waiting: 5 + BUCKET_COUNT,
} as const;

export const serviceFamily: SeriesFamily = {
  name: 'service',
  labels: ['service'],
  cellCount: 6 + BUCKET_COUNT,
  gaugesFrom: ServiceCell.running,
  seriesMax: limits.metricServicesMax,
};

/** Places of how attempts have ended: answered, by the first digit of their status, from 1 to 5; and in other ways. */
export const EndpointCell = {
  /** There was a connection, whose bytes are passed on. */
  connected: 0,
  failed: 6,
  cancelled: 7,
  running: 8,
  connections: 9,
} as const;
export const endpointOutcomes = ['connected', '1xx', '2xx', '3xx', '4xx', '5xx', 'failed', 'cancelled'] as const;

export const endpointFamily: SeriesFamily = {
  name: 'endpoint',
  labels: ['service', 'endpoint'],
  cellCount: 10,
  gaugesFrom: EndpointCell.running,
  seriesMax: limits.metricEndpointsMax,
};

/** Of an endpoint that has left: what still ends there is not told. */
const GONE = -1;

export class ServiceMeter implements AttemptObserver {
  readonly #service: string;
  readonly #meter: ThreadMeter;
  readonly #cells: Float64Array;
  /** `undefined`: nothing has been asked of it yet. */
  #at: number | undefined = undefined;

  constructor(service: string, meter: ThreadMeter) {
    this.#service = service;
    this.#meter = meter;
    this.#cells = meter.cells;
  }

  onAttemptEnded({ endpoint, startedMs, headMs, status, error, isCancelled, hadConnection }: AttemptOutcome): void {
    const cells = this.#cells;
    const at = this.#place();
    if (hadConnection !== undefined)
      cells[at + (hadConnection === 'used' ? ServiceCell.reusedConnections : ServiceCell.newConnections)]! += 1;
    if (headMs > 0) {
      const durationMs = headMs - startedMs;
      cells[at + ServiceCell.seconds]! += durationMs / 1_000;
      cells[at + ServiceCell.buckets + toBucket(durationMs)]! += 1;
    }
    const endpointAt = this.#placeOf(endpoint);
    if (endpointAt !== GONE) cells[endpointAt + toCell(status, error !== undefined, isCancelled)]! += 1;
  }

  /** Notes what is there at the moment. */
  look(endpoints: readonly Endpoint[], waitingElsewhere: number): void {
    let running = 0;
    let connections = 0;
    let waiting = waitingElsewhere;
    const cells = this.#cells;
    for (const endpoint of endpoints) {
      const { active, pool, meterAt } = endpoint;
      running += active;
      connections += pool.connectionCount;
      waiting += pool.waitingCount;
      if (meterAt === undefined || meterAt === GONE) continue;
      cells[meterAt + EndpointCell.running] = active;
      cells[meterAt + EndpointCell.connections] = pool.connectionCount;
    }
    // A service that nobody has asked has nothing to say.
    if (this.#at === undefined && running + connections + waiting === 0) return;
    const at = this.#place();
    cells[at + ServiceCell.running] = running;
    cells[at + ServiceCell.connections] = connections;
    cells[at + ServiceCell.waiting] = waiting;
  }

  /** The endpoint may have been one of a service that this one follows: what was counted there goes on. */
  adopt(endpoint: Endpoint): void {
    endpoint.meterAt ??= this.#meter.takeKnown(endpointFamily, [this.#service, endpoint.url]);
  }

  /** The endpoint has left. */
  forget(endpoint: Endpoint): void {
    const { meterAt } = endpoint;
    endpoint.meterAt = GONE;
    if (meterAt === undefined || meterAt === GONE) return;
    this.#meter.cells.fill(0, meterAt + EndpointCell.running, meterAt + endpointFamily.cellCount);
    this.#meter.release(endpointFamily, [this.#service, endpoint.url]);
  }

  #place(): number {
    this.#at ??= this.#meter.take(serviceFamily, [this.#service]);
    return this.#at;
  }

  #placeOf(endpoint: Endpoint): number {
    endpoint.meterAt ??= this.#meter.take(endpointFamily, [this.#service, endpoint.url]);
    return endpoint.meterAt;
  }
}

function toCell(status: number, hasFailed: boolean, isCancelled: boolean): number {
  if (isCancelled) return EndpointCell.cancelled;
  if (hasFailed) return EndpointCell.failed;
  return status < 100 || status > 599 ? EndpointCell.connected : Math.trunc(status / 100);
}
