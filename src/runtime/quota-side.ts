/** Quotas as the control thread sees them. What keeps their counts is loaded by configurations that have some. */
import { adminErrors } from '#admin/admin-errors.ts';
import type { Operator } from '#admin/operator.ts';
import type { QuotaAdministration, QuotaPage } from '#admin/quota-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import type { Logger } from '#base/logger.ts';
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Finding } from '#config/issue.ts';
import { policyDefinitions } from '#policies/registry.ts';
import { findPolicyNeeds } from '#snapshot/policy-needs.ts';
import type { QuotaKeeper } from './quota-keeper.ts';

export interface QuotaSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What quotas count in, or why there is nothing. */
export interface ProvidedQuotas {
  readonly memory?: SharedArrayBuffer | undefined;
  readonly finding?: Finding | undefined;
}

export class QuotaSide implements QuotaAdministration {
  readonly #options: QuotaSideOptions;
  #keeper: QuotaKeeper | undefined;

  constructor(options: QuotaSideOptions) {
    this.#options = options;
  }

  /** Opens the file of a configuration that is about to be the present one. It stays open until the end. */
  async provide(configuration: Configuration): Promise<ProvidedQuotas> {
    if (this.#keeper !== undefined) {
      this.#keeper.follow(configuration);
      return { memory: this.#keeper.memory };
    }
    if (!runAtOnce(findPolicyNeeds(configuration, policyDefinitions)).counts.has('quotas')) return {};
    const { QuotaKeeper } = await import('./quota-keeper.ts');
    const keeper = await QuotaKeeper.open(configuration, this.#options);
    if ('problem' in keeper) {
      const file = configuration.stores.file ?? '';
      return { finding: { path: ['stores', 'file'], code: 'conflict', message: `${file}: ${keeper.problem}` } };
    }
    this.#keeper = keeper;
    return { memory: keeper.memory };
  }

  /** Nobody counts any more: writes what has not been written, and closes the file. */
  stop(): void {
    this.#keeper?.close();
    this.#keeper = undefined;
  }

  list(from: number, max: number): QuotaPage {
    return this.#keeper?.list(from, max) ?? { quotas: [] };
  }

  reset(id: string, operator: Operator): GatewayError | undefined {
    if (this.#keeper?.reset(id) !== true) return adminErrors.noQuota();
    this.#options.logger.log('info', 'quota reset by an operator', { id, by: operator.by, address: operator.address });
    return undefined;
  }
}
