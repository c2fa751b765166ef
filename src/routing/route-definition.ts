/**
 * What a route table is compiled from and asked with: plain data, validated and brought to one form elsewhere. Hosts and
 * field names are lower-case, regular expressions compile, address blocks parse, and literal segments are written in the
 * form that the normalised request path has (`%2F` stays `%2F`). Hosts and literal segments are ASCII.
 */

export type PathSegment = { readonly literal: string } | { readonly capture: string };

/**
 * A path by whole segments. `/orders/*` is `[{ literal: 'orders' }]` with `isPrefix`: `/orders` and everything below it.
 * `/` has no segments; `/*` has none and is a prefix, so it is every path. A trailing slash is an empty last segment:
 * `/orders` does not match `/orders/`. A capture never matches an empty segment.
 */
export interface PathPattern {
  readonly source: string;
  readonly segments: readonly PathSegment[];
  readonly isPrefix: boolean;
}

/** Matches the whole path, without flags. Its named groups are captures. */
export interface PathRegex {
  readonly regex: string;
}

/** What a header, query parameter or cookie must be. A regular expression must match the whole value. */
export type ValueCondition = { readonly equals: string } | { readonly regex: string } | { readonly present: boolean };

/** Every part that is given must hold; a list holds when one of its elements does. An empty list is as good as none. */
export interface MatchDefinition {
  /** `a.b`, or `*.a.b` for one or more labels before `.a.b`. */
  readonly hosts?: readonly string[] | undefined;
  readonly paths?: readonly (PathPattern | PathRegex)[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, ValueCondition>> | undefined;
  readonly query?: Readonly<Record<string, ValueCondition>> | undefined;
  readonly cookies?: Readonly<Record<string, ValueCondition>> | undefined;
  /** Addresses and address blocks. */
  readonly clientIps?: readonly string[] | undefined;
  readonly listeners?: readonly string[] | undefined;
}

/** What a route does is not known here: a look-up finds the position of the route in the list of definitions. */
export interface RouteDefinition {
  readonly name: string;
  /** Any of them; no match at all, like an empty one, matches everything. */
  readonly matches: readonly MatchDefinition[];
  /** Decides between matches that are equally specific; higher wins. */
  readonly priority: number;
}

/** The facts of one request that routes are chosen by. */
export interface MatchSubject {
  readonly listener: string;
  /** Lower-case, without a port; empty when the request names none. */
  readonly host: string;
  /** Normalised; begins with `/`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly method: string;
  /** Lower-case names and values in turn. */
  readonly fields: readonly string[];
  readonly clientAddress: string;
}
