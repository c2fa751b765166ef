/** How the control thread finds out whether the endpoints of a service are healthy. */
export interface HealthSettings {
  readonly probe: ProbeSettings;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Failed checks in a row after which an endpoint counts as unhealthy. */
  readonly unhealthyAfter: number;
  /** Checks in a row that went well, after which it counts as healthy again. */
  readonly healthyAfter: number;
  /** Checked in place of the endpoint's own. */
  readonly port: number | undefined;
}

export type ProbeSettings = HttpProbeSettings | GrpcProbeSettings | { readonly kind: 'tcp' };

export interface HttpProbeSettings {
  readonly kind: 'http';
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** `undefined`: as for the endpoint's requests. */
  readonly host: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly statuses: readonly StatusRange[];
  /** Has to stand in the body. */
  readonly text: string | undefined;
}

/** Both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** The protocol of gRPC for it, `grpc.health.v1`. */
export interface GrpcProbeSettings {
  readonly kind: 'grpc';
  /** Empty: the server as a whole. */
  readonly service: string;
  readonly host: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}
