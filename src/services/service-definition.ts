import type { TimeLimit } from '#http/upstream-call.ts';
import type { PoolSettings } from '#http/upstream-pool.ts';
import type { DialTls } from '#net/dial.ts';
import type { BalancingDefinition } from './balancing/balancing-definition.ts';
import type { OutlierSettings } from './outliers/outlier-settings.ts';
import type { ProtectionDefinition } from './protection/protection-definition.ts';

/** What a configuration says of a service, but for its endpoints: those may change while everything else stays. */
export interface ServiceDefinition {
  readonly name: string;
  readonly protocol: 'http1' | 'http2';
  /** For endpoints with `https` and `tls`. */
  readonly tls: DialTls;
  /** Each connection begins with a PROXY header of this version, so that it carries one client. */
  readonly proxyProtocol: 'v1' | 'v2' | undefined;
  /** What else takes its time is a matter of the request: its route may have other times than the service. */
  readonly connectLimit: TimeLimit;
  readonly pool: PoolSettings & { readonly idleMs: number };
  readonly balancing: BalancingDefinition;
  /** Which host name the upstream sees: the client's, the endpoint's, or a fixed one. */
  readonly host: 'client' | 'endpoint' | { readonly name: string };
  /** `undefined`: no endpoint is left out for how attempts end. */
  readonly outliers: OutlierSettings | undefined;
  /** `undefined`: exchanges are sent to it as they come. */
  readonly protection: ProtectionDefinition | undefined;
}
