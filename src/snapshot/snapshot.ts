/** The compiled form of a configuration. An exchange keeps the snapshot that it started with. */
import type { Configuration } from '#config/configuration.ts';
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { RouteTable } from '#routing/route-table.ts';
import type { Service } from '#services/service.ts';
import type { TcpDestinations } from './tcp-destinations.ts';

/** A route with its plans: one for all listeners, and one more for each listener that has policies of its own. */
export class PlannedRoute {
  readonly #common: RoutePlan;
  readonly #byListener: ReadonlyMap<string, RoutePlan> | undefined;

  constructor(common: RoutePlan, byListener: ReadonlyMap<string, RoutePlan> | undefined) {
    this.#common = common;
    this.#byListener = byListener;
  }

  planFor(listener: string): RoutePlan {
    return this.#byListener === undefined ? this.#common : (this.#byListener.get(listener) ?? this.#common);
  }
}

export type SnapshotSettings = Omit<Configuration, 'routes'>;

export class Snapshot {
  /** What the configuration says of everything but routes: those would hold as much memory again as their table. */
  readonly settings: SnapshotSettings;
  readonly table: RouteTable<PlannedRoute>;
  readonly services: ReadonlyMap<string, Service>;
  readonly tcpDestinations: TcpDestinations;

  constructor(
    settings: SnapshotSettings,
    table: RouteTable<PlannedRoute>,
    reached: { readonly services: ReadonlyMap<string, Service>; readonly tcpDestinations: TcpDestinations },
  ) {
    this.settings = settings;
    this.table = table;
    this.services = reached.services;
    this.tcpDestinations = reached.tcpDestinations;
  }

  /** The plan of the route that the request belongs to, with the route's captures put into the exchange. */
  findPlan(exchange: Exchange): RoutePlan | undefined {
    const match = this.table.lookup(exchange.request);
    if (match === undefined) return undefined;
    exchange.captureNames = match.route.captureNames;
    exchange.captures = match.captures;
    exchange.pathRest = match.rest;
    return match.route.value.planFor(exchange.request.listener);
  }
}
