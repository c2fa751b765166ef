/** The cache as the control thread sees it: it reads and purges the memory that data threads share, and asks one of them to purge the store. */
import type { CacheAdministration, CacheView, PurgeOutcome } from '#admin/cache-administration.ts';
import type { Operator } from '#admin/operator.ts';
import type { AnswerPurge } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { toAnswerMetrics } from '#stores/memory/answer-metrics.ts';
import { type AnswerCounts, SharedAnswers } from '#stores/memory/shared-answers.ts';
import type { DataPlanes } from './data-planes.ts';

export interface CacheSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly planes: DataPlanes;
  findConfiguration(): Configuration | undefined;
}

/** Of nobody who keeps answers: this thread only reads, and throws away. */
const NO_THREAD = -1;
const nothing: AnswerCounts = { answers: 0, bytes: 0, evictions: 0 };

export class CacheSide implements CacheAdministration {
  readonly #options: CacheSideOptions;
  #answers: SharedAnswers | undefined;

  constructor(options: CacheSideOptions) {
    this.#options = options;
  }

  get metricsText(): string {
    const answers = this.#findAnswers();
    const requests = this.#options.planes.cacheCounts.toMetricsText(this.#listRoutes());
    return answers === undefined ? requests : requests + toAnswerMetrics(answers.count());
  }

  show(): CacheView {
    const counts = this.#findAnswers()?.count() ?? nothing;
    return { ...counts, routes: this.#options.planes.cacheCounts.list(this.#listRoutes()) };
  }

  async purge(what: AnswerPurge, operator: Operator): Promise<PurgeOutcome> {
    const { clock, logger, planes } = this.#options;
    // The store first: what is read from it meanwhile is thrown out of memory behind it.
    const store = await planes.purgeStore(what);
    const answers = this.#findAnswers();
    const purged = answers === undefined ? 0 : await runInSlices(answers.purgeInSteps(what), clock);
    logger.log('info', 'cache purged by an operator', { ...what, purged, store, by: operator.by, address: operator.address });
    return { purged, store };
  }

  /** Another memory, where the configuration has changed its size. */
  #findAnswers(): SharedAnswers | undefined {
    const memory = this.#options.planes.answerMemory;
    if (memory === undefined) return undefined;
    if (this.#answers?.memory !== memory)
      this.#answers = new SharedAnswers(memory, { clock: this.#options.clock, threadNumber: NO_THREAD });
    return this.#answers;
  }

  #listRoutes(): string[] {
    return Object.keys(this.#options.findConfiguration()?.routes ?? {});
  }
}
