/** The patterns of one host as a tree of segments, while a table is compiled. A node stands for the segments on the way to it. */
import type { Candidate } from './candidate.ts';
import type { PathShape } from './path-shape.ts';

export class PathNode {
  literalChildren: Map<string, PathNode> | undefined = undefined;
  captureChild: PathNode | undefined = undefined;
  /** Candidates whose pattern ends here. */
  endings: Candidate[] | undefined = undefined;
  /** Candidates whose pattern goes on with a star. */
  prefixes: Candidate[] | undefined = undefined;
  /** The highest path rank at or below this node. */
  rankMax = -1;

  /** The list that candidates with this path belong to; nodes on the way are made as needed. */
  listFor(path: PathShape): Candidate[] {
    let node: PathNode = this;
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

  #captureChildMade(): PathNode {
    this.captureChild ??= new PathNode();
    return this.captureChild;
  }

  #literalChildMade(literal: string): PathNode {
    this.literalChildren ??= new Map();
    const existing = this.literalChildren.get(literal);
    if (existing !== undefined) return existing;
    const made = new PathNode();
    this.literalChildren.set(literal, made);
    return made;
  }
}
