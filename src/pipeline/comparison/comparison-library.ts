import { Library } from '#base/library.ts';

/** What compares answers, which most configurations do without. */
export const comparisonLibrary = new Library('comparison of answers', () => import('./answer-comparison.ts'));
