/**
 * Finds the route of a request. Compiled once per configuration and never changed afterwards; a look-up costs the same
 * for ten routes and for ten thousand (`bench/routing.ts`), because it follows the request's host and path segments and
 * checks the conditions of only those routes that fit both.
 *
 * The most specific match wins. First by host: exact, longest wildcard, any. Under one host by path: exact; then more
 * literal segments, more captured segments, no star, leftmost literal; then regular expressions; then every path. Under
 * one path by the number of conditions (methods, listeners, client addresses count one each, every header, query
 * parameter and cookie one), then by priority. A route that fails a condition gives way to the next in this order.
 */
import { Candidate, isWildcardHost, type RouteMatch } from './candidate.ts';
import { type Explanation, explainMatch } from './explanation.ts';
import { HostTable } from './host-table.ts';
import { compileMatchConditions } from './match-condition.ts';
import { everyPath, PathShape } from './path-shape.ts';
import type { MatchDefinition, MatchSubject, RouteDefinition } from './route-definition.ts';

/** Two routes that some request fits equally well. The first would win; the configuration should say which is meant. */
export interface RouteTie {
  readonly first: string;
  readonly second: string;
  readonly reason: string;
}

export interface CompiledRoutes<T> {
  readonly table: RouteTable<T>;
  readonly ties: readonly RouteTie[];
}

/** Candidates compiled between two yields: well under a millisecond of work. */
const SLICE_CANDIDATES = 50;

export class RouteTable<T> {
  readonly #exactHosts = new Map<string, HostTable<T>>();
  /** By what follows the star: `.a.b`. */
  readonly #wildcardHosts = new Map<string, HostTable<T>>();
  readonly #anyHost = new HostTable<T>();
  readonly #candidates: Candidate<T>[] = [];
  /** Length of the longest wildcard: a host name of any length costs no more looks than fit into this. */
  #wildcardCharsMax = 0;

  /** The route of a request, or `undefined` when there is none. */
  lookup(subject: MatchSubject): RouteMatch<T> | undefined {
    return this.#find(subject)?.toMatch(subject.path);
  }

  /** Says why a request gets its route, and why others came close. Looks at every route: for people, not for traffic. */
  explain(subject: MatchSubject): Explanation {
    return explainMatch(this.#find(subject), this.#candidates, subject);
  }

  /** Only while the table is compiled. Returns a candidate of another route that ties with this one. */
  add(candidate: Candidate<T>): Candidate<T> | undefined {
    this.#candidates.push(candidate);
    return this.#hostTableFor(candidate.host).add(candidate);
  }

  #find(subject: MatchSubject): Candidate<T> | undefined {
    const found = this.#exactHosts.get(subject.host)?.find(subject);
    if (found !== undefined) return found;
    return (this.#wildcardHosts.size > 0 ? this.#findByWildcard(subject) : undefined) ?? this.#anyHost.find(subject);
  }

  #findByWildcard(subject: MatchSubject): Candidate<T> | undefined {
    const host = subject.host;
    // From the left, so the longest goes first. The star stands for at least one label, hence for one character.
    let dotAt = host.indexOf('.', Math.max(1, host.length - this.#wildcardCharsMax));
    while (dotAt >= 0) {
      const found = this.#wildcardHosts.get(host.slice(dotAt))?.find(subject);
      if (found !== undefined) return found;
      dotAt = host.indexOf('.', dotAt + 1);
    }
    return undefined;
  }

  #hostTableFor(host: string | undefined): HostTable<T> {
    if (host === undefined) return this.#anyHost;
    const isWildcard = isWildcardHost(host);
    const hosts = isWildcard ? this.#wildcardHosts : this.#exactHosts;
    const key = isWildcard ? host.slice(1) : host;
    if (isWildcard) this.#wildcardCharsMax = Math.max(this.#wildcardCharsMax, key.length);
    const existing = hosts.get(key);
    if (existing !== undefined) return existing;
    const made = new HostTable<T>();
    hosts.set(key, made);
    return made;
  }
}

/**
 * Compiles in slices: the caller drives the generator and may serve requests between two steps. The table is complete
 * when the generator returns. Each pair of tied routes is named once.
 */
export function* compileRouteTable<T>(routes: readonly RouteDefinition<T>[]): Generator<undefined, CompiledRoutes<T>, void> {
  const table = new RouteTable<T>();
  const ties = new Map<string, RouteTie>();
  let compiled = 0;
  for (const [routeIndex, route] of routes.entries()) {
    for (const candidate of toCandidates(route, routeIndex)) {
      const tied = table.add(candidate);
      if (tied !== undefined) noteTie(ties, tied, candidate);
      compiled += 1;
      if (compiled % SLICE_CANDIDATES === 0) yield;
    }
  }
  return { table, ties: [...ties.values()] };
}

/** Compiles without a break: for tools and tests, where nothing waits. */
export function compileRouteTableNow<T>(routes: readonly RouteDefinition<T>[]): CompiledRoutes<T> {
  const slices = compileRouteTable(routes);
  let step = slices.next();
  while (step.done !== true) step = slices.next();
  return step.value;
}

/** One candidate for each host and path of each match. */
function* toCandidates<T>(route: RouteDefinition<T>, routeIndex: number): Generator<Candidate<T>, void, void> {
  const { name, value, priority } = route;
  const matches: readonly MatchDefinition[] = route.matches.length > 0 ? route.matches : [{}];
  for (const match of matches) {
    const conditions = compileMatchConditions(match);
    for (const pathDefinition of nonEmpty(match.paths, everyPath)) {
      const path = new PathShape(pathDefinition);
      const entry = Object.freeze({ name, value, captureNames: path.captureNames });
      for (const host of nonEmpty<string | undefined>(match.hosts, undefined)) {
        yield new Candidate({ route: entry, host, path, conditions, priority, routeIndex });
      }
    }
  }
}

function nonEmpty<E>(list: readonly E[] | undefined, otherwise: E): readonly E[] {
  return list !== undefined && list.length > 0 ? list : [otherwise];
}

function noteTie<T>(ties: Map<string, RouteTie>, earlier: Candidate<T>, later: Candidate<T>): void {
  const key = `${earlier.routeIndex} ${later.routeIndex}`;
  if (ties.has(key)) return;
  const host = later.host === undefined ? 'any host' : `host ${later.host}`;
  const conditions = later.conditions.length === 1 ? '1 condition' : `${later.conditions.length} conditions`;
  const reason = `both match ${host} and path ${later.path.source} with ${conditions} and priority ${later.priority}`;
  ties.set(key, { first: earlier.route.name, second: later.route.name, reason });
}
