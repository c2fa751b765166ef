/** The patterns of one host as a tree of segments. A node stands for the segments on the way to it. */
import { type Candidate, findHolding } from './candidate.ts';
import { findSegmentEnd, type PathShape } from './path-shape.ts';
import type { MatchSubject } from './route-definition.ts';

/**
 * Segments are cut out and looked up in maps: hashing them in place, in our own table, was no faster at best and three
 * times slower whenever V8 compiled the loops less well (`bench/routing.ts`).
 */
export class PathNode<T> {
  literalChildren: Map<string, PathNode<T>> | undefined = undefined;
  /** Bit n: a literal child has a length of n modulo 32. Most segments of other routes need no cutting and hashing then. */
  literalLengths = 0;
  captureChild: PathNode<T> | undefined = undefined;
  /** Candidates whose pattern ends here. */
  endings: Candidate<T>[] | undefined = undefined;
  /** Candidates whose pattern goes on with a star. */
  prefixes: Candidate<T>[] | undefined = undefined;
  /** The highest path rank at or below this node: a search that has found as much does not enter. */
  rankMax = -1;

  /** The list that candidates with this path belong to; nodes on the way are made as needed. */
  listFor(path: PathShape): Candidate<T>[] {
    let node: PathNode<T> = this;
    node.rankMax = Math.max(node.rankMax, path.rank);
    for (const literal of path.literals) {
      node = literal === undefined ? node.#captureChildMade() : node.#literalChildMade(literal);
      node.rankMax = Math.max(node.rankMax, path.rank);
    }
    if (path.isPrefix) {
      node.prefixes ??= [];
      return node.prefixes;
    }
    node.endings ??= [];
    return node.endings;
  }

  #captureChildMade(): PathNode<T> {
    this.captureChild ??= new PathNode();
    return this.captureChild;
  }

  #literalChildMade(literal: string): PathNode<T> {
    this.literalChildren ??= new Map();
    const existing = this.literalChildren.get(literal);
    if (existing !== undefined) return existing;
    const made = new PathNode<T>();
    this.literalChildren.set(literal, made);
    this.literalLengths |= 1 << (literal.length & 31);
    return made;
  }
}

/**
 * The highest-ranking candidate at or below `node` that holds for the request, or `best` when none ranks above it.
 * `at` is where the next segment begins, beyond the end when there is none. Literal branches are searched first and
 * an equal rank replaces nothing, which makes the leftmost literal win. The depth is that of the longest pattern, and no
 * node is entered twice, so a request cannot make the search longer than the tree is large.
 */
export function searchPatterns<T>(
  node: PathNode<T>,
  subject: MatchSubject,
  at: number,
  best: Candidate<T> | undefined,
): Candidate<T> | undefined {
  const path = subject.path;
  let found = best;
  if (at > path.length) {
    found = better(node.endings, subject, found);
  } else {
    const end = findSegmentEnd(path, at);
    const literal = (node.literalLengths >>> ((end - at) & 31)) & 1 ? node.literalChildren!.get(path.slice(at, end)) : undefined;
    if (literal !== undefined && mayImprove(literal, found)) found = searchPatterns(literal, subject, end + 1, found);
    const capture = node.captureChild;
    if (capture !== undefined && end > at && mayImprove(capture, found)) found = searchPatterns(capture, subject, end + 1, found);
  }
  return better(node.prefixes, subject, found);
}

function mayImprove<T>(node: PathNode<T>, best: Candidate<T> | undefined): boolean {
  return best === undefined || node.rankMax > best.pathRank;
}

/** All candidates of one list have the same path, so one look at the first says whether the list is worth checking. */
function better<T>(
  candidates: readonly Candidate<T>[] | undefined,
  subject: MatchSubject,
  best: Candidate<T> | undefined,
): Candidate<T> | undefined {
  if (candidates === undefined) return best;
  if (best !== undefined && candidates[0]!.pathRank <= best.pathRank) return best;
  return findHolding(candidates, subject) ?? best;
}
