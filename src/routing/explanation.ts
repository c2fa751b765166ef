/** Why a request gets the route it gets, in words. Looks at every route: for people, not for traffic. */
import { type Candidate, isWildcardHost } from './candidate.ts';
import { describeCondition, describeFailure, findFailing } from './match-condition.ts';
import { findFirstSegment, findSegmentEnd, type PathShape } from './path-shape.ts';
import type { MatchSubject } from './route-definition.ts';

export interface ExplainedRoute {
  readonly route: string;
  /** The host and path of the match that is meant, as written. */
  readonly host: string | undefined;
  readonly path: string;
}

export interface ChosenRoute extends ExplainedRoute {
  readonly because: readonly string[];
}

export interface OutrankedRoute extends ExplainedRoute {
  /** In what the chosen route is more specific. */
  readonly because: string;
}

export interface NearMiss extends ExplainedRoute {
  /** The first condition that fails: `method is GET, wants POST`. */
  readonly because: string;
}

export interface Explanation {
  readonly chosen: ChosenRoute | undefined;
  /** Routes that match too but rank lower, best first. */
  readonly outranked: readonly OutrankedRoute[];
  /** Routes that match by host or path and fail otherwise, closest first. */
  readonly nearMisses: readonly NearMiss[];
}

/** Entries of each list of an explanation; the rest is no help to a reader. */
const LIST_ENTRIES_MAX = 10;

/** How close a candidate came; a higher number is closer. */
interface Miss {
  readonly candidate: Candidate;
  readonly closeness: number;
  readonly because: string;
}

/** `routeIndex`: the route that look-up finds. The rest follows from the candidates and their order. */
export function explainMatch(
  candidates: readonly Candidate[],
  subject: MatchSubject,
  routeIndex: number | undefined,
): Explanation {
  const fitting: Candidate[] = [];
  const misses: Miss[] = [];
  for (const candidate of candidates) {
    const miss = findMiss(candidate, subject);
    if (miss === undefined) fitting.push(candidate);
    else if (miss.closeness > 0) misses.push(miss);
  }
  fitting.sort((left, right) => left.compareTo(right) || left.routeIndex - right.routeIndex);
  const chosen = fitting.find((candidate) => candidate.routeIndex === routeIndex);
  const outranked = chosen === undefined ? [] : listOutranked(chosen, fitting);
  const named = new Set(fitting.map((candidate) => candidate.routeIndex));
  const missesOfOthers = misses.filter((miss) => !named.has(miss.candidate.routeIndex));
  return { chosen: chosen && toChosen(chosen), outranked, nearMisses: listNearMisses(missesOfOthers) };
}

/** Whether a request could get the route by this candidate, if no other one came first. */
export function fits(candidate: Candidate, subject: MatchSubject): boolean {
  return findMiss(candidate, subject) === undefined;
}

/** `fitting`: best first. */
function listOutranked(chosen: Candidate, fitting: readonly Candidate[]): OutrankedRoute[] {
  const others = fitting.filter((candidate) => candidate.routeIndex !== chosen.routeIndex);
  return firstOfEachRoute(others)
    .slice(0, LIST_ENTRIES_MAX)
    .map((candidate) => ({ ...toExplained(candidate), because: describeOutranked(chosen, candidate) }));
}

function listNearMisses(misses: readonly Miss[]): NearMiss[] {
  const closestFirst = misses.toSorted(
    (left, right) => right.closeness - left.closeness || left.candidate.compareTo(right.candidate),
  );
  const becauses = new Map(closestFirst.map((miss) => [miss.candidate, miss.because]));
  return firstOfEachRoute(closestFirst.map((miss) => miss.candidate))
    .slice(0, LIST_ENTRIES_MAX)
    .map((candidate) => ({ ...toExplained(candidate), because: becauses.get(candidate) ?? '' }));
}

function firstOfEachRoute(candidates: readonly Candidate[]): Candidate[] {
  const seen = new Set<number>();
  return candidates.filter((candidate) => {
    const isFirst = !seen.has(candidate.routeIndex);
    seen.add(candidate.routeIndex);
    return isFirst;
  });
}

