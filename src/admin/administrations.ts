/** Everything that the admin API shows and changes, one interface for each of its resources. */
import type { AuditLog } from './audit-log.ts';
import type { CacheAdministration } from './cache-administration.ts';
import type { ComparisonAdministration } from './comparison-administration.ts';
import type { ConfigurationAdministration } from './configuration-administration.ts';
import type { ExchangeAdministration } from './exchange-administration.ts';
import type { GatewayAdministration } from './gateway-administration.ts';
import type { QuotaAdministration } from './quota-administration.ts';
import type { RecordingAdministration } from './recording-administration.ts';
import type { RouteAdministration } from './route-administration.ts';
import type { ServiceAdministration } from './service-administration.ts';
import type { TrafficAdministration } from './traffic-administration.ts';

export interface Administrations {
  readonly gateway: GatewayAdministration;
  readonly routes: RouteAdministration;
  readonly services: ServiceAdministration;
  readonly quotas: QuotaAdministration;
  readonly cache: CacheAdministration;
  readonly configurations: ConfigurationAdministration;
  readonly audit: AuditLog;
  readonly traffic: TrafficAdministration;
  readonly exchanges: ExchangeAdministration;
  readonly recordings: RecordingAdministration;
  readonly comparisons: ComparisonAdministration;
}
