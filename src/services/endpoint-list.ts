import type { EndpointUrl } from '#schema/endpoint-url.ts';

/** One endpoint as threads are told of it. */
export interface EndpointRecord {
  readonly url: EndpointUrl;
  /** Its share of the exchanges, relative to the others; 0: none. */
  readonly weight: number;
  /** Those with a higher number wait until ones with a lower one fail. */
  readonly priority: number;
  readonly zone: string | undefined;
  /** Where it stands on the endpoint board. */
  readonly slot: number;
}

/** The endpoints of one service at one moment. */
export interface EndpointList {
  /** Grows with each change, so that an older list never replaces a newer one. */
  readonly version: number;
  readonly records: readonly EndpointRecord[];
  /** Where the service itself stands on the endpoint board. */
  readonly slot: number;
}

/** By the name of the service. */
export type EndpointLists = Readonly<Record<string, EndpointList>>;

/** As a user would write it; names the endpoint in logs, and tells it from the others of its service. */
export function formatEndpointUrl({ scheme, host, port, path }: EndpointUrl): string {
  if (path !== undefined) return `${scheme}+unix://${path}`;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
