/** Counts in memory, where it is decided, and settles with the store later. No request waits for the store. */
import { ADMITTED, type Allowance, type RaisableAllowance } from '#base/allowances.ts';
import type { Clock } from '#base/clock.ts';
import { OWED_TICKS_MAX } from '../gcra.ts';
import { settleScript } from './rate-scripts.ts';
import type { RuleKeys } from './rule-keys.ts';
import type { SettledAllowance, Settlement } from './settlement.ts';
import type { StoreCalls } from './store-calls.ts';

export interface LocalFirstMeans {
  readonly local: RaisableAllowance;
  readonly calls: StoreCalls;
  readonly settlement: Settlement;
  readonly clock: Clock;
}

export class LocalFirstAllowance implements Allowance, SettledAllowance {
  readonly #keys: RuleKeys;
  readonly #means: LocalFirstMeans;

  constructor(keys: RuleKeys, means: LocalFirstMeans) {
    this.#keys = keys;
    this.#means = means;
  }

  take(key: string, nowMs: number): number {
    const { local, settlement } = this.#means;
    const id = this.#keys.toId(key);
    const refusing = local.take(id, nowMs);
    if (refusing === ADMITTED) settlement.add(id, this);
    return refusing;
  }

  remaining(rule: number): number {
    return this.#means.local.remaining(rule);
  }

  restoredInMs(rule: number): number {
    return this.#means.local.restoredInMs(rule);
  }

  nextInMs(rule: number): number {
    return this.#means.local.nextInMs(rule);
  }

  settle(id: string, count: number, onHeard: (owes: boolean) => void): boolean {
    const keys = this.#keys.toStoreKeys(id);
    const values = [String(count), String(OWED_TICKS_MAX), ...this.#keys.ruleArguments];
    return this.#means.calls.count(settleScript, { keys, values }, (aheads) => {
      onHeard(aheads?.length === keys.length && this.#hear(id, aheads));
    });
  }

  /** Whether the key has taken more than it may. */
  #hear(id: string, aheads: readonly number[]): boolean {
    const { local, settlement, clock } = this.#means;
    const nowMs = clock.monotonicMs();
    // What was let pass while the store was asked is not in its answer.
    const later = settlement.countOf(id);
    let owes = false;
    for (const [rule, gcra] of this.#keys.gcras.entries()) {
      const ahead = Math.min(aheads[rule]! + later * gcra.increment, OWED_TICKS_MAX);
      if (ahead > 0) local.raise(id, { rule, restoredInMs: ahead * gcra.tickMs, nowMs });
      owes ||= ahead > gcra.capacity;
    }
    return owes;
  }
}
