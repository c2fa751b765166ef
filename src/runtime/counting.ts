/**
 * What policies of one thread count in, kept from one configuration to the next, so that a reload gives nobody more. Most of it
 * is memory that threads share; a store is a connection to what gateways share.
 */
import type { Allowances } from '#base/allowances.ts';
import type { AnswerStore } from '#base/answer-store.ts';
import { assert } from '#base/assert.ts';
import type { Clock } from '#base/clock.ts';
import type { ConcurrencyLimits } from '#base/concurrency-limits.ts';
import type { KeyValueStore } from '#base/key-value-store.ts';
import type { Logger } from '#base/logger.ts';
import type { Quotas } from '#base/quotas.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { SettingsOfConfiguration } from '#snapshot/arrived-configuration.ts';
import type { EncodedConfiguration } from '#snapshot/encoded-configuration.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import type { RedisAnswers } from '#stores/redis/redis-answers.ts';
import { SharedAllowances } from '#stores/shared-allowances.ts';
import { provideConcurrencyMemory, SharedConcurrency } from '#stores/shared-concurrency.ts';
import { SharedQuotas } from '#stores/shared-quotas.ts';
import { type ProvidedStore, provideStore, type StoreConnectionMeans } from './store-connection.ts';

/** Where calls of aggregates are counted, and at which place each. */
export interface CallCountPlaces {
  readonly memory: SharedArrayBuffer;
  /** By `toCallKey`. */
  readonly slots: Readonly<Record<string, number>>;
}
/** How long memory is taken at its word about what gateways share: as long as a purge by another gateway may be late. */
const STORE_ANSWERS_NEAR_MS = 1_000;

/** Memory that the control thread hands to all threads. */
export interface CountingMemory {
  /** What rate limits count in, where threads share it. */
  readonly allowanceMemory?: SharedArrayBuffer | undefined;
  /** What limits of concurrency count in. */
  readonly concurrencyMemory?: SharedArrayBuffer | undefined;
  /** Where calls of aggregates are counted. */
  readonly callCounts?: CallCountPlaces | undefined;
  /** What quotas count in, which the control thread keeps. */
  readonly quotaMemory?: SharedArrayBuffer | undefined;
  /** What answers are kept in, where threads share it. */
  readonly answerMemory?: SharedArrayBuffer | undefined;
}

export interface PreparedCounting {
  readonly allowances: SharedAllowances | undefined;
  readonly concurrency: SharedConcurrency | undefined;
  readonly quotas: SharedQuotas | undefined;
  readonly answers: SharedAnswers | undefined;
  readonly store: ProvidedStore | undefined;
  /** The answers in that store, with `answers` in front. */
  readonly storeAnswers: RedisAnswers | undefined;
  readonly openMemoryStore: () => Promise<KeyValueStore>;
}

type CountingServices = Pick<
  PolicyServices,
  'allowances' | 'concurrency' | 'quotas' | 'answers' | 'storeAnswers' | 'sharedStore' | 'storeAllowances' | 'openMemoryStore'
>;

/** What the thread that counts has. */
export interface CountingThread {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly threadNumber: number;
  /** Called once, by who first needs it. */
  readonly openMemoryStore: () => Promise<KeyValueStore>;
}

export class Counting {
  readonly #thread: CountingThread;
  #present: PreparedCounting;
  #memoryStore: Promise<KeyValueStore> | undefined;

