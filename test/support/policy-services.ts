/** What policies may ask of the gateway, where nothing is left to chance and no time passes by itself. */
import assert from 'node:assert/strict';
import { Keeper } from '#base/keeper.ts';
import { silentLogger } from '#base/logger.ts';
import { ConsumerDirectory } from '#pipeline/consumer-directory.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { provideAllowanceMemory } from '#stores/allowance-table.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { provideQuotaMemory } from '#stores/quota-entries.ts';
import { SharedAllowances } from '#stores/shared-allowances.ts';
import { provideConcurrencyMemory, SharedConcurrency } from '#stores/shared-concurrency.ts';
import { SharedQuotas } from '#stores/shared-quotas.ts';
import { FakeClock } from './fake-clock.ts';

const KEYS_MAX = 100;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

export function createPolicyServices(parts: Partial<PolicyServices> = {}): PolicyServices {
  const { clock = new FakeClock() } = parts;
  return {
    clock,
    logger: silentLogger,
    random: createSeededRandom(1),
    consumers: new ConsumerDirectory({}),
    later: new ManualTimers().later,
    addressLists: {},
    texts: {},
    countries: undefined,
    contracts: {},
    allowances: new SharedAllowances(provideAllowanceMemory(KEYS_MAX), silentLogger),
    concurrency: new SharedConcurrency(provideConcurrencyMemory({ threads: 1, keysMax: KEYS_MAX }), 0),
    quotas: new SharedQuotas(provideQuotaMemory(KEYS_MAX), { threadNumber: 0, logger: silentLogger }),
    answers: new SharedAnswers(provideAnswerMemory({ bytes: ANSWER_BYTES_MAX, threads: 1 }), { clock, threadNumber: 0 }),
    storeAnswers: undefined,
    keeper: new Keeper(),
    sharedStore: undefined,
    storeAllowances: undefined,
    openMemoryStore: async () => assert.fail('nothing is kept in the memory of the process'),
    tokenKeys: undefined,
    callHttp: async ({ url }) => assert.fail(`nobody is there at ${url}`),
    callService: async (_exchange, service) => assert.fail(`nobody is there as ${service}`),
    place: 'gateway',
    ...parts,
  };
}

/** Numbers of at least 0 and below 1, the same ones for the same seed (Mulberry32). */
export function createSeededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Timers that run when a test says so. */
export class ManualTimers {
  readonly #waiting = new Map<() => void, number>();

  readonly later = (delayMs: number, run: () => void): (() => void) => {
    const once = () => run();
    this.#waiting.set(once, delayMs);
    return () => void this.#waiting.delete(once);
  };

  /** The delays of all that wait, in the order in which they began. */
  get delaysMs(): readonly number[] {
    return [...this.#waiting.values()];
  }

  runAll(): void {
    for (const run of [...this.#waiting.keys()]) {
      this.#waiting.delete(run);
      run();
    }
  }
}
