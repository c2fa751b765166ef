/** The live traffic of the gateway, read once for all who show it, with as much of the past as the charts need. */
import { useSyncExternalStore } from 'react';
import type { TrafficHistory, TrafficPoint, TrafficReport } from './answers.ts';
import type { ApiProblem } from './ask.ts';
import { EventStream, type StreamState } from './event-stream.ts';

/** Five minutes, one point for each second. */
const POINTS_MAX = 300;
/** One minute of each route and service. */
const NAMED_POINTS_MAX = 60;
/** A page that follows another takes the stream over. */
const LINGER_MS = 2_000;

export interface TrafficView {
  readonly state: StreamState;
  readonly problem: ApiProblem | undefined;
  readonly report: TrafficReport | undefined;
  readonly points: readonly TrafficPoint[];
  /** When the last report came, by the clock of `performance`. */
  readonly receivedMs: number;
  /** Requests per second of the last minute, by the name of the route or service. */
  readonly routeRates: ReadonlyMap<string, readonly number[]>;
  readonly serviceRates: ReadonlyMap<string, readonly number[]>;
}

const nothing: TrafficView = {
  state: 'connecting',
  problem: undefined,
  report: undefined,
  points: [],
  receivedMs: 0,
  routeRates: new Map(),
  serviceRates: new Map(),
};

class TrafficFeed {
  #view = nothing;
  #stream: EventStream | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  get view(): TrafficView {
    return this.#view;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    clearTimeout(this.#lingering);
    this.#stream ??= new EventStream('/api/traffic/stream', {
      onEvent: ({ name, data }) => this.#onEvent(name, data),
      onState: (state, problem) => this.#set({ state, problem }),
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#lingering = setTimeout(() => this.#end(), LINGER_MS);
    };
  };

  /** Another token, or none. */
  restart(): void {
    this.#stream?.stop();
    this.#stream = undefined;
    this.#view = nothing;
  }

  #end(): void {
    if (this.#listeners.size > 0) return;
    this.#stream?.stop();
    this.#stream = undefined;
  }

  #onEvent(name: string, data: string): void {
    const receivedMs = performance.now();
    if (name === 'history') this.#set({ points: (JSON.parse(data) as TrafficHistory).points.slice(-POINTS_MAX), receivedMs });
    if (name !== 'traffic') return;
    const report = JSON.parse(data) as TrafficReport;
    const { points, routeRates, serviceRates } = this.#view;
    const point = report.point ?? { at: report.at, ...report.total };
    const isNew = points.at(-1)?.at !== point.at;
    this.#set({
      report,
      receivedMs,
      points: isNew ? [...points.slice(1 - POINTS_MAX), point] : points,
      routeRates: append(routeRates, report.routes),
      serviceRates: append(serviceRates, report.services),
    });
  }

  #set(change: Partial<TrafficView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** Names that are no longer reported are forgotten, so that there are never more than a report holds. */
function append(
  before: ReadonlyMap<string, readonly number[]>,
  reported: readonly { readonly name: string; readonly requestsPerSecond: number }[],
): Map<string, readonly number[]> {
  return new Map(
    reported.map(({ name, requestsPerSecond }) => [
      name,
      [...(before.get(name) ?? []).slice(1 - NAMED_POINTS_MAX), requestsPerSecond],
    ]),
  );
}

export const trafficFeed = new TrafficFeed();

export function useTraffic(): TrafficView {
  return useSyncExternalStore(trafficFeed.subscribe, () => trafficFeed.view);
}
