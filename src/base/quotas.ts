/**
 * How much somebody may do in a day, week or month of the calendar, and who keeps count. Policies ask through these
 * interfaces, wherever the counts are kept.
 */
import type { CalendarPeriod } from './calendar-window.ts';

export interface QuotaRule {
  readonly limit: number;
  readonly period: CalendarPeriod;
  readonly timeZone: string;
}

/** Rules that count for one thing, for each key that asks for it. */
export interface Quota {
  /**
   * Takes one for the key from every rule, or nothing from any of them. `WITHIN_QUOTA`, or the position of the rule that
   * refuses. What the others tell is about the last call. `nowMs` is a time of the calendar.
   */
  take(key: string, nowMs: number): number;
  /** How many more the key may take in the present window. */
  remaining(rule: number): number;
  /** How long until the next window begins. */
  restoredInMs(rule: number): number;
  /** How long the present window is from end to end. */
  windowMs(rule: number): number;
}

export interface QuotaOpening {
  /** Whoever opens the same name shares the counts of each period, also later and with other limits. */
  readonly name: string;
  /** Operators may see the keys. */
  readonly showsKeys: boolean;
  readonly rules: readonly QuotaRule[];
}

export interface Quotas {
  open(opening: QuotaOpening): Quota;
}

export const WITHIN_QUOTA = -1;
