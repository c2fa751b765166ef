/** What a change of a configuration means for those who use the gateway, and how much that matters. */
import type { IssuePath } from '#config/issue.ts';

/** From what hurts to what nobody notices. */
export const grades = ['breaking', 'risky', 'notable', 'harmless'] as const;
export type Grade = (typeof grades)[number];

/** Before anybody has looked up where it stands. */
export interface FoundChange {
  readonly grade: Grade;
  /** What is different, as a sentence without a full stop. */
  readonly what: string;
  /** Why it is graded so. */
  readonly because: string;
  /** Where in the document; its deepest part that is still there is pointed at. */
  readonly path: IssuePath;
  /** `limit 100/minute → 50/minute` */
  readonly details?: readonly string[];
  /** Requests that show it. */
  readonly examples?: readonly string[];
}

export interface Change extends Omit<FoundChange, 'path'> {
  readonly path: string;
  /** `FILE:LINE:COLUMN` in the new configuration. */
  readonly place: string;
  readonly details: readonly string[];
  readonly examples: readonly string[];
}

/** Whether the first is at least as bad as the second. */
export function isAtLeast(grade: Grade, other: Grade): boolean {
  return grades.indexOf(grade) <= grades.indexOf(other);
}
