/** What is weak in a configuration, and how much that matters. */
import type { IssuePath } from '#config/issue.ts';
import type { Audited } from './audited.ts';

/** From what lets somebody in to what is merely not as tight as it could be. */
export const severities = ['high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];

/** One place where a rule found something. */
export interface Weakness {
  /** Where in the document; its deepest part that is there is pointed at. */
  readonly path: IssuePath;
  /** What is weak here, as a sentence without a full stop. */
  readonly what: string;
}

export interface AuditRule {
  /** Never changes: people accept findings by it. */
  readonly id: string;
  readonly severity: Severity;
  /** Why it matters: what somebody can do with it. */
  readonly because: string;
  /** The setting that mends it. */
  readonly mend: string;
  readonly find: (audited: Audited) => Iterable<Weakness>;
}

export interface AuditFinding extends Omit<AuditRule, 'find'> {
  readonly what: string;
  readonly path: string;
  /** `FILE:LINE:COLUMN` */
  readonly place: string;
}

/** Whether the first is at least as bad as the second. */
export function isAtLeast(severity: Severity, other: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(other);
}
