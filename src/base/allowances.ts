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

/** How it stands with a key, rule by rule, after it has asked. */
export interface AllowanceReading {
  /** How many more the key may take at once. */
  remaining(rule: number): number;
  /** How long until the key may take the whole burst. */
  restoredInMs(rule: number): number;
  /** How long until the key may take one more; 0: it may now. */
  nextInMs(rule: number): number;
}

/** Rules that count for one thing, for each key that asks for it. What is read is about the last call. */
export interface Allowance extends AllowanceReading {
  /**
   * Takes one for the key from every rule, or nothing from any of them. `ADMITTED`, or the position of the rule that
   * refuses.
   */
  take(key: string, nowMs: number): number;
}

/** An allowance of which others take too, who are heard of later. A key may so have taken more than it may. */
export interface RaisableAllowance extends Allowance {
  /** It takes at least so long until the key may take the whole burst by this rule. */
  raise(key: string, at: { readonly rule: number; readonly restoredInMs: number; readonly nowMs: number }): void;
}

export interface Allowances {
  /** Whoever opens the same name with the same rules shares the counts, also later. */
  open(name: string, rules: readonly AllowanceRule[]): Allowance;
  openRaisable(name: string, rules: readonly AllowanceRule[]): RaisableAllowance;
  /** For metrics: somebody was refused. */
  countRefused(): void;
  /** For metrics: a store that should have decided did not. */
  countStoreFailure(): void;
}

/** What a store outside of the process has decided. */
export interface StoreDecision extends AllowanceReading {
  /** `ADMITTED`, or the position of the rule that refuses. */
  readonly refusing: number;
}

/** Rules that a store counts for all gateways. */
export interface StoreAllowance {
  /**
   * As `Allowance.take`. `undefined`, at once or later: the store is away or slow, or refuses. Whether something was taken is
   * not known then.
   */
  take(key: string): Promise<StoreDecision | undefined> | undefined;
}

export interface StoreAllowances {
  /** Exact, at the cost of a question to the store for each request. */
  open(name: string, rules: readonly AllowanceRule[]): StoreAllowance;
  /** Decides by `local` at once, and tells the store of it later, from which it hears of what others have taken. */
  openLocalFirst(name: string, rules: readonly AllowanceRule[], local: RaisableAllowance): Allowance;
}

export const ADMITTED = -1;
