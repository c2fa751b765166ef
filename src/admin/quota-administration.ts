/** What the admin API shows of quotas, and what it can change about them while the gateway runs. */
import type { GatewayError } from '#base/errors.ts';
import type { Operator } from './operator.ts';

export interface QuotaView {
  /** Of this key in this window. */
  readonly id: string;
  /** Where the quota stands, what it counts by, and its period. */
  readonly quota: string;
  /** Empty where it may be a secret. */
  readonly key: string;
  readonly used: number;
  /** As it was for the last request. */
  readonly limit: number;
  /** When the window ends. */
  readonly until: string;
}

export interface QuotaPage {
  readonly quotas: readonly QuotaView[];
  /** Where the next page begins; none behind the last. */
  readonly next?: number;
}

export interface QuotaAdministration {
  /** In no order that means anything. */
  list(from: number, max: number): QuotaPage;
  /** Begins to count anew in the present window. An error tells why not. */
  reset(id: string, operator: Operator): GatewayError | undefined;
}
