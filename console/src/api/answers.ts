/** What the admin API answers. Written once, here: the console knows the gateway by HTTP only. */

export type Role = 'read' | 'operate' | 'admin';

export interface Status {
  /** Of Gatehouse. */
  readonly version: string;
  readonly configuration: { readonly version: number; readonly hash: string; readonly appliedAt: string };
  readonly startedAt: string;
  readonly threads: number;
  readonly ready: boolean;
  readonly reason?: string;
  readonly role: Role;
  readonly user: string;
}

/** What passes, of one route, one service, or everything, on the average of a minute or of one second. */
export interface Traffic {
  readonly requestsPerSecond: number;
  /** Of status 500 and above. */
  readonly errorsPerSecond: number;
  readonly clientErrorsPerSecond: number;
  readonly inFlight: number;
  /** 0 where nothing passed. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
}

export interface TrafficPoint extends Traffic {
  readonly at: string;
}

export interface NamedTraffic extends Traffic {
  readonly name: string;
}

export interface ServiceTraffic extends NamedTraffic {
  readonly endpoints: number;
  readonly healthy: number;
  readonly connections: number;
  readonly waiting: number;
  readonly retriesPerSecond: number;
}

export interface ThreadTraffic {
  readonly number: number;
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** 0 to 1. */
  readonly utilization: number;
  readonly heapBytes: number;
  readonly connections: number;
}

/** Rates and durations are of the last minute. */
export interface TrafficReport {
  readonly at: string;
  /** Less than a minute while the gateway is younger. */
  readonly windowSeconds: number;
  /** The last second of the total. */
  readonly point?: TrafficPoint;
  readonly total: Traffic;
  readonly routes: readonly NamedTraffic[];
  readonly services: readonly ServiceTraffic[];
  readonly threads: readonly ThreadTraffic[];
  /** `cpu`: how many cores are busy. */
  readonly process: { readonly rssBytes: number; readonly cpu: number };
}

export interface TrafficHistory {
  readonly points: readonly TrafficPoint[];
}

export interface RouteTraffic extends TrafficHistory {
  readonly statuses: Readonly<Record<string, number>>;
}

export interface Listener {
  readonly name: string;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly tls: boolean;
  readonly connections: number;
  readonly refused: number;
}

export interface RouteSummary {
  readonly name: string;
  readonly match: readonly string[];
  readonly to: string;
  readonly policies: readonly string[];
  readonly services: readonly string[];
}

export interface RoutePage {
  readonly routes: readonly RouteSummary[];
  readonly total: number;
  readonly next?: number;
}

export interface RoutePolicy {
  readonly name: string;
  readonly level: 'gateway' | 'listener' | 'route';
  readonly settings: unknown;
  readonly summary?: string;
}

export interface RouteDetails extends Omit<RouteSummary, 'policies'> {
  /** In the order in which they run. */
  readonly policies: readonly RoutePolicy[];
  readonly definition: string;
}

export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly weight: number;
  readonly origins: readonly string[];
  readonly draining: boolean;
  readonly unhealthy: boolean;
  readonly ejected: boolean;
}

export interface Service {
  readonly name: string;
  readonly version: number;
  readonly endpoints: readonly Endpoint[];
  readonly removed: readonly string[];
}

export interface Certificate {
  readonly names: readonly string[];
  /** Empty for one that services are shown. */
  readonly listener: string;
  readonly service?: string;
  readonly problem?: string;
  readonly issuer: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly source: 'file' | 'acme';
}

export interface Consumer {
  readonly name: string;
  readonly groups: readonly string[];
  readonly credentials: readonly string[];
}

export interface Quota {
  readonly id: string;
  readonly quota: string;
  readonly key: string;
  readonly used: number;
  readonly limit: number;
  readonly until: string;
}

export interface QuotaPage {
  readonly quotas: readonly Quota[];
  readonly next?: number;
}

export interface Cache {
  readonly answers: number;
  readonly bytes: number;
  readonly evictions: number;
  readonly routes: readonly { readonly route: string; readonly results: Readonly<Record<string, number>> }[];
}

