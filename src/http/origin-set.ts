/** The origins that a configuration names, asked with what a browser says. */
const MARK = '://*.';
const NAME = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;
/** Longer than a scheme, a host name and a port can be. */
const ORIGIN_LENGTH_MAX = 300;

interface Wildcard {
  /** `https://`. */
  readonly start: string;
  /** `.example.com:8443`. */
  readonly end: string;
}

export class OriginSet {
  readonly #exact: ReadonlySet<string>;
  readonly #wildcards: readonly Wildcard[];

  /** Patterns as `readOriginPattern` gives them. */
  constructor(patterns: readonly string[]) {
    this.#exact = new Set(patterns.filter((pattern) => !pattern.includes(MARK)));
    this.#wildcards = patterns.flatMap((pattern) => {
      const at = pattern.indexOf(MARK);
      return at < 0 ? [] : [{ start: `${pattern.slice(0, at)}://`, end: pattern.slice(at + MARK.length - 1) }];
    });
  }

  /** Browsers write origins in one way (RFC 6454 §6.2): what is written otherwise is none of these. */
  has(origin: string): boolean {
    if (this.#exact.has(origin)) return true;
    for (const { start, end } of this.#wildcards) {
      if (origin.length > ORIGIN_LENGTH_MAX || origin.length <= start.length + end.length) continue;
      if (!origin.startsWith(start) || !origin.endsWith(end)) continue;
      if (NAME.test(origin.slice(start.length, origin.length - end.length))) return true;
    }
    return false;
  }
}
