import type { AnswerStore } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { CacheConfig } from './config.ts';
import type { StoringRules } from './storing.ts';

/** One place in the configuration where there is a cache: how it is set, and where it keeps answers. */
export interface CachePlace {
  readonly config: CacheConfig;
  readonly clock: Clock;
  readonly answers: AnswerStore;
  /** By which answers are kept, of what is set. */
  readonly rules: StoringRules;
}
