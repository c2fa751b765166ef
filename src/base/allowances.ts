/**
 * How often somebody may do something, and who keeps count. Policies ask through these interfaces, wherever the counts are
 * kept.
 */
export interface AllowanceRule {
  /** So many in the window, evenly spread. */
  readonly limit: number;
  readonly windowMs: number;
  /** So many at once. */
  readonly burst: number;
}

/** Rules that count for one thing, for each key that asks for it. */
export interface Allowance {
  /**
   * Takes one for the key from every rule, or nothing from any of them. `ADMITTED`, or the position of the rule that
   * refuses. What the others tell is about the last call.
   */
  take(key: string, nowMs: number): number;
  /** How many more the key may take at once. */
  remaining(rule: number): number;
  /** How long until the key may take the whole burst. */
  restoredInMs(rule: number): number;
  /** How long until the key may take one more; 0: it may now. */
  nextInMs(rule: number): number;
}

export interface Allowances {
  /** Whoever opens the same name with the same rules shares the counts, also later. */
  open(name: string, rules: readonly AllowanceRule[]): Allowance;
}

export const ADMITTED = -1;
