/**
 * Puts routes in their order and finds ties. What comes out is written into an image (`route-image.ts`), on which look-ups
 * work (`route-table.ts`); nothing is looked up here.
 *
 * The most specific match wins. First by host: exact, longest wildcard, any. Under one host by path: exact; then more
 * literal segments, more captured segments, no star, leftmost literal; then regular expressions; then every path. Under
 * one path by the number of conditions (methods, listeners, client addresses count one each, every header, query
 * parameter and cookie one), then by priority. A route that fails a condition gives way to the next in this order.
 */
import { Candidate, type CandidateConditions, isWildcardHost } from './candidate.ts';
import { HostRoutes } from './host-routes.ts';
import { compileMatchConditions } from './match-condition.ts';
import { everyPath, PathShape } from './path-shape.ts';
import type { MatchDefinition, RouteDefinition } from './route-definition.ts';

/** Two routes that some request fits equally well. The first would win; the configuration should say which is meant. */
export interface RouteTie {
  readonly first: string;
  readonly second: string;
  readonly reason: string;
}

/** Candidates compiled between two yields: well under a millisecond of work. */
const SLICE_CANDIDATES = 50;

export class CompiledRoutes {
  /** In the order of their definitions. */
  readonly candidates: Candidate[] = [];
  readonly exactHosts = new Map<string, HostRoutes>();
  /** By what follows the star: `.a.b`. */
  readonly wildcardHosts = new Map<string, HostRoutes>();
  readonly anyHost = new HostRoutes();
  readonly #ties = new Map<string, RouteTie>();

  /** Each pair of tied routes once. */
  get ties(): readonly RouteTie[] {
    return [...this.#ties.values()];
  }

  add(candidate: Candidate): void {
    this.candidates.push(candidate);
    const tied = this.#routesFor(candidate.host).add(candidate);
    if (tied !== undefined) this.#noteTie(tied, candidate);
  }

  #routesFor(host: string | undefined): HostRoutes {
    if (host === undefined) return this.anyHost;
    const isWildcard = isWildcardHost(host);
    const hosts = isWildcard ? this.wildcardHosts : this.exactHosts;
    const key = isWildcard ? host.slice(1) : host;
    const existing = hosts.get(key);
    if (existing !== undefined) return existing;
    const made = new HostRoutes();
    hosts.set(key, made);
    return made;
  }

  #noteTie(earlier: Candidate, later: Candidate): void {
    const key = `${earlier.routeIndex} ${later.routeIndex}`;
    if (this.#ties.has(key)) return;
    const host = later.host === undefined ? 'any host' : `host ${later.host}`;
    const conditions = later.conditions.length === 1 ? '1 condition' : `${later.conditions.length} conditions`;
    const reason = `both match ${host} and path ${later.path.source} with ${conditions} and priority ${later.priority}`;
    this.#ties.set(key, { first: earlier.routeName, second: later.routeName, reason });
  }
}

/** Compiles in slices: the caller drives the generator and may serve requests between two steps. */
export function* compileRoutes(routes: readonly RouteDefinition[]): Generator<undefined, CompiledRoutes, void> {
  const compiled = new CompiledRoutes();
  const conditions = new ConditionsOfMatches();
  for (const [routeIndex, route] of routes.entries()) {
    for (const candidate of toCandidates(route, routeIndex, conditions)) {
      compiled.add(candidate);
      if (compiled.candidates.length % SLICE_CANDIDATES === 0) yield;
    }
  }
  return compiled;
}

/** One candidate for each host and path of each match. */
function* toCandidates(
  { name, matches, priority }: RouteDefinition,
  routeIndex: number,
  conditions: ConditionsOfMatches,
): Generator<Candidate, void, void> {
  for (const match of nonEmpty<MatchDefinition>(matches, {})) {
    const shared = conditions.of(match);
    for (const pathDefinition of nonEmpty(match.paths, everyPath)) {
      const path = new PathShape(pathDefinition);
      for (const host of nonEmpty<string | undefined>(match.hosts, undefined)) {
        yield new Candidate({ routeName: name, routeIndex, priority, host, path, conditions: shared });
      }
    }
  }
}

function nonEmpty<E>(list: readonly E[] | undefined, otherwise: E): readonly E[] {
  return list !== undefined && list.length > 0 ? list : [otherwise];
}

const NOTHING_ASKED = '{}';
const noConditions: CandidateConditions = { list: [], text: '' };

/** Many matches ask the same, such as two methods: they are compiled once. */
class ConditionsOfMatches {
  readonly #byText = new Map<string, CandidateConditions>();

  of({ methods, headers, query, cookies, clientIps, listeners }: MatchDefinition): CandidateConditions {
    const asked = { methods, headers, query, cookies, clientIps, listeners };
    const text = JSON.stringify(asked);
    if (text === NOTHING_ASKED) return noConditions;
    const existing = this.#byText.get(text);
    if (existing !== undefined) return existing;
    const list = compileMatchConditions(asked);
    const made = list.length === 0 ? noConditions : { list, text };
    this.#byText.set(text, made);
    return made;
  }
}
