/** A configuration in the form in which a thread works with it. An exchange keeps the snapshot that it started with. */
import type { Exchange } from '#http/exchange.ts';
import { findAskedMethod } from '#http/preflight.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { MatchSubject } from '#routing/route-definition.ts';
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
   * Where a request is looked for: a preflight belongs to the route of the request that it asks for, if that answers
   * preflights. Else it is a request with the method OPTIONS like any other.
   */
  subjectOf(request: MatchSubject): MatchSubject {
    const method = request.method === 'OPTIONS' ? findAskedMethod(request) : undefined;
    if (method === undefined) return request;
    const { listener, host, path, query, fields, clientAddress } = request;
    const asked = { listener, host, path, query, method, fields, clientAddress };
    const match = this.table.lookup(asked);
    return match !== undefined && this.plans.planFor(match.routeIndex, listener).answersPreflights ? asked : request;
  }

  /** The plan of the route that the request belongs to, or of what is said where there is none, with the route's captures put into the exchange. */
  findPlan(exchange: Exchange): RoutePlan | undefined {
    const { request } = exchange;
    const match = this.table.lookup(this.subjectOf(request));
    if (match === undefined) return this.plans.planMissing(request.listener, request.path);
    exchange.captureNames = match.captureNames;
    exchange.captures = match.captures;
    exchange.pathRest = match.rest;
    return this.plans.planFor(match.routeIndex, request.listener);
  }
}