export interface PurgeOutcome {
  readonly purged: number;
  readonly store: 'none' | 'purged' | 'failed';
}

export interface Limit {
  readonly kind: 'rate-limit' | 'concurrency' | 'quota';
  readonly where: string;
  readonly limit: string;
  readonly by: string;
  /** By all policies of this kind. */
  readonly refused: number;
}

export interface PresentConfiguration {
  readonly version: number;
  readonly hash: string;
  readonly text: string;
  readonly appliedAt: string;
}

export interface ConfigurationIssue {
  readonly line?: number;
  readonly column?: number;
  readonly path?: string;
  readonly message: string;
  readonly severity: string;
}

export interface ConfigurationCheck {
  readonly ok: boolean;
  readonly issues: readonly ConfigurationIssue[];
}

export interface HistoryEntry {
  readonly hash: string;
  readonly version: number;
  readonly appliedAt: string;
  readonly source: 'file' | 'api' | 'rollback' | 'reload';
  readonly by: string;
  readonly current: boolean;
  readonly lines: { readonly added: number; readonly removed: number };
  readonly traffic?: { readonly requests: number; readonly errors: number; readonly p95Ms: number };
}

export interface AuditEntry {
  readonly at: string;
  readonly by: string;
  /** Of nobody who was not let in. */
  readonly role?: Role;
  readonly address: string;
  readonly action: string;
  readonly target: string;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  readonly before?: string;
  readonly after?: string;
}

export interface ExchangeAttempt {
  readonly service?: string;
  readonly endpoint?: string;
  readonly cause?: string;
  readonly outcome?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly code?: string;
  readonly detail?: string;
}

export interface ExchangePolicy {
  readonly name: string;
  readonly phase: string;
  readonly decision: string;
  readonly durationMs?: number;
  readonly code?: string;
}

/** One exchange as it was, of the live tail and of recent errors. */
export interface ExchangeRecord {
  readonly id: string;
  readonly at: string;
  readonly listener?: string;
  readonly method: string;
  readonly host?: string;
  readonly target: string;
  readonly route?: string;
  readonly service?: string;
  readonly endpoint?: string;
  readonly status: number;
  readonly durationMs: number;
  readonly upstreamMs?: number;
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  readonly client?: string;
  readonly consumer?: string;
  readonly code?: string;
  readonly detail?: string;
  /** What a policy would have refused it with that only reports. */
  readonly reported?: string;
  readonly cache?: string;
  readonly fallback?: string;
  readonly notRetried?: string;
  readonly notes?: readonly { readonly about: string; readonly note: string }[];
  readonly attempts?: readonly ExchangeAttempt[];
  readonly policies?: readonly ExchangePolicy[];
}

export interface ExplainQuestion {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly listener?: string;
  readonly client?: string;
}

export interface OtherRoute {
  readonly route: string;
  readonly host?: string;
  readonly path: string;
  readonly because: string;
}

export interface EndpointChoice {
  readonly service: string;
  readonly balance: string;
  readonly endpoint?: string;
  readonly because: string;
  readonly candidates: readonly {
    readonly url: string;
    readonly weight: number;
    readonly priority: number;
    readonly percent: number;
  }[];
}

export interface Explanation {
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly target: string;
    readonly listener: string;
    readonly clientAddress: string;
  };
  readonly route?: {
    readonly name: string;
    readonly host?: string;
    readonly path: string;
    readonly because: readonly string[];
    readonly captures: Readonly<Record<string, string>>;
    readonly policies: readonly string[];
    readonly destination: string;
    readonly forwarding: readonly string[];
    readonly endpoints: readonly EndpointChoice[];
    readonly importance: string;
    readonly protection: readonly string[];
    readonly details: readonly string[];
    readonly fallback?: { readonly to: string; readonly instead: readonly string[] };
  };
  readonly ownPath?: { readonly policies: readonly string[] };
  readonly outranked: readonly OtherRoute[];
  readonly nearMisses: readonly OtherRoute[];
}