/** Why the candidate does not match; `undefined` when it does. */
function findMiss(candidate: Candidate, subject: MatchSubject): Miss | undefined {
  const fitsHost = doesHostFit(candidate.host, subject.host);
  const pathMismatch = findPathMismatch(candidate.path, subject.path);
  if (fitsHost && pathMismatch === undefined) {
    const failing = findFailing(candidate.conditions, subject);
    return failing && { candidate, closeness: CONDITION_FAILS, because: describeFailure(failing, subject) };
  }
  if (fitsHost && pathMismatch !== undefined) {
    const closeness = Math.min(PATH_FAILS + pathMismatch.segmentsFit, HOST_FAILS - 1);
    return { candidate, closeness, because: pathMismatch.because };
  }
  const because = `host is '${subject.host}', wants '${candidate.host}'`;
  // Under another host, a match that says nothing about the path has nothing in common with the request.
  const isRelated = pathMismatch === undefined && candidate.path.kind !== 'every-path';
  return { candidate, closeness: isRelated ? HOST_FAILS : 0, because };
}

/** Host and path fit and a condition fails: closest. */
const CONDITION_FAILS = 3000;
/** The path fits under another host. */
const HOST_FAILS = 2000;
/** The host fits, and as many leading segments as are added to this. */
const PATH_FAILS = 1000;

function doesHostFit(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined) return true;
  if (!isWildcardHost(pattern)) return pattern === host;
  return host.length >= pattern.length && host.endsWith(pattern.slice(1));
}

interface PathMismatch {
  readonly segmentsFit: number;
  readonly because: string;
}

function findPathMismatch(shape: PathShape, path: string): PathMismatch | undefined {
  if (shape.regex !== undefined) {
    return shape.regex.test(path) ? undefined : { segmentsFit: 0, because: `path '${path}' does not match ${shape.source}` };
  }
  let at = findFirstSegment(path);
  for (const [index, literal] of shape.literals.entries()) {
    const mismatch = describeSegmentMismatch(literal, path, at);
    if (mismatch !== undefined) return { segmentsFit: index, because: `path '${path}' has ${mismatch} at segment ${index + 1}` };
    at = findSegmentEnd(path, at) + 1;
  }
  if (shape.isPrefix || at > path.length) return undefined;
  const count = shape.literals.length;
  return { segmentsFit: count, because: `path '${path}' goes on after segment ${count}, ${shape.source} does not` };
}

function describeSegmentMismatch(literal: string | undefined, path: string, at: number): string | undefined {
  const isMissing = at > path.length;
  const segment = isMissing ? '' : path.slice(at, findSegmentEnd(path, at));
  if (literal === undefined) return segment === '' ? 'nothing to capture' : undefined;
  return !isMissing && segment === literal ? undefined : `no literal '${literal}'`;
}

function toExplained(candidate: Candidate): ExplainedRoute {
  return { route: candidate.routeName, host: candidate.host, path: candidate.path.source };
}

function toChosen(candidate: Candidate): ChosenRoute {
  const because = [describeHost(candidate.host), describePath(candidate.path), ...candidate.conditions.map(describeCondition)];
  if (candidate.priority !== 0) because.push(`priority is ${candidate.priority}`);
  return { ...toExplained(candidate), because };
}

function describeHost(host: string | undefined): string {
  if (host === undefined) return 'any host';
  return isWildcardHost(host) ? `host is under ${host.slice(2)}` : `host is exactly ${host}`;
}

function describePath(path: PathShape): string {
  switch (path.kind) {
    case 'pattern':
      return path.isExact ? `path is exactly ${path.source}` : `path fits ${path.source}`;
    case 'regex':
      return `path matches the regular expression ${path.source}`;
    case 'every-path':
      return 'any path';
  }
}

/** In which step of the order the chosen route went ahead. */
function describeOutranked(chosen: Candidate, other: Candidate): string {
  if (chosen.host !== other.host) return `${chosen.host} is a more specific host than ${other.host ?? 'any'}`;
  if (chosen.path.compareTo(other.path) !== 0) return `${chosen.path.source} is a more specific path than ${other.path.source}`;
  if (chosen.conditions.length !== other.conditions.length) {
    return `it has more conditions: ${chosen.conditions.length} against ${other.conditions.length}`;
  }
  if (chosen.priority !== other.priority) return `priority ${chosen.priority} is higher than ${other.priority}`;
  return 'equally specific; the route defined first wins';
}
