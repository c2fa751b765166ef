/** Everything that is routed for one host pattern. */
import { type Candidate, findHolding } from './candidate.ts';
import { areDisjoint, findFailing } from './match-condition.ts';
import { findFirstSegment, type PathShape } from './path-shape.ts';
import { PathNode, searchPatterns } from './path-tree.ts';
import type { MatchSubject } from './route-definition.ts';

export class HostTable<T> {
  /** Paths of literal segments only, by the whole path: a request for one of them needs a single look. */
  readonly #exactPaths = new Map<string, Candidate<T>[]>();
  readonly #patterns = new PathNode<T>();
  readonly #regexes: Candidate<T>[] = [];
  /** After the regular expressions, or one beside a route for every path could never match. */
  readonly #everyPath: Candidate<T>[] = [];

  find(subject: MatchSubject): Candidate<T> | undefined {
    // Looking up means hashing the path, which is new each time.
    const exact = this.#exactPaths.size === 0 ? undefined : this.#exactPaths.get(subject.path);
    if (exact !== undefined) {
      const found = findHolding(exact, subject);
      if (found !== undefined) return found;
    }
    const byPattern = searchPatterns(this.#patterns, subject, findFirstSegment(subject.path), undefined);
    return byPattern ?? this.#findByRegex(subject) ?? findHolding(this.#everyPath, subject);
  }

  /** Puts a candidate in its place and returns one that it ties with. Of tied candidates the first added wins. */
  add(candidate: Candidate<T>): Candidate<T> | undefined {
    return insertInOrder(this.#listFor(candidate), candidate);
  }

  #findByRegex(subject: MatchSubject): Candidate<T> | undefined {
    for (let index = 0; index < this.#regexes.length; index += 1) {
      const candidate = this.#regexes[index]!;
      if (candidate.path.regex?.test(subject.path) && findFailing(candidate.conditions, subject) === undefined) return candidate;
    }
    return undefined;
  }

  #listFor(candidate: Candidate<T>): Candidate<T>[] {
    switch (candidate.path.kind) {
      case 'pattern':
        return candidate.path.isExact ? this.#exactListFor(candidate.path) : this.#patterns.listFor(candidate.path);
      case 'regex':
        return this.#regexes;
      case 'every-path':
        return this.#everyPath;
    }
  }

  #exactListFor(shape: PathShape): Candidate<T>[] {
    const path = `/${shape.literals.join('/')}`;
    const existing = this.#exactPaths.get(path);
    if (existing !== undefined) return existing;
    const made: Candidate<T>[] = [];
    this.#exactPaths.set(path, made);
    return made;
  }
}

/** Walks back over what ranks lower, then over equals, among which a tie may be. */
function insertInOrder<T>(list: Candidate<T>[], candidate: Candidate<T>): Candidate<T> | undefined {
  let place = list.length;
  while (place > 0 && candidate.compareConditions(list[place - 1]!) < 0) place -= 1;
  let tied: Candidate<T> | undefined;
  for (let index = place - 1; index >= 0; index -= 1) {
    const other = list[index]!;
    if (candidate.compareConditions(other) !== 0) break;
    if (isTie(candidate, other)) tied = other;
  }
  list.splice(place, 0, candidate);
  return tied;
}

/** Two expressions that differ may still fit the same path. That cannot be known beforehand, so it is no tie. */
function isTie<T>(candidate: Candidate<T>, other: Candidate<T>): boolean {
  if (candidate.routeIndex === other.routeIndex || !candidate.path.isSameAs(other.path)) return false;
  return !areDisjoint(candidate.conditions, other.conditions);
}
