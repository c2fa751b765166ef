/** What the admin API shows of traffic: rates and durations of the last minute, and how they have been for five. */
import type { GatewayError } from '#base/errors.ts';

/** Rates are for each second. */
export interface Traffic {
  readonly requestsPerSecond: number;
  /** Answers with a status of 500 or more. */
  readonly errorsPerSecond: number;
  readonly clientErrorsPerSecond: number;
  readonly inFlight: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** Of bodies. */
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
}

export interface NamedTraffic extends Traffic {
  readonly name: string;
}

export interface ServiceTraffic extends NamedTraffic {
  readonly endpoints: number;
  /** Those that are given requests. */
  readonly healthy: number;
  readonly connections: number;
  /** Exchanges that wait for a connection, or for their turn. */
  readonly waiting: number;
  readonly retriesPerSecond: number;
}

export interface ThreadState {
  readonly number: number;
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of its time, from 0 to 1. */
  readonly utilization: number;
  readonly heapBytes: number;
  readonly connections: number;
}

export interface TrafficView {
  readonly at: string;
  /** What rates are of; less than a minute where the gateway has not run for so long. */
  readonly windowSeconds: number;
  readonly total: Traffic;
  /** Those with traffic, the busiest first. */
  readonly routes: readonly NamedTraffic[];
  readonly services: readonly ServiceTraffic[];
  readonly threads: readonly ThreadState[];
  readonly process: { readonly rssBytes: number; readonly cpu: number };
}

export interface TrafficPoint extends Traffic {
  readonly at: string;
}

export interface RouteTraffic {
  readonly points: readonly TrafficPoint[];
  /** How many exchanges ended with each status, since the gateway was started. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface TrafficAdministration {
  show(routesMax: number): TrafficView;
  /** Of the total, oldest first. */
  listPoints(): readonly TrafficPoint[];
  showRoute(route: string): RouteTraffic | GatewayError;
  /** Tells every second from now on that there is something new, until what this returns is called. */
  follow(onSample: () => void): (() => void) | GatewayError;
}
