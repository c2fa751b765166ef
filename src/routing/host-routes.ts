/** Everything that is routed for one host pattern, put in order while a table is compiled. */
import type { Candidate } from './candidate.ts';
import { areDisjoint } from './match-condition.ts';
import { PathNode } from './path-node.ts';

export class HostRoutes {
  readonly patterns = new PathNode();
  readonly regexes: Candidate[] = [];
  /** After the regular expressions, or one beside a route for every path could never match. */
  readonly everyPath: Candidate[] = [];

  /** Puts a candidate in its place and returns one that it ties with. Of tied candidates the first added wins. */
  add(candidate: Candidate): Candidate | undefined {
    return insertInOrder(this.#listFor(candidate), candidate);
  }

  #listFor(candidate: Candidate): Candidate[] {
    switch (candidate.path.kind) {
      case 'pattern':
        return this.patterns.listFor(candidate.path);
      case 'regex':
        return this.regexes;
      case 'every-path':
        return this.everyPath;
    }
  }
}

/** Walks back over what ranks lower, then over equals, among which a tie may be. */
function insertInOrder(list: Candidate[], candidate: Candidate): Candidate | undefined {
  let place = list.length;
  while (place > 0 && candidate.compareConditions(list[place - 1]!) < 0) place -= 1;
  let tied: Candidate | undefined;
  for (let index = place - 1; index >= 0; index -= 1) {
    const other = list[index]!;
    if (candidate.compareConditions(other) !== 0) break;
    if (isTie(candidate, other)) tied = other;
  }
  list.splice(place, 0, candidate);
  return tied;
}

/** Two expressions that differ may still fit the same path. That cannot be known beforehand, so it is no tie. */
function isTie(candidate: Candidate, other: Candidate): boolean {
  if (candidate.routeIndex === other.routeIndex || !candidate.path.isSameAs(other.path)) return false;
  return !areDisjoint(candidate.conditions, other.conditions);
}