  constructor(thread: CountingThread) {
    this.#thread = thread;
    const openMemoryStore = () => {
      this.#memoryStore ??= thread.openMemoryStore();
      return this.#memoryStore;
    };
    this.#present = {
      allowances: undefined,
      concurrency: undefined,
      quotas: undefined,
      answers: undefined,
      store: undefined,
      storeAnswers: undefined,
      openMemoryStore,
    };
  }

  /** What rate limits count in; `undefined` where there has been none. */
  get allowanceMemory(): SharedArrayBuffer | undefined {
    return this.#present.allowances?.memory;
  }

  /** What answers are kept in; `undefined` where none are. */
  get answers(): SharedAnswers | undefined {
    return this.#present.answers;
  }

  get storeAnswers(): RedisAnswers | undefined {
    return this.#present.storeAnswers;
  }

  /** What a configuration counts in. What it does not count is not there. */
  async prepare(
    { allowanceKeysMax, countsConcurrency, countsQuotas, answerBytesMax }: EncodedConfiguration,
    settings: SettingsOfConfiguration,
    { memory, storeMeans }: { readonly memory: CountingMemory; readonly storeMeans: StoreConnectionMeans },
  ): Promise<PreparedCounting> {
    const answers = answerBytesMax === 0 ? undefined : this.#provideAnswers(answerBytesMax, memory);
    const store = await provideStore(settings, this.#present.store, storeMeans);
    return {
      allowances: allowanceKeysMax === 0 ? undefined : this.#provideAllowances(allowanceKeysMax, memory),
      concurrency: countsConcurrency ? this.#provideConcurrency(memory) : undefined,
      quotas: countsQuotas ? this.#provideQuotas(memory) : undefined,
      answers,
      store,
      storeAnswers: answers && store && this.#provideStoreAnswers(answers, store),
      openMemoryStore: this.#present.openMemoryStore,
    };
  }

  commit({ allowances, concurrency, quotas, answers, store, storeAnswers }: PreparedCounting): void {
    const before = this.#present;
    this.#present = {
      ...before,
      allowances: allowances ?? before.allowances,
      concurrency: concurrency ?? before.concurrency,
      quotas: quotas ?? before.quotas,
      answers: answers ?? before.answers,
      store,
      storeAnswers,
    };
    if (store !== before.store) before.store?.store.close();
  }

  abandon({ store }: PreparedCounting): void {
    if (store !== this.#present.store) store?.store.close();
  }

  close(): void {
    this.#present.store?.store.close();
  }

  #provideAllowances(keysMax: number, { allowanceMemory }: CountingMemory): SharedAllowances {
    const { allowances } = this.#present;
    const memory = allowanceMemory ?? provideAllowanceMemory(keysMax, allowances?.memory);
    return allowances?.memory === memory ? allowances : new SharedAllowances(memory, this.#thread.logger);
  }

  #provideConcurrency({ concurrencyMemory }: CountingMemory): SharedConcurrency {
    const { concurrency } = this.#present;
    const memory = concurrencyMemory ?? provideConcurrencyMemory({ threads: 1, present: concurrency?.memory });
    return concurrency?.memory === memory ? concurrency : new SharedConcurrency(memory, this.#thread.threadNumber);
  }

  #provideQuotas({ quotaMemory }: CountingMemory): SharedQuotas {
    assert(quotaMemory !== undefined, 'the control thread has what quotas count in');
    const { quotas } = this.#present;
    return quotas?.memory === quotaMemory ? quotas : new SharedQuotas(quotaMemory, this.#thread);
  }

  /** It knows what it waits for, so it is kept like the two. */
  #provideStoreAnswers(answers: SharedAnswers, store: ProvidedStore): RedisAnswers {
    const { answers: answersBefore, store: storeBefore, storeAnswers } = this.#present;
    if (storeAnswers !== undefined && answers === answersBefore && store === storeBefore) return storeAnswers;
    return store.store.openAnswers(answers, STORE_ANSWERS_NEAR_MS);
  }

  #provideAnswers(bytes: number, { answerMemory }: CountingMemory): SharedAnswers {
    const { answers } = this.#present;
    const memory = answerMemory ?? provideAnswerMemory({ bytes, threads: 1 }, answers?.memory);
    return answers?.memory === memory ? answers : new SharedAnswers(memory, this.#thread);
  }
}

const noAnswers: AnswerStore = {
  find: failToCount,
  fetch: failToCount,
  put: failToCount,
  remove: failToCount,
  invalidate: failToCount,
  purge: failToCount,
  eraOf: failToCount,
};

/** A policy counts only in what its configuration was encoded to count in. */
export function toCountingServices(prepared: PreparedCounting): CountingServices {
  const { allowances, concurrency, quotas, answers, store, storeAnswers, openMemoryStore } = prepared;
  return {
    allowances: allowances ?? noAllowances,
    concurrency: concurrency ?? noConcurrency,
    quotas: quotas ?? noQuotas,
    answers: answers ?? noAnswers,
    storeAnswers,
    sharedStore: store?.store,
    storeAllowances: store?.store,
    openMemoryStore,
  };
}

const noAllowances: Allowances = {
  open: failToCount,
  openRaisable: failToCount,
  countRefused: failToCount,
  countStoreFailure: failToCount,
};
const noConcurrency: ConcurrencyLimits = { open: failToCount };
const noQuotas: Quotas = { open: failToCount };

function failToCount(): never {
  assert(false, 'a configuration that counts something has what it counts in');
}
