/** What is read from a path that fits a pattern: its captures, and what the star stands for. */
import { compileAnchoredRegex } from './anchored-regex.ts';
import { findSegmentEnd, type PathShape } from './path-shape.ts';

/** As it is written in an image. */
export interface PathReadingDefinition {
  readonly captureNames: readonly string[];
  /** Positions of the captured segments, parallel to the names; empty for a regular expression. */
  readonly capturedSegments: readonly number[];
  /** How many segments precede the star, where there is one. */
  readonly segmentsBeforeRest?: number;
  readonly regex?: string;
}

export const noCaptures: readonly string[] = Object.freeze([]);

/** As JSON; empty when nothing is read. */
export function toPathReadingText(shape: PathShape): string {
  const isRead = shape.captureNames.length > 0 || shape.isPrefix || shape.regex !== undefined;
  if (!isRead) return '';
  const definition: PathReadingDefinition = {
    captureNames: shape.captureNames,
    capturedSegments: shape.literals.flatMap((literal, index) => (literal === undefined ? [index] : [])),
    ...(shape.isPrefix ? { segmentsBeforeRest: shape.literals.length } : {}),
    ...(shape.regex === undefined ? {} : { regex: shape.source }),
  };
  return JSON.stringify(definition);
}

export class PathReading {
  readonly captureNames: readonly string[];
  readonly regex: RegExp | undefined;
  readonly #capturedSegments: readonly number[];
  /** -1 where there is no star. */
  readonly #segmentsBeforeRest: number;

  constructor(definition: PathReadingDefinition) {
    this.captureNames = definition.captureNames.length === 0 ? noCaptures : definition.captureNames;
    this.regex = definition.regex === undefined ? undefined : compileAnchoredRegex(definition.regex);
    this.#capturedSegments = definition.capturedSegments;
    this.#segmentsBeforeRest = definition.segmentsBeforeRest ?? -1;
  }

  /** Captured values in the order of their names. The path must fit. Nothing is decoded. */
  readCaptures(path: string): readonly string[] {
    if (this.captureNames === noCaptures) return noCaptures;
    if (this.regex !== undefined) return this.#readGroups(path, this.regex);
    const captures: string[] = [];
    let segment = 0;
    let at = 1;
    for (const captured of this.#capturedSegments) {
      for (; segment < captured; segment += 1) at = findSegmentEnd(path, at) + 1;
      captures.push(path.slice(at, findSegmentEnd(path, at)));
    }
    return captures;
  }

  #readGroups(path: string, regex: RegExp): readonly string[] {
    const groups = regex.exec(path)?.groups;
    return this.captureNames.map((name) => groups?.[name] ?? '');
  }

  /** What the star stands for, without the slash before it. The path must fit. */
  readRest(path: string): string {
    if (this.#segmentsBeforeRest < 0) return '';
    let at = 1;
    for (let segment = 0; segment < this.#segmentsBeforeRest; segment += 1) at = findSegmentEnd(path, at) + 1;
    return at < path.length ? path.slice(at) : '';
  }
}
