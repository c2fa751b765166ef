/** Counts in the store alone, which answers for each request. */
import { ADMITTED, type StoreAllowance, type StoreDecision } from '#base/allowances.ts';
import type { Gcra } from '../gcra.ts';
import { takeScript } from './rate-scripts.ts';
import type { RuleKeys } from './rule-keys.ts';
import type { StoreCalls } from './store-calls.ts';

/** One, and nobody owes anything. */
const TAKEN = ['1', '0'] as const;

export class StrictAllowance implements StoreAllowance {
  readonly #keys: RuleKeys;
  readonly #calls: StoreCalls;

  constructor(keys: RuleKeys, calls: StoreCalls) {
    this.#keys = keys;
    this.#calls = calls;
  }

  take(key: string): Promise<StoreDecision | undefined> | undefined {
    // Whoever asks is not to wait for nothing.
    if (!this.#calls.isReady) return undefined;
    const { gcras, ruleArguments } = this.#keys;
    const storeKeys = this.#keys.toStoreKeys(this.#keys.toId(key));
    return new Promise((resolve) => {
      const isSent = this.#calls.count(takeScript, { keys: storeKeys, values: [...TAKEN, ...ruleArguments] }, (numbers) => {
        const [refusing, ...aheads] = numbers ?? [];
        const isWhole = refusing !== undefined && refusing >= ADMITTED && aheads.length === gcras.length;
        resolve(isWhole ? new Decision(refusing, gcras, aheads) : undefined);
      });
      if (!isSent) resolve(undefined);
    });
  }
}

class Decision implements StoreDecision {
  readonly refusing: number;
  readonly #gcras: readonly Gcra[];
  readonly #aheads: readonly number[];

  constructor(refusing: number, gcras: readonly Gcra[], aheads: readonly number[]) {
    this.refusing = refusing;
    this.#gcras = gcras;
    this.#aheads = aheads;
  }

  remaining(rule: number): number {
    return this.#gcras[rule]!.remaining(this.#aheads[rule]!);
  }

  restoredInMs(rule: number): number {
    return this.#aheads[rule]! * this.#gcras[rule]!.tickMs;
  }

  nextInMs(rule: number): number {
    return this.#gcras[rule]!.nextInMs(this.#aheads[rule]!);
  }
}
