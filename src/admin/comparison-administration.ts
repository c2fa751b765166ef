/** What has come of comparing answers to copies of requests with those of the services. */
import type { Difference } from '#http/answer-diff/difference.ts';
import type { ComparisonResult } from '#pipeline/comparison/comparison-results.ts';

export interface ComparisonExample {
  readonly at: string;
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** All differences at one place. */
export interface ComparedPlace {
  /** `status`, `field vary`, `body /items/*\/price`. */
  readonly place: string;
  readonly kind: Difference['kind'];
  readonly count: number;
  readonly examples: readonly ComparisonExample[];
}

export interface RouteComparison {
  readonly route: string;
  /** That copies go to. */
  readonly service: string;
  readonly since: string;
  readonly results: Readonly<Record<ComparisonResult, number>>;
  /** The most frequent first. */
  readonly differences: readonly ComparedPlace[];
  /** Differences at places that are not told one by one. */
  readonly furtherDifferences: number;
}

export interface ComparisonAdministration {
  list(): readonly RouteComparison[];
}
