/** A configuration in the form in which a thread works with it. An exchange keeps the snapshot that it started with. */
import type { Exchange } from '#http/exchange.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { RouteTable } from '#routing/route-table.ts';
import type { Service } from '#services/service.ts';
import type { SettingsOfConfiguration } from './arrived-configuration.ts';
import type { RoutePlans } from './route-plans.ts';
import type { TcpDestinations } from './tcp-destinations.ts';

interface SnapshotParts {
  readonly settings: SettingsOfConfiguration;
  readonly table: RouteTable;
  readonly plans: RoutePlans;
  readonly services: ReadonlyMap<string, Service>;
  readonly tcpDestinations: TcpDestinations;
}

export class Snapshot {
  /** What the configuration says of everything but routes. */
  readonly settings: SettingsOfConfiguration;
  readonly table: RouteTable;
  readonly plans: RoutePlans;
  readonly services: ReadonlyMap<string, Service>;
  readonly tcpDestinations: TcpDestinations;

  constructor(parts: SnapshotParts) {
    this.settings = parts.settings;
    this.table = parts.table;
    this.plans = parts.plans;
    this.services = parts.services;
    this.tcpDestinations = parts.tcpDestinations;
  }

  /**
   * The plan of the route that the request belongs to, with the route's captures put into the exchange. Without a route it may
   * belong to a policy that answers its path.
   */
  findPlan(exchange: Exchange): RoutePlan | undefined {
    const { request } = exchange;
    const match = this.table.lookup(request);
    if (match === undefined) return this.plans.planOwnPath(request.listener, request.path);
    exchange.captureNames = match.captureNames;
    exchange.captures = match.captures;
    exchange.pathRest = match.rest;
    return this.plans.planFor(match.routeIndex, request.listener);
  }
}
