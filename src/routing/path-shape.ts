/** One path of a match in compiled form, with its rank among the paths that fit the same request. */
import { limits } from '#base/limits.ts';
import { compileAnchoredRegex, groupNames } from './anchored-regex.ts';
import type { PathPattern, PathRegex } from './route-definition.ts';

/**
 * What each part of a pattern adds to its rank. A capture counts less than a literal even when there are as many of them as
 * there can be segments.
 */
export const rankOf = {
  ending: 1,
  capture: 2,
  literal: 4 * limits.pathSegmentsMax,
} as const;

/** How a path is looked up, from the most to the least specific kind. */
export type PathKind = 'pattern' | 'regex' | 'every-path';

const kindOrder: readonly PathKind[] = ['pattern', 'regex', 'every-path'];

export class PathShape {
  readonly kind: PathKind;
  /** As the user wrote it. */
  readonly source: string;
  /** The literal of each segment, `undefined` where it is captured. */
  readonly literals: readonly (string | undefined)[];
  readonly isPrefix: boolean;
  readonly regex: RegExp | undefined;
  readonly captureNames: readonly string[];
  /**
   * Within its kind, higher is more specific: literal segments, then captured segments, then not ending in a star. An
   * exact path has the highest rank that can fit its requests. Of two patterns with the same rank that fit the same path,
   * the one with the leftmost literal goes first.
   */
  readonly rank: number;

  constructor(path: PathPattern | PathRegex) {
    const isRegex = 'regex' in path;
    const literals: (string | undefined)[] = [];
    const captureNames: string[] = [];
    for (const segment of isRegex ? [] : path.segments) {
      if ('capture' in segment) captureNames.push(segment.capture);
      literals.push('capture' in segment ? undefined : segment.literal);
    }
    this.literals = literals;
    this.isPrefix = !isRegex && path.isPrefix;
    this.regex = isRegex ? compileAnchoredRegex(path.regex) : undefined;
    this.source = isRegex ? path.regex : path.source;
    this.captureNames = isRegex ? groupNames(path.regex) : captureNames;
    this.kind = this.#toKind();
    const literalCount = literals.length - captureNames.length;
    this.rank = literalCount * rankOf.literal + captureNames.length * rankOf.capture + (this.isPrefix ? 0 : rankOf.ending);
  }

  #toKind(): PathKind {
    if (this.regex !== undefined) return 'regex';
    return this.isPrefix && this.literals.length === 0 ? 'every-path' : 'pattern';
  }

  /** Whether the pattern fits one path only. */
  get isExact(): boolean {
    return this.kind === 'pattern' && !this.isPrefix && this.captureNames.length === 0;
  }

  /** Whether both fit the same paths, whatever their captures are called. */
  isSameAs(other: PathShape): boolean {
    if (this.kind !== other.kind || this.isPrefix !== other.isPrefix || this.literals.length !== other.literals.length)
      return false;
    if (this.kind === 'regex') return this.source === other.source;
    return this.literals.every((literal, index) => literal === other.literals[index]);
  }

  /** Negative when this path is the more specific of two that fit the same request path. */
  compareTo(other: PathShape): number {
    return kindOrder.indexOf(this.kind) - kindOrder.indexOf(other.kind) || other.rank - this.rank || this.#compareLeftmost(other);
  }

  #compareLeftmost(other: PathShape): number {
    for (let index = 0; index < this.literals.length; index += 1) {
      const isLiteral = this.literals[index] !== undefined;
      const isOtherLiteral = other.literals[index] !== undefined;
      if (isLiteral !== isOtherLiteral) return isLiteral ? -1 : 1;
    }
    return 0;
  }
}

/** The path of a match that says nothing about the path. */
export const everyPath: PathPattern = { source: '/*', segments: [], isPrefix: true };

/** Where the segment that begins at `from` ends. */
export function findSegmentEnd(path: string, from: number): number {
  const slashAt = path.indexOf('/', from);
  return slashAt < 0 ? path.length : slashAt;
}

/** Where the first segment begins. The path `/` has none, which a position beyond the end says. */
export function findFirstSegment(path: string): number {
  return path.length === 1 ? 2 : 1;
}
