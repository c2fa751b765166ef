/** Quotas whose counts all threads of the process share. An entry belongs to one window: the next one begins with another. */
import { Calendar, type CalendarWindow } from '#base/calendar-window.ts';
import { KeyedHash } from '#base/keyed-hash.ts';
import type { Logger } from '#base/logger.ts';
import { type Quota, type QuotaOpening, type QuotaRule, type Quotas, WITHIN_QUOTA } from '#base/quotas.ts';
import { type CountedKey, KeyedCounts, NO_ROOM, TOO_MANY } from './keyed-counts.ts';
import { QuotaEntries, SHARED_KEY } from './quota-entries.ts';

const FULL_TOLD_EVERY_MS = 10_000;
const SECOND_MS = 1_000;

interface QuotaMeans {
  readonly counts: KeyedCounts;
  readonly entries: QuotaEntries;
  readonly hash: KeyedHash;
  readonly onFull: (nowMs: number) => void;
}

export class SharedQuotas implements Quotas {
  readonly memory: SharedArrayBuffer;
  readonly #means: QuotaMeans;
  readonly #logger: Logger;
  #toldMs = Number.NEGATIVE_INFINITY;
  #toldCount: number;

  constructor(memory: SharedArrayBuffer, { threadNumber, logger }: { readonly threadNumber: number; readonly logger: Logger }) {
    this.memory = memory;
    const counts = new KeyedCounts(memory, threadNumber);
    this.#means = {
      counts,
      entries: new QuotaEntries(counts),
      hash: new KeyedHash(...counts.entries.seed),
      onFull: (nowMs) => this.#tellFull(nowMs),
    };
    this.#logger = logger;
    this.#toldCount = counts.entries.overflowCount;
  }

  open({ name, showsKeys, rules }: QuotaOpening): Quota {
    return new SharedQuota(
      rules.map((rule) => new CountedRule(rule, name)),
      showsKeys,
      this.#means,
    );
  }

  #tellFull(nowMs: number): void {
    if (nowMs - this.#toldMs < FULL_TOLD_EVERY_MS && nowMs >= this.#toldMs) return;
    this.#toldMs = nowMs;
    const count = this.#means.counts.entries.overflowCount;
    this.#logger.log('warn', 'no room for more keys of quotas', { requests: count - this.#toldCount });
    this.#toldCount = count;
  }
}

/** A rule in its present window, and what of the last request it knows. */
class CountedRule {
  readonly limit: number;
  readonly name: string;
  readonly #calendar: Calendar;
  window: CalendarWindow = { startMs: 0, endMs: 0 };
  /** The rule itself in this window: the same key is another one for another rule, and in another window. */
  readonly own: CountedKey;
  readonly key: CountedKey;
  used = 0;
  at = NO_ROOM;

  constructor({ limit, period, timeZone }: QuotaRule, name: string) {
    this.limit = limit;
    this.name = `${name}, per ${period} in ${timeZone}`;
    this.#calendar = new Calendar(period, timeZone);
    this.own = { low: 0, high: 0, until: 0, max: limit };
    this.key = { ...this.own };
  }

  follow(nowMs: number, hash: KeyedHash): void {
    if (nowMs >= this.window.startMs && nowMs < this.window.endMs) return;
    this.window = this.#calendar.windowAt(nowMs);
    hash.hash(`${this.name} from ${this.window.startMs}`);
    this.own.low = hash.low;
    this.own.high = hash.high;
    this.own.until = Math.ceil(this.window.endMs / SECOND_MS) | 0;
    this.key.until = this.own.until;
  }
}

class SharedQuota implements Quota {
  readonly #rules: readonly CountedRule[];
  readonly #showsKeys: boolean;
  readonly #means: QuotaMeans;
  /** Of the request that is being counted. */
  #nowMs = 0;
  #rule: CountedRule;
  #shownKey = '';
  readonly #onClaim: (at: number) => void;

  constructor(rules: readonly CountedRule[], showsKeys: boolean, means: QuotaMeans) {
    this.#rules = rules;
    this.#showsKeys = showsKeys;
    this.#means = means;
    this.#rule = rules[0]!;
    this.#onClaim = (at) => means.entries.label(at, { name: this.#rule.name, key: this.#shownKey, max: this.#rule.limit });
  }

  take(key: string, nowMs: number): number {
    const rules = this.#rules;
    const { hash, counts } = this.#means;
    this.#nowMs = nowMs;
    for (const rule of rules) rule.follow(nowMs, hash);
    hash.hash(key);
    for (const rule of rules) {
      rule.key.low = hash.low ^ rule.own.low;
      rule.key.high = hash.high ^ rule.own.high;
    }
    // First a look, so that who is refused by one rule does not use up others even for a moment.
    if (rules.length > 1) {
      for (const rule of rules) rule.used = counts.look(rule.key);
      for (let i = 0; i < rules.length; i++) if (rules[i]!.used >= rules[i]!.limit) return i;
    }
    for (let i = 0; i < rules.length; i++) {
      if (this.#takeOne(rules[i]!, key)) continue;
      // Another thread has taken the last one in between.
      for (let j = 0; j < i; j++) this.#giveBack(rules[j]!);
      return i;
    }
    return WITHIN_QUOTA;
  }

  remaining(rule: number): number {
    const { limit, used } = this.#rules[rule]!;
    return Math.max(0, limit - used);
  }

  restoredInMs(rule: number): number {
    return this.#rules[rule]!.window.endMs - this.#nowMs;
  }

  windowMs(rule: number): number {
    const { startMs, endMs } = this.#rules[rule]!.window;
    return endMs - startMs;
  }

  #takeOne(rule: CountedRule, key: string): boolean {
    const { counts, entries, onFull } = this.#means;
    const nowS = Math.floor(this.#nowMs / SECOND_MS);
    this.#rule = rule;
    this.#shownKey = this.#showsKeys ? key : '';
    rule.at = counts.take(rule.key, nowS, this.#onClaim);
    if (rule.at === NO_ROOM) {
      onFull(this.#nowMs);
      this.#shownKey = SHARED_KEY;
      rule.at = counts.takeShared(rule.own, nowS, this.#onClaim);
    }
    // No room even there: refused, as one who has used up everything.
    rule.used = rule.at === NO_ROOM ? rule.limit : counts.count;
    if (rule.at === NO_ROOM || rule.at === TOO_MANY) return false;
    entries.setMax(rule.at, rule.limit);
    return true;
  }

  #giveBack(rule: CountedRule): void {
    this.#means.counts.give(rule.at);
    rule.used -= 1;
  }
}
