/** Allowances whose counts all threads of the process share. */
import { ADMITTED, type AllowanceRule, type Allowances, type RaisableAllowance } from '#base/allowances.ts';
import { KeyedHash } from '#base/keyed-hash.ts';
import type { Logger } from '#base/logger.ts';
import { type AllowanceKey, AllowanceTable } from './allowance-table.ts';
import { Gcra } from './gcra.ts';

const FULL_TOLD_EVERY_MS = 10_000;

export class SharedAllowances implements Allowances {
  readonly memory: SharedArrayBuffer;
  readonly #table: AllowanceTable;
  readonly #hash: KeyedHash;
  readonly #logger: Logger;
  #toldMs = Number.NEGATIVE_INFINITY;
  #toldCount = 0;

  constructor(memory: SharedArrayBuffer, logger: Logger) {
    this.memory = memory;
    this.#table = new AllowanceTable(memory);
    this.#hash = new KeyedHash(...this.#table.seed);
    this.#logger = logger;
    this.#toldCount = this.#table.overflowCount;
  }

  open(name: string, rules: readonly AllowanceRule[]): SharedAllowance {
    return this.#open(name, rules, false);
  }

  openRaisable(name: string, rules: readonly AllowanceRule[]): RaisableAllowance {
    return this.#open(`raisable ${name}`, rules, true);
  }

  countRefused(): void {
    this.#table.countRefused();
  }

  countStoreFailure(): void {
    this.#table.countStoreFailure();
  }

  #open(name: string, rules: readonly AllowanceRule[], mayOwe: boolean): SharedAllowance {
    const counted = rules.map((rule) => {
      const { limit, windowMs, burst } = rule;
      this.#hash.hash(`${limit} ${windowMs} ${burst} ${name}`);
      return new CountedRule(new Gcra(rule, { mayOwe }), this.#hash);
    });
    return new SharedAllowance(counted, { table: this.#table, hash: this.#hash, onFull: (nowMs) => this.#tellFull(nowMs) });
  }

  #tellFull(nowMs: number): void {
    if (nowMs - this.#toldMs < FULL_TOLD_EVERY_MS) return;
    this.#toldMs = nowMs;
    const count = this.#table.overflowCount;
    this.#logger.log('warn', 'no room for more keys of rate limits', { requests: count - this.#toldCount });
    this.#toldCount = count;
  }
}

/** A rule, and what of the last request it knows. */
class CountedRule {
  readonly gcra: Gcra;
  /** The hash of the rule itself: the same key is another one for another rule. */
  readonly own: AllowanceKey;
  readonly key: AllowanceKey = { low: 0, high: 0 };
  ahead = 0;
  isShared = false;

  constructor(gcra: Gcra, { low, high }: KeyedHash) {
    this.gcra = gcra;
    this.own = { low, high };
  }
}

interface AllowanceMeans {
  readonly table: AllowanceTable;
  readonly hash: KeyedHash;
  readonly onFull: (nowMs: number) => void;
}

class SharedAllowance implements RaisableAllowance {
  readonly #rules: readonly CountedRule[];
  readonly #means: AllowanceMeans;

  constructor(rules: readonly CountedRule[], means: AllowanceMeans) {
    this.#rules = rules;
    this.#means = means;
  }

  take(key: string, nowMs: number): number {
    const rules = this.#rules;
    const { table } = this.#means;
    this.#setKey(key);
    // First a look, so that who is refused by one rule does not use up others even for a moment.
    if (rules.length > 1) {
      for (const rule of rules) rule.ahead = table.look(rule.gcra, rule.key, nowMs);
      for (let i = 0; i < rules.length; i++) if (!rules[i]!.gcra.admits(rules[i]!.ahead)) return i;
    }
    for (let i = 0; i < rules.length; i++) {
      if (this.#takeOne(rules[i]!, nowMs)) continue;
      // Another thread has taken the last one in between.
      for (let j = 0; j < i; j++) this.#giveBack(rules[j]!);
      return i;
    }
    return ADMITTED;
  }

  remaining(rule: number): number {
    const { gcra, ahead } = this.#rules[rule]!;
    return gcra.remaining(ahead);
  }

  restoredInMs(rule: number): number {
    const { gcra, ahead } = this.#rules[rule]!;
    return ahead * gcra.tickMs;
  }

  nextInMs(rule: number): number {
    const { gcra, ahead } = this.#rules[rule]!;
    return gcra.nextInMs(ahead);
  }

  raise(key: string, at: { readonly rule: number; readonly restoredInMs: number; readonly nowMs: number }): void {
    const { gcra, key: place } = this.#rules[at.rule]!;
    this.#setKey(key);
    this.#means.table.raise(gcra, place, { ahead: Math.ceil(at.restoredInMs / gcra.tickMs), nowMs: at.nowMs });
  }

  /** Makes the key the one that is asked about. */
  #setKey(key: string): void {
    const { hash } = this.#means;
    hash.hash(key);
    for (const rule of this.#rules) {
      rule.key.low = hash.low ^ rule.own.low;
      rule.key.high = hash.high ^ rule.own.high;
    }
  }

  #takeOne(rule: CountedRule, nowMs: number): boolean {
    const { table, onFull } = this.#means;
    let taken = table.take(rule.gcra, rule.key, nowMs);
    rule.isShared = taken === 0;
    if (rule.isShared) {
      onFull(nowMs);
      taken = table.takeShared(rule.gcra, rule.own, nowMs);
    }
    // No room even there: refused, as one who has used up everything.
    rule.ahead = taken === 0 ? rule.gcra.capacity : Math.abs(taken);
    return taken > 0;
  }

  #giveBack(rule: CountedRule): void {
    this.#means.table.giveBack(rule.gcra, rule.isShared ? rule.own : rule.key, rule.isShared);
    rule.ahead = Math.max(0, rule.ahead - rule.gcra.increment);
  }
}
