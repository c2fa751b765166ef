/** What the admin API shows of the cache, and what it can throw out of it while the gateway runs. */
import type { AnswerPurge } from '#base/answer-store.ts';
import type { CacheResult } from '#http/cache-result.ts';
import type { Operator } from './operator.ts';

export interface CacheView {
  /** Kept in memory, by all data threads together. */
  readonly answers: number;
  readonly bytes: number;
  /** Still of use when they had to go. */
  readonly evictions: number;
  /** What requests were answered from, by route. Without a name: all those together for which there was no room. */
  readonly routes: readonly { readonly route: string; readonly results: Readonly<Partial<Record<CacheResult, number>>> }[];
}

/** Whether what other gateways share was purged too. */
export const storePurges = ['none', 'purged', 'failed'] as const;

export interface PurgeOutcome {
  /** How many answers were thrown out of memory. */
  readonly purged: number;
  readonly store: (typeof storePurges)[number];
}

export interface CacheAdministration {
  show(): CacheView;
  purge(what: AnswerPurge, operator: Operator): Promise<PurgeOutcome>;
}
