/** Everything that the admin API shows and changes, one interface for each of its resources. */
import type { CacheAdministration } from './cache-administration.ts';
import type { ExchangeAdministration } from './exchange-administration.ts';
import type { QuotaAdministration } from './quota-administration.ts';
import type { ServiceAdministration } from './service-administration.ts';
import type { TrafficAdministration } from './traffic-administration.ts';

export interface Administrations {
  readonly services: ServiceAdministration;
  readonly quotas: QuotaAdministration;
  readonly cache: CacheAdministration;
  readonly traffic: TrafficAdministration;
  readonly exchanges: ExchangeAdministration;
}
