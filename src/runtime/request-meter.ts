/**
 * Counts the exchanges of one thread: how many, how they ended, how long they took and how much they carried, by listener, route,
 * service, method and status. Where a series stands is looked for once for each route, so an exchange costs a few additions. Routes
 * that are gone give their places to others, once nothing of them is under way.
 */
import { BUCKET_COUNT, toBucket } from '#base/duration-buckets.ts';
import { limits } from '#base/limits.ts';
import type { SeriesFamily, ThreadMeter } from '#base/meter.ts';
import type { ClientRequest, Exchange, ExchangePlan } from '#http/exchange.ts';
import { ListenerTally, PlanTally, ServiceTally } from '#http/plan-tally.ts';
import { ListenerCell, listenerFamily } from './connection-meter.ts';
import { isOfRemoved, type RemovedNamesOrder } from './removed-names.ts';
import { SIZE_BUCKET_COUNT, SIZE_CELL_COUNT, toSizeBucket } from './size-buckets.ts';

/** Places of the numbers of a route. The first six are exchanges by the first digit of their status; 0: there was no answer. */
export const RouteCell = {
  classes: 0,
  seconds: 6,
  requestBytes: 7,
  responseBytes: 8,
  furtherAttempts: 9,
  tunnels: 10,
  buckets: 11,
} as const;
export const STATUS_CLASS_COUNT = 6;

/** What a route, or no route, has done for a service, or without one. */
export const routeFamily: SeriesFamily = {
  name: 'route',
  labels: ['listener', 'route', 'service'],
  cellCount: RouteCell.buckets + BUCKET_COUNT,
  gaugesFrom: RouteCell.buckets + BUCKET_COUNT,
  seriesMax: limits.metricRoutesMax,
};

export const requestFamily: SeriesFamily = {
  name: 'request',
  labels: ['listener', 'route', 'service', 'method', 'status'],
  cellCount: 1,
  gaugesFrom: 1,
  seriesMax: limits.metricRequestSeriesMax,
};

export const inFlightFamily: SeriesFamily = {
  name: 'in-flight',
  labels: ['listener', 'route'],
  cellCount: 1,
  gaugesFrom: 0,
  seriesMax: limits.metricRoutesMax,
};

/** By the code of the error that ended an exchange, whoever's fault it was. */
export const errorFamily: SeriesFamily = {
  name: 'error',
  labels: ['code'],
  cellCount: 1,
  gaugesFrom: 1,
  seriesMax: limits.metricErrorCodesMax,
};

/** All others are clients' inventions, and counted together. */
const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'] as const;
const methodNumbers: ReadonlyMap<string, number> = new Map(knownMethods.map((method, i) => [method, i]));
const OTHER_METHOD = 'other';
/** More than any status. */
const STATUS_ROOM = 1_024;

/** What is looked at. */
export type CountedExchange = Pick<
  Exchange,
  | 'attempts'
  | 'error'
  | 'finishedMs'
  | 'isTunnel'
  | 'plan'
  | 'requestBytes'
  | 'responseBytes'
  | 'serviceName'
  | 'startedMs'
  | 'status'
> & { readonly request: Pick<ClientRequest, 'listener' | 'method'> };

export class RequestMeter {
  readonly #meter: ThreadMeter;
  readonly #cells: Float64Array;
  readonly #errorPlaces = new Map<string, number>();
  /** By the names of routes. All plans that a route has had count in the same places. */
  readonly #tallies = new Map<string, PlanTally>();
  /** `undefined`: none of them has a place. */
  #removed: RemovedNamesOrder | undefined;
  /** Of exchanges that have no plan. */
  readonly #unplanned: ExchangePlan = { routeName: undefined };

  constructor(meter: ThreadMeter) {
    this.#meter = meter;
    this.#cells = meter.cells;
  }

  /** The exchange has this plan from now on. */
  begin({ request }: Pick<CountedExchange, 'request'>, plan: ExchangePlan): void {
    const ofListener = this.#findListener(plan, request.listener);
    ofListener.runningCount += 1;
    this.#cells[ofListener.inFlightAt]! += 1;
  }

