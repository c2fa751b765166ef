/** What a comparison of answers comes to. */
export const comparisonResults = [
  'same',
  'different',
  /** What there was to compare is the same, and there was more. */
  'uncompared',
  /** One of both has no whole answer. */
  'failed',
  /** Too many were under way. */
  'skipped',
] as const;
export type ComparisonResult = (typeof comparisonResults)[number];
