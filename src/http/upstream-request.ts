/** Why a service is sent a request: the route leads there, another one did not answer, or it is given a copy. */
export type UpstreamPurpose = 'route' | 'fallback' | 'mirror';

/** What one attempt sends to an upstream. Policies of the `upstreamRequest` phase may change it. */
export interface UpstreamRequest {
  /** Name of the service. */
  readonly service: string;
  readonly purpose: UpstreamPurpose;
  method: string;
  /** Path and query as they are sent. */
  target: string;
  /** Value of the `host` field, which is sent first. */
  authority: string;
  /** Field names in lower case and values, alternating. Holds no hop-by-hop fields, `host`, `content-length` nor `transfer-encoding`. */
  fields: string[];
}