  /** Where it has a plan, it was begun. */
  finish(exchange: CountedExchange): void {
    const { plan, request, serviceName, requestBytes, responseBytes, attempts } = exchange;
    const cells = this.#cells;
    const ofListener = this.#findListener(plan ?? this.#unplanned, request.listener);
    if (plan !== undefined) {
      ofListener.runningCount -= 1;
      cells[ofListener.inFlightAt]! -= 1;
    }
    const tally = this.#findService(ofListener, plan?.routeName ?? '', serviceName ?? '');
    const { at } = tally;
    cells[this.#findPlace(tally, exchange, plan?.routeName ?? '')]! += 1;
    cells[at + RouteCell.classes + toClass(exchange.status)]! += 1;
    cells[at + RouteCell.requestBytes]! += requestBytes;
    cells[at + RouteCell.responseBytes]! += responseBytes;
    addSize(cells, ofListener.sizesAt, requestBytes);
    addSize(cells, ofListener.sizesAt + SIZE_CELL_COUNT, responseBytes);
    if (exchange.error !== undefined) cells[this.#findError(exchange.error.code)]! += 1;
    if (attempts > 1) cells[at + RouteCell.furtherAttempts]! += attempts - 1;
    // How long somebody kept a connection says nothing about how fast anything was answered.
    if (exchange.isTunnel) {
      cells[at + RouteCell.tunnels]! += 1;
      return;
    }
    const durationMs = exchange.finishedMs - exchange.startedMs;
    cells[at + RouteCell.seconds]! += durationMs / 1_000;
    cells[at + RouteCell.buckets + toBucket(durationMs)]! += 1;
  }

  /** Others may have the places of these, as soon as nothing is under way that counts there. */
  forget(removed: RemovedNamesOrder): void {
    this.#removed = removed;
    for (const family of [routeFamily, requestFamily, inFlightFamily])
      this.#meter.releaseLeft(family, (labels) => isOfRemoved(removed, labels));
    this.look();
  }

  /** Something may have come to its end. */
  look(): void {
    const removed = this.#removed;
    if (removed === undefined) return;
    let isDone = true;
    for (const [route, tally] of this.#tallies) {
      let before: ListenerTally | undefined;
      for (let one = tally.listeners; one !== undefined; one = one.next) {
        const isGone = isOfRemoved(removed, [one.listener, route]);
        if (isGone && one.runningCount === 0) {
          this.#release(one, route);
          if (before === undefined) tally.listeners = one.next;
          else before.next = one.next;
        } else {
          isDone &&= !isGone;
          this.#releaseServices(one, route, ({ service }) => removed.services.has(service));
          before = one;
        }
      }
      // A route that stays goes on with the one that it has.
      if (tally.listeners === undefined && removed.routes.has(route)) this.#tallies.delete(route);
    }
    if (isDone) this.#removed = undefined;
  }

  #release(ofListener: ListenerTally, route: string): void {
    this.#releaseServices(ofListener, route, () => true);
    this.#meter.release(inFlightFamily, [ofListener.listener, route]);
  }

  /** What still ends at one of them takes a place of its own again. */
  #releaseServices(ofListener: ListenerTally, route: string, isUnwanted: (tally: ServiceTally) => boolean): void {
    let before: ServiceTally | undefined;
    for (let one = ofListener.services; one !== undefined; one = one.next) {
      if (!isUnwanted(one)) {
        before = one;
        continue;
      }
      this.#meter.release(routeFamily, [ofListener.listener, route, one.service]);
      for (const { labels } of one.places.values()) this.#meter.release(requestFamily, labels);
      if (before === undefined) ofListener.services = one.next;
      else before.next = one.next;
    }
  }

  /** Plans that follow one another have the same. */
  #tallyOf(route: string): PlanTally {
    let tally = this.#tallies.get(route);
    if (tally === undefined) {
      tally = new PlanTally();
      this.#tallies.set(route, tally);
    }
    return tally;
  }

  #findListener(plan: ExchangePlan, listener: string): ListenerTally {
    plan.tally ??= this.#tallyOf(plan.routeName ?? '');
    const { tally } = plan;
    for (let one = tally.listeners; one !== undefined; one = one.next) if (one.listener === listener) return one;
    const inFlightAt = this.#meter.take(inFlightFamily, [listener, plan.routeName ?? '']);
    const sizesAt = this.#meter.take(listenerFamily, [listener]) + ListenerCell.requestSizes;
    tally.listeners = new ListenerTally({ listener, inFlightAt, sizesAt }, tally.listeners);
    return tally.listeners;
  }

  #findService(ofListener: ListenerTally, route: string, service: string): ServiceTally {
    for (let one = ofListener.services; one !== undefined; one = one.next) if (one.service === service) return one;
    const at = this.#meter.take(routeFamily, [ofListener.listener, route, service]);
    ofListener.services = new ServiceTally(service, at, ofListener.services);
    return ofListener.services;
  }

  #findError(code: string): number {
    let at = this.#errorPlaces.get(code);
    if (at === undefined) {
      at = this.#meter.take(errorFamily, [code]);
      this.#errorPlaces.set(code, at);
    }
    return at;
  }

  #findPlace(tally: ServiceTally, { request, status }: CountedExchange, route: string): number {
    const { last } = tally;
    if (last !== undefined && last.status === status && last.method === request.method) return last.at;
    const counted = this.#toCounted(tally, status);
    const methodNumber = methodNumbers.get(request.method);
    const key = (methodNumber ?? knownMethods.length) * STATUS_ROOM + counted;
    let place = tally.places.get(key);
    if (place === undefined) {
      const method = methodNumber === undefined ? OTHER_METHOD : request.method;
      const labels = [
        request.listener,
        route,
        tally.service,
        method,
        counted < 100 && counted > 0 ? `${counted}xx` : `${counted}`,
      ];
      place = { method, status, labels, at: this.#meter.take(requestFamily, labels) };
      tally.places.set(key, place);
    }
    tally.last = place;
    return place.at;
  }

  /** Whoever answers may invent statuses: of a route, only so many are told one by one, and others by their first digit. */
  #toCounted({ statuses }: ServiceTally, status: number): number {
    if (statuses.has(status)) return status;
    if (statuses.size >= limits.metricStatusesMax || status >= STATUS_ROOM) return toClass(status);
    statuses.add(status);
    return status;
  }
}

function addSize(cells: Float64Array, at: number, bytes: number): void {
  cells[at + toSizeBucket(bytes)]! += 1;
  cells[at + SIZE_BUCKET_COUNT]! += bytes;
}

/** What is no status of HTTP counts as none. */
function toClass(status: number): number {
  return status < 100 || status > 599 ? 0 : Math.trunc(status / 100);
}
