/** One way to reach a route: one host, one path and the conditions of one match. The leaves of the route table hold these. */
import { findFailing, type MatchCondition } from './match-condition.ts';
import { noCaptures, type PathShape } from './path-shape.ts';
import type { MatchSubject } from './route-definition.ts';

/** A route as one of its paths reaches it; `captureNames` differ from path to path. */
export interface RouteEntry<T> {
  readonly name: string;
  readonly value: T;
  readonly captureNames: readonly string[];
}

/** What a look-up finds. */
export interface RouteMatch<T> {
  readonly route: RouteEntry<T>;
  /** Raw values, parallel to `route.captureNames`; whoever uses one decodes it. */
  readonly captures: readonly string[];
  /** What the star of a prefix path stands for, without the slash before it; empty for any other path. */
  readonly rest: string;
}

export class Candidate<T> {
  readonly route: RouteEntry<T>;
  /** `undefined` means any host. */
  readonly host: string | undefined;
  readonly path: PathShape;
  /** Copied from the path, as is `#isPlain`: a look-up in a large table reads less memory that way. */
  readonly pathRank: number;
  readonly conditions: readonly MatchCondition[];
  readonly priority: number;
  /** Position of the route in the definitions: one route never ties with itself. */
  readonly routeIndex: number;
  readonly #isPlain: boolean;
  /** Given out whenever nothing of the path is captured, so that such a look-up allocates nothing. */
  readonly #plainMatch: RouteMatch<T>;

  constructor(parts: CandidateParts<T>) {
    this.route = parts.route;
    this.host = parts.host;
    this.path = parts.path;
    this.pathRank = parts.path.rank;
    this.conditions = parts.conditions;
    this.priority = parts.priority;
    this.routeIndex = parts.routeIndex;
    this.#isPlain = parts.path.captureNames.length === 0 && !parts.path.isPrefix;
    this.#plainMatch = Object.freeze({ route: parts.route, captures: noCaptures, rest: '' });
  }

  toMatch(path: string): RouteMatch<T> {
    if (this.#isPlain) return this.#plainMatch;
    const captures = this.path.readCaptures(path);
    const rest = this.path.readRest(path);
    return captures.length === 0 && rest === '' ? this.#plainMatch : { route: this.route, captures, rest };
  }

  /** Negative when this goes before a candidate of the same host and path. */
  compareConditions(other: Candidate<T>): number {
    return other.conditions.length - this.conditions.length || other.priority - this.priority;
  }

  /** Negative when this wins over another candidate that matches the same request. Zero is a tie. */
  compareTo(other: Candidate<T>): number {
    return compareHosts(this.host, other.host) || this.path.compareTo(other.path) || this.compareConditions(other);
  }
}

export interface CandidateParts<T> {
  readonly route: RouteEntry<T>;
  readonly host: string | undefined;
  readonly path: PathShape;
  readonly conditions: readonly MatchCondition[];
  readonly priority: number;
  readonly routeIndex: number;
}

/** Exact, then the longest wildcard, then any host. */
function compareHosts(left: string | undefined, right: string | undefined): number {
  return toHostRank(right) - toHostRank(left);
}

/** Of two wildcards that fit the same host, the longer one is the narrower one. */
function toHostRank(host: string | undefined): number {
  if (host === undefined) return 0;
  return isWildcardHost(host) ? host.length : Number.POSITIVE_INFINITY;
}

export function isWildcardHost(host: string): boolean {
  return host.startsWith('*.');
}

/** The first candidate, in order, whose conditions the request meets. */
export function findHolding<T>(candidates: readonly Candidate<T>[], subject: MatchSubject): Candidate<T> | undefined {
  for (let index = 0; index < candidates.length; index += 1) {
    const candidate = candidates[index]!;
    if (findFailing(candidate.conditions, subject) === undefined) return candidate;
  }
  return undefined;
}
