/** What the admin API shows of the gateway as a whole. */

/** As the present configuration and the running gateway say. */
export interface GatewayStatus {
  /** Of the program. */
  readonly version: string;
  readonly configuration: {
    readonly version: number;
    readonly hash: string;
    readonly appliedAt: string;
    /** Where it came from: the file, the API, a rollback. */
    readonly source: string;
    /** Who applied it; `file` for the file. */
    readonly by: string;
  };
  readonly startedAt: string;
  readonly threads: number;
  readonly ready: boolean;
  /** Why it is not. */
  readonly reason?: string;
}

export interface ListenerView {
  readonly name: string;
  readonly url: string;
  readonly protocols: readonly string[];
  readonly tls: boolean;
  /** Open ones, as they were counted within the last second. */
  readonly connections: number;
  /** Connections since the start. */
  readonly accepted: number;
  /** Connections that were closed at once, because there were too many or their PROXY header was wrong. */
  readonly refused: number;
}

export interface CertificateView {
  readonly names: readonly string[];
  /** Where it is served: the name of a listener, or `admin`; empty for one that services are shown. */
  readonly listener: string;
  readonly service?: string | undefined;
  readonly issuer: string;
  readonly notAfter: string;
  readonly daysLeft: number;
  readonly source: 'file' | 'acme';
  readonly problem?: string | undefined;
}

export interface ConsumerView {
  readonly name: string;
  readonly groups: readonly string[];
  /** Their kinds, never what they are. */
  readonly credentials: readonly string[];
}

export const limitKinds = ['rate-limit', 'concurrency', 'quota'] as const;

export interface LimitView {
  readonly kind: (typeof limitKinds)[number];
  /** On which level the policy stands, and at which listener or route. */
  readonly where: string;
  readonly limit: string;
  readonly by: string;
  /** Requests that policies of this kind have refused since the start, wherever they stand. */
  readonly refused: number;
}

export interface GatewayAdministration {
  showStatus(): GatewayStatus;
  listListeners(): readonly ListenerView[];
  listCertificates(): readonly CertificateView[];
  listConsumers(): readonly ConsumerView[];
  listLimits(): Promise<readonly LimitView[]>;
}
