/**
 * Finds the route of a request in an image (`route-image.ts`). All threads read the same image, and making a table of it
 * costs a thread next to nothing: what is compiled (conditions, regular expressions) is compiled when a request first needs it.
 *
 * A look-up costs about the same for ten routes and for ten thousand (`bench/routing.ts`), because it follows the request's
 * host and path segments and checks the conditions of only those routes that fit both.
 */
import { AskedText } from './asked-text.ts';
import { compileMatchConditions, findFailing, type MatchCondition } from './match-condition.ts';
import { noCaptures, PathReading, type PathReadingDefinition } from './path-reading.ts';
import { rankOf } from './path-shape.ts';
import type { MatchDefinition, MatchSubject } from './route-definition.ts';
import {
  candidateAt,
  hasParts,
  hostAt,
  imageAt,
  mayBeKey,
  nodeParts,
  TEXT_WORDS,
  toKeyWords,
  toPartOffset,
  toPosition,
  toRankMax,
  toSizeBits,
} from './route-image.ts';

/** What a look-up finds. */
export interface RouteMatch {
  /** Position of the route in the definitions. */
  readonly routeIndex: number;
  readonly captureNames: readonly string[];
  /** Raw values, parallel to the names; whoever uses one decodes it. */
  readonly captures: readonly string[];
  /** What the star of a prefix path stands for, without the slash before it; empty for any other path. */
  readonly rest: string;
}

const NONE = 0;
const DOT = 0x2e;
const SLASH = 0x2f;

export class RouteTable {
  readonly #image: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #seed: number;
  readonly #host = new AskedText();
  readonly #path = new AskedText();
  /** Whether the path of the present look-up has been written out. */
  #isPathAsked = false;
  /** The best candidate of the present search. */
  #found = NONE;
  #foundRank = -1;
  /** By the numbers of their texts; filled as requests need them. */
  readonly #readings: (PathReading | undefined)[];
  readonly #conditions: (readonly MatchCondition[] | undefined)[];

  constructor(image: SharedArrayBuffer) {
    const words = new Int32Array(image);
    this.#image = image;
    this.#words = words;
    this.#seed = words[imageAt.seed]!;
    this.#readings = new Array(words[imageAt.readingCount]!).fill(undefined);
    this.#conditions = new Array(words[imageAt.conditionsCount]!).fill(undefined);
  }

  /** The route of a request, or `undefined` when there is none. */
  lookup(subject: MatchSubject): RouteMatch | undefined {
    const candidate = this.#find(subject);
    return candidate === NONE ? undefined : this.#toMatch(candidate, subject.path);
  }

