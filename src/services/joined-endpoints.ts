/** The endpoints of a service from all that names some: the configuration, a source, and an operator. */
import type { EndpointChanges } from './endpoint-changes.ts';
import { formatEndpointUrl } from './endpoint-list.ts';
import type { EndpointTarget } from './endpoint-source.ts';

export const endpointOrigins = ['configuration', 'discovery', 'operator'] as const;
export type EndpointOrigin = (typeof endpointOrigins)[number];

export interface JoinedEndpoint extends EndpointTarget {
  /** All that name it. */
  readonly origins: readonly EndpointOrigin[];
  readonly isDraining: boolean;
}

export interface NamedEndpoints {
  readonly configured: readonly EndpointTarget[];
  readonly discovered: readonly EndpointTarget[];
  readonly changes: EndpointChanges;
}

/** By URL, in the order in which they are named. One that is named twice has both weights. */
export function joinEndpoints({ configured, discovered, changes }: NamedEndpoints): Map<string, JoinedEndpoint> {
  const joined = new Map<string, JoinedEndpoint>();
  const add = (endpoint: EndpointTarget, origin: EndpointOrigin) => {
    const key = formatEndpointUrl(endpoint.url);
    const earlier = joined.get(key);
    if (earlier === undefined) joined.set(key, { ...endpoint, origins: [origin], isDraining: false });
    else
      joined.set(key, {
        ...earlier,
        weight: earlier.weight + endpoint.weight,
        origins: earlier.origins.includes(origin) ? earlier.origins : [...earlier.origins, origin],
      });
  };
  for (const endpoint of configured) add(endpoint, 'configuration');
  for (const endpoint of discovered) add(endpoint, 'discovery');
  for (const [key, { added, isRemoved, weight, isDraining }] of changes) {
    // An operator adds what is not there. Where something else names it meanwhile, that counts.
    if (added !== undefined && !joined.has(key)) add(added, 'operator');
    const endpoint = joined.get(key);
    if (endpoint === undefined) continue;
    if (isRemoved) joined.delete(key);
    else joined.set(key, { ...endpoint, weight: weight ?? endpoint.weight, isDraining });
  }
  return joined;
}
