/**
 * Traffic as the control thread sees it: every second it reads what threads have counted in their memory, which costs them nothing,
 * and keeps what has changed. Runs only while there is an admin address.
 */
import { adminErrors } from '#admin/admin-errors.ts';
import type { ConfigurationTraffic } from '#admin/configuration-administration.ts';
import type {
  NamedTraffic,
  RouteTraffic,
  ServiceTraffic,
  ThreadState,
  TrafficAdministration,
  TrafficPoint,
  TrafficView,
} from '#admin/traffic-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { OTHER_LABEL, type SeriesFamily } from '#base/meter.ts';
import { runAtOnce, runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { EndpointHealth, ServiceHealth } from '#services/health/service-health.ts';
import { ServiceCell, serviceFamily } from '#services/service-meter.ts';
import { inFlightFamily, RouteCell, requestFamily, routeFamily, STATUS_CLASS_COUNT } from './request-meter.ts';
import { ThreadCell, threadFamily } from './thread-gauges.ts';
import type { ThreadMeters, ThreadSeries } from './thread-meters.ts';
import {
  HISTORY_STEPS,
  quiet,
  TrafficHistory,
  type TrafficSteps,
  toConfigurationTraffic,
  toTraffic,
  windowMs,
} from './traffic-history.ts';

const SAMPLE_EVERY_MS = 1_000;
const SLICE_MS = 1;
const SERIES_PER_STEP = 50;
const STEP_MS = 5_000;
/** Points of the total, one for each second. */
const POINTS_MAX = 300;
/** Consoles and programs that are told of every second. */
const FOLLOWERS_MAX = 32;

export interface TrafficSideOptions {
  readonly clock: Clock;
  /** The present ones: threads may have been made anew. */
  findMeters(): ThreadMeters;
  findConfiguration(): Configuration | undefined;
  describeHealth(): ServiceHealth[];
}

interface ProcessTime {
  readonly atMs: number;
  readonly cpuMicros: number;
}

export class TrafficSide implements TrafficAdministration {
  readonly #options: TrafficSideOptions;
  readonly #followers = new Set<() => void>();
  readonly #steps: TrafficSteps = { present: 0, over: [] };
  #total = new TrafficHistory(this.#steps);
  readonly #routes = new Map<string, TrafficHistory>();
  readonly #services = new Map<string, TrafficHistory>();
  /** The numbers of each series when it was read last. */
  #before = new WeakMap<ThreadSeries, Float64Array>();
  readonly #points: TrafficPoint[] = [];
  /** What all have done since the last point. */
  readonly #second = new Float64Array(routeFamily.cellCount);
  /** What all have done since the present configuration was applied. */
  readonly #present = new Float64Array(routeFamily.cellCount);
  /** What was read of one series last. */
  readonly #difference = new Float64Array(routeFamily.cellCount);
  #isSampling = false;
  #timer: NodeJS.Timeout | undefined;
  #sampledMs = 0;
  #stepBeganMs = 0;
  #processTime: ProcessTime = { atMs: 0, cpuMicros: 0 };
  #cpu = 0;

  constructor(options: TrafficSideOptions) {
    this.#options = options;
  }

  follow(onSample: () => void): (() => void) | GatewayError {
    if (this.#followers.size >= FOLLOWERS_MAX) return adminErrors.tooManyStreams();
    this.#followers.add(onSample);
    return () => this.#followers.delete(onSample);
  }

  /** Samples while there is an admin address. */
  followConfiguration({ admin }: Configuration): void {
    if (admin === undefined) this.stop();
    else this.#begin();
  }

  #begin(): void {
    if (this.#timer !== undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#sampledMs = nowMs;
    this.#stepBeganMs = nowMs;
    this.#processTime = this.#readProcessTime();
    // What was counted before belongs to no time that is known.
    runAtOnce(this.#options.findMeters().read());
    for (const series of this.#listAll(routeFamily)) this.#readDifference(series);
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#followers.clear();
    this.#routes.clear();
    this.#services.clear();
    this.#points.length = 0;
    this.#steps.over.length = 0;
    this.#total = new TrafficHistory(this.#steps);
    this.#before = new WeakMap();
    this.#present.fill(0);
  }

  /** Since the present configuration was applied, as of the last second. `undefined`: nobody counts. */
  get counted(): ConfigurationTraffic | undefined {
    return this.#timer === undefined ? undefined : toConfigurationTraffic(this.#present);
  }

  /** The same as of now. What comes belongs to another configuration. */
  takeCounted(): ConfigurationTraffic | undefined {
    if (this.#timer !== undefined) {
      runAtOnce(this.#options.findMeters().read());
      runAtOnce(this.#readAll());
    }
    const { counted } = this;
    this.#present.fill(0);
    return counted;
  }

  /** Reads what has been counted since the last time; in slices, because this thread may serve besides. */
  async #sample(): Promise<void> {
    if (this.#isSampling) return;
    this.#isSampling = true;
    try {
      await runInSlices(this.#sampleInSteps(), this.#options.clock, SLICE_MS);
    } finally {
      this.#isSampling = false;
    }
    for (const onSample of [...this.#followers]) onSample();
  }

  *#sampleInSteps(): Generator<undefined, void, void> {
    const nowMs = this.#options.clock.monotonicMs();
    const elapsedMs = nowMs - this.#sampledMs;
    this.#sampledMs = nowMs;
    yield* this.#options.findMeters().read();
    yield* this.#readAll();
    this.#notePoint(elapsedMs);
    this.#noteProcess();
    if (nowMs - this.#stepBeganMs >= STEP_MS) yield* this.#turn(nowMs);
  }

  show(routesMax: number): TrafficView {
    const { clock } = this.#options;
    const durationMs = windowMs(this.#steps, this.#sampledMs - this.#stepBeganMs);
    const { byRoute, total } = this.#countInFlight();
    const busiest = [...this.#routes]
      .map(([name, history]) => ({ name, history, count: history.requestCount }))
      .sort((one, other) => other.count - one.count || one.name.localeCompare(other.name))
      .slice(0, routesMax);
    const routes = busiest.map(
      ({ name, history }): NamedTraffic => ({ name, ...history.describe(durationMs, byRoute.get(name) ?? 0) }),
    );
    return {
      at: new Date(clock.wallMs()).toISOString(),
      windowSeconds: Math.round(durationMs / 1_000),
      total: this.#total.describe(durationMs, total),
      routes,
      services: this.#describeServices(durationMs),
      threads: this.#describeThreads(),
      process: { rssBytes: process.memoryUsage.rss(), cpu: this.#cpu },
    };
  }

  listPoints(): readonly TrafficPoint[] {
    return this.#points;
  }

  showRoute(route: string): RouteTraffic | GatewayError {
    const history = this.#routes.get(route);
    if (history === undefined && this.#options.findConfiguration()?.routes[route] === undefined) return adminErrors.noRoute();
    const points = history?.points;
    return {
      points: this.#steps.over.map(({ step, endedAtMs }) => ({
        at: new Date(endedAtMs).toISOString(),
        ...(points?.get(step) ?? quiet),
      })),
      statuses: this.#countStatuses(route),
    };
  }

  // Inside: what has changed

  *#readAll(): Generator<undefined, void, void> {
    for (const [i, series] of this.#listAll(routeFamily).entries()) {
      if (i % SERIES_PER_STEP === 0) yield;
      if (!this.#readDifference(series)) continue;
      const difference = this.#difference;
      const [, route = '', service = ''] = series.labels;
      if (route !== '') this.#historyOf(this.#routes, route).add(difference);
      if (service !== '') this.#historyOf(this.#services, service).add(difference);
      this.#total.add(difference);
      for (let cell = 0; cell < difference.length; cell++) {
        this.#second[cell]! += difference[cell]!;
        this.#present[cell]! += difference[cell]!;
      }
    }
  }

  /** Puts what has been counted since the last time into the scratch array; false: nothing has. */
  #readDifference(series: ThreadSeries): boolean {
    const { cells, at } = series;
    let before = this.#before.get(series);
    if (before === undefined) {
      before = new Float64Array(routeFamily.cellCount);
      this.#before.set(series, before);
    }
    if (!hasNews(cells, at, before)) return false;
    const difference = this.#difference;
    for (let i = 0; i < difference.length; i++) {
      const value = cells[at + i]!;
      difference[i] = value - before[i]!;
      before[i] = value;
    }
    return true;
  }

  #historyOf(histories: Map<string, TrafficHistory>, name: string): TrafficHistory {
    const present = histories.get(name);
    if (present !== undefined) return present;
    if (histories.size >= limits.metricRoutesMax && name !== OTHER_LABEL) return this.#historyOf(histories, OTHER_LABEL);
    const made = new TrafficHistory(this.#steps);
    histories.set(name, made);
    return made;
  }

  // Inside: time

  #notePoint(elapsedMs: number): void {
    const at = new Date(this.#options.clock.wallMs()).toISOString();
    this.#points.push({ at, ...toTraffic(this.#second, elapsedMs, this.#countInFlight().total) });
    if (this.#points.length > POINTS_MAX) this.#points.shift();
    this.#second.fill(0);
  }

  #noteProcess(): void {
    const before = this.#processTime;
    this.#processTime = this.#readProcessTime();
    const elapsedMs = this.#processTime.atMs - before.atMs;
    if (elapsedMs > 0) this.#cpu = Math.round((this.#processTime.cpuMicros - before.cpuMicros) / elapsedMs) / 1_000;
  }

  /** Of the system, also where a test moves the clock. */
  #readProcessTime(): ProcessTime {
    const { user, system } = process.cpuUsage();
    return { atMs: this.#options.clock.monotonicMs(), cpuMicros: user + system };
  }

  *#turn(nowMs: number): Generator<undefined, void, void> {
    const { clock } = this.#options;
    const durationMs = nowMs - this.#stepBeganMs;
    const { byRoute, total } = this.#countInFlight();
    this.#total.turn(durationMs, total);
    for (const histories of [this.#routes, this.#services]) {
      for (const [name, history] of histories) {
        history.turn(durationMs, histories === this.#routes ? (byRoute.get(name) ?? 0) : 0);
        if (history.isForgotten) histories.delete(name);
        yield;
      }
    }
    this.#steps.over.push({ step: this.#steps.present, durationMs, endedAtMs: clock.wallMs() });
    if (this.#steps.over.length > HISTORY_STEPS) this.#steps.over.shift();
    this.#steps.present += 1;
    this.#stepBeganMs = nowMs;
  }

  // Inside: what is of the moment

  #countInFlight(): InFlight {
    const byRoute = new Map<string, number>();
    let total = 0;
    for (const { cells, at, labels } of this.#listAll(inFlightFamily)) {
      const count = cells[at]!;
      const [, route = ''] = labels;
      total += count;
      byRoute.set(route, (byRoute.get(route) ?? 0) + count);
    }
    return { byRoute, total };
  }

  #describeServices(durationMs: number): ServiceTraffic[] {
    const loads = this.#sumLoads();
    return this.#options.describeHealth().map(({ service, endpoints }): ServiceTraffic => {
      const history = this.#services.get(service);
      const { running, connections, waiting } = loads.get(service) ?? idle;
      return {
        name: service,
        ...(history?.describe(durationMs, running) ?? { ...quiet, inFlight: running }),
        endpoints: endpoints.length,
        healthy: endpoints.filter(isAvailable).length,
        connections,
        waiting,
        retriesPerSecond: history?.furtherAttemptsPerSecond(durationMs) ?? 0,
      };
    });
  }

  /** As threads have noted it in the last second. */
  #sumLoads(): Map<string, ServiceLoads> {
    const loads = new Map<string, ServiceLoads>();
    for (const { labels, cells, at } of this.#listAll(serviceFamily)) {
      const [service = ''] = labels;
      const before = loads.get(service) ?? idle;
      loads.set(service, {
        running: before.running + cells[at + ServiceCell.running]!,
        connections: before.connections + cells[at + ServiceCell.connections]!,
        waiting: before.waiting + cells[at + ServiceCell.waiting]!,
      });
    }
    return loads;
  }

  #describeThreads(): ThreadState[] {
    return this.#listAll(threadFamily).map(({ thread, cells, at }) => ({
      number: thread,
      eventLoopDelayMs: {
        p50: cells[at + ThreadCell.delayP50Ms]!,
        p99: cells[at + ThreadCell.delayP99Ms]!,
        max: cells[at + ThreadCell.delayMaxMs]!,
      },
      utilization: cells[at + ThreadCell.utilization]!,
      heapBytes: cells[at + ThreadCell.heapUsedBytes]!,
      connections: cells[at + ThreadCell.connections]!,
    }));
  }

  #countStatuses(route: string): Record<string, number> {
    const statuses: Record<string, number> = {};
    for (const { labels, cells, at } of this.#listAll(requestFamily)) {
      if (labels[1] !== route) continue;
      const status = labels.at(-1)!;
      statuses[status] = (statuses[status] ?? 0) + cells[at]!;
    }
    return statuses;
  }

  #listAll(wanted: SeriesFamily): ThreadSeries[] {
    return this.#options
      .findMeters()
      .list()
      .flatMap((series) => series.filter(({ family }) => family === wanted));
  }
}

interface ServiceLoads {
  readonly running: number;
  readonly connections: number;
  readonly waiting: number;
}

const idle: ServiceLoads = { running: 0, connections: 0, waiting: 0 };

interface InFlight {
  readonly byRoute: ReadonlyMap<string, number>;
  readonly total: number;
}

function isAvailable({ state, ejectedForMs, isDraining }: EndpointHealth): boolean {
  return state !== 'unhealthy' && ejectedForMs === 0 && !isDraining;
}

/** What has become less is another route's: its place has been given away since it was looked for. */
function hasNews(cells: Float64Array, at: number, before: Float64Array): boolean {
  let hasMore = false;
  for (let i = RouteCell.classes; i < RouteCell.classes + STATUS_CLASS_COUNT; i++) {
    if (cells[at + i]! < before[i]!) return false;
    hasMore ||= cells[at + i]! > before[i]!;
  }
  return hasMore;
}
