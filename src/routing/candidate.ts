/** One way to reach a route: one host, one path and the conditions of one match. */
import type { MatchCondition } from './match-condition.ts';
import type { PathShape } from './path-shape.ts';

/** What a match asks beyond host and path. Matches that ask the same share it. */
export interface CandidateConditions {
  readonly list: readonly MatchCondition[];
  /** The part of the definition that `list` is compiled from, as JSON; empty when nothing is asked. */
  readonly text: string;
}

interface CandidateParts {
  readonly routeName: string;
  readonly routeIndex: number;
  readonly priority: number;
  readonly host: string | undefined;
  readonly path: PathShape;
  readonly conditions: CandidateConditions;
}

export class Candidate {
  readonly routeName: string;
  /** Position of the route in the definitions: one route never ties with itself. */
  readonly routeIndex: number;
  readonly priority: number;
  /** `undefined` means any host. */
  readonly host: string | undefined;
  readonly path: PathShape;
  readonly conditions: readonly MatchCondition[];
  readonly conditionsText: string;

  constructor(parts: CandidateParts) {
    this.routeName = parts.routeName;
    this.routeIndex = parts.routeIndex;
    this.priority = parts.priority;
    this.host = parts.host;
    this.path = parts.path;
    this.conditions = parts.conditions.list;
    this.conditionsText = parts.conditions.text;
  }

  /** Negative when this goes before a candidate of the same host and path. */
  compareConditions(other: Candidate): number {
    return other.conditions.length - this.conditions.length || other.priority - this.priority;
  }

  /** Negative when this wins over another candidate that matches the same request. Zero is a tie. */
  compareTo(other: Candidate): number {
    return compareHosts(this.host, other.host) || this.path.compareTo(other.path) || this.compareConditions(other);
  }
}

/** Exact, then the longest wildcard, then any host. */
function compareHosts(left: string | undefined, right: string | undefined): number {
  const leftRank = toHostRank(left);
  const rightRank = toHostRank(right);
  return leftRank === rightRank ? 0 : rightRank - leftRank;
}

/** Of two wildcards that fit the same host, the longer one is the narrower one. */
function toHostRank(host: string | undefined): number {
  if (host === undefined) return 0;
  return isWildcardHost(host) ? host.length : Number.POSITIVE_INFINITY;
}

export function isWildcardHost(host: string): boolean {
  return host.startsWith('*.');
}