  #toMatch(candidate: number, path: string): RouteMatch {
    const routeIndex = this.#words[candidate + candidateAt.routeAndLast]! >>> 1;
    const number = this.#words[candidate + candidateAt.reading]!;
    if (number === 0) return { routeIndex, captureNames: noCaptures, captures: noCaptures, rest: '' };
    const reading = this.#readingAt(number);
    return {
      routeIndex,
      captureNames: reading.captureNames,
      captures: reading.readCaptures(path),
      rest: reading.readRest(path),
    };
  }

  #find(subject: MatchSubject): number {
    const words = this.#words;
    const exactHosts = words[imageAt.exactHosts]!;
    const wildcardHosts = words[imageAt.wildcardHosts]!;
    this.#isPathAsked = false;
    if ((exactHosts | wildcardHosts) !== NONE) {
      this.#host.set(subject.host);
      const host = exactHosts === NONE ? NONE : this.#findKey(exactHosts, this.#host, 0, this.#host.length);
      const found = host === NONE ? NONE : this.#findUnder(host, subject);
      if (found !== NONE) return found;
    }
    const found = wildcardHosts === NONE ? NONE : this.#findByWildcard(wildcardHosts, subject);
    return found === NONE ? this.#findUnder(words[imageAt.anyHost]!, subject) : found;
  }

  /** From the left, so the longest goes first. The star stands for at least one label, hence for one character. */
  #findByWildcard(hosts: number, subject: MatchSubject): number {
    const host = this.#host;
    const bytesMax = this.#words[imageAt.wildcardBytesMax]!;
    let dotAt = host.find(DOT, Math.max(1, host.length - bytesMax));
    while (dotAt < host.length) {
      const wildcard = this.#findKey(hosts, host, dotAt, host.length);
      const found = wildcard === NONE ? NONE : this.#findUnder(wildcard, subject);
      if (found !== NONE) return found;
      dotAt = host.find(DOT, dotAt + 1);
    }
    return NONE;
  }

  #findUnder(host: number, subject: MatchSubject): number {
    const byPattern = this.#findByPattern(host + hostAt.words, subject);
    if (byPattern !== NONE) return byPattern;
    const regexes = this.#words[host + hostAt.regexes]!;
    const byRegex = regexes === NONE ? NONE : this.#findByRegex(regexes, subject);
    if (byRegex !== NONE) return byRegex;
    const everyPath = this.#words[host + hostAt.everyPath]!;
    return everyPath === NONE ? NONE : this.#findHolding(everyPath, subject);
  }

  #findByPattern(root: number, subject: MatchSubject): number {
    // Many hosts have no patterns: their routes take every path.
    if (!hasParts(this.#words[root]!)) return NONE;
    if (!this.#isPathAsked) this.#path.set(subject.path);
    this.#isPathAsked = true;
    this.#found = NONE;
    this.#foundRank = -1;
    // The path `/` has no segment, which a position beyond the end says.
    this.#search(root, subject, this.#path.length === 1 ? 2 : 1, 0);
    return this.#found;
  }

  #findByRegex(list: number, subject: MatchSubject): number {
    const words = this.#words;
    for (let candidate = list; ; candidate += candidateAt.words) {
      const { regex } = this.#readingAt(words[candidate + candidateAt.reading]!);
      if (regex?.test(subject.path) && this.#holds(candidate, subject)) return candidate;
      if (words[candidate + candidateAt.routeAndLast]! & 1) return NONE;
    }
  }

  /**
   * Finds the highest-ranking candidate at or below `node` that holds for the request, unless one that ranks as high is found
   * already. `at` is where the next segment begins, beyond the end when there is none; `rank` is that of the segments so far.
   * Literal branches are searched first and an equal rank replaces nothing, which makes the leftmost literal win. The depth is
   * that of the longest pattern, and no node is entered twice, so a request cannot make the search longer than the tree is
   * large.
   */
  #search(node: number, subject: MatchSubject, at: number, rank: number): void {
    const words = this.#words;
    const head = words[node]!;
    if (toRankMax(head) <= this.#foundRank) return;
    if (at > this.#path.length) {
      if (head & nodeParts.endings) this.#takeBetter(words[node + 1]!, subject, rank + rankOf.ending);
    } else if (head & (nodeParts.literals | nodeParts.capture)) {
      const end = this.#path.find(SLASH, at);
      if (head & nodeParts.literals) {
        const literal = this.#findKey(words[node + toPartOffset(head, nodeParts.literals)]!, this.#path, at, end);
        if (literal !== NONE) this.#search(literal, subject, end + 1, rank + rankOf.literal);
      }
      if (head & nodeParts.capture && end > at)
        this.#search(words[node + toPartOffset(head, nodeParts.capture)]!, subject, end + 1, rank + rankOf.capture);
    }
    if (head & nodeParts.prefixes) this.#takeBetter(words[node + toPartOffset(head, nodeParts.prefixes)]!, subject, rank);
  }

  #takeBetter(list: number, subject: MatchSubject, rank: number): void {
    if (rank <= this.#foundRank) return;
    const found = this.#findHolding(list, subject);
    if (found === NONE) return;
    this.#found = found;
    this.#foundRank = rank;
  }

  /** The first candidate, in order, whose conditions the request meets. */
  #findHolding(list: number, subject: MatchSubject): number {
    for (let candidate = list; ; candidate += candidateAt.words) {
      if (this.#holds(candidate, subject)) return candidate;
      if (this.#words[candidate + candidateAt.routeAndLast]! & 1) return NONE;
    }
  }

  #holds(candidate: number, subject: MatchSubject): boolean {
    const number = this.#words[candidate + candidateAt.conditions]!;
    return number === 0 || findFailing(this.#conditionsAt(number), subject) === undefined;
  }

  /** What the key leads to that equals what is asked for from `from` to `to`. */
  #findKey(keys: number, asked: AskedText, from: number, to: number): number {
    const words = this.#words;
    const position = toPosition(keys);
    const sizeBits = toSizeBits(keys);
    if (sizeBits === 0) return asked.isKey(words, position, from, to) ? position + 1 + toKeyWords(to - from) : NONE;
    const mask = (1 << sizeBits) - 1;
    const hash = asked.hash(from, to, this.#seed);
    for (let index = hash & mask; ; index = (index + 1) & mask) {
      const slot = words[position + index]!;
      const key = toPosition(slot);
      if (key === NONE) return NONE;
      if (mayBeKey(slot, hash) && asked.isKey(words, key, from, to)) return key + 1 + toKeyWords(to - from);
    }
  }

  #readingAt(number: number): PathReading {
    return this.#readings[number - 1] ?? this.#makeReading(number);
  }

  #makeReading(number: number): PathReading {
    const made = new PathReading(this.#readText(imageAt.readings, number) as PathReadingDefinition);
    this.#readings[number - 1] = made;
    return made;
  }

  #conditionsAt(number: number): readonly MatchCondition[] {
    return this.#conditions[number - 1] ?? this.#makeConditions(number);
  }

  #makeConditions(number: number): readonly MatchCondition[] {
    const made = compileMatchConditions(this.#readText(imageAt.conditions, number) as MatchDefinition);
    this.#conditions[number - 1] = made;
    return made;
  }

  #readText(directoryAt: number, number: number): unknown {
    const at = this.#words[directoryAt]! + (number - 1) * TEXT_WORDS;
    const text = Buffer.from(this.#image, this.#words[at]!, this.#words[at + 1]!).toString('utf8');
    return JSON.parse(text);
  }
}
