/** What the endpoints of a service speak: those that it names, and those that are found. Every setting that depends on it asks here. */
import type { EndpointScheme } from '#schema/endpoint-url.ts';

export const endpointSchemes: readonly EndpointScheme[] = ['http', 'https', 'tcp', 'tls'];

/** As much of a service as says something about it. */
export interface ServiceEndpoints {
  readonly endpoints?: readonly { readonly url: { readonly scheme: EndpointScheme } }[] | undefined;
  /** A file has no scheme: its endpoints have theirs, which is not known before it is read. */
  readonly discover?: { readonly kind: string; readonly scheme?: EndpointScheme } | undefined;
}

/** Every scheme that an endpoint of the service may have. What a file brings is of the kind of the others, if there are any. */
export function listSchemes({ endpoints = [], discover }: ServiceEndpoints): readonly EndpointScheme[] {
  const known = endpoints.map(({ url }) => url.scheme);
  if (discover?.scheme !== undefined) known.push(discover.scheme);
  const [first] = known;
  if (first === undefined) return endpointSchemes;
  if (discover === undefined || discover.scheme !== undefined) return known;
  return [...known, ...endpointSchemes.filter((scheme) => isHttpScheme(scheme) === isHttpScheme(first))];
}

/** Whether no endpoint of the service can speak HTTP. */
export function hasOnlyBytes(service: ServiceEndpoints): boolean {
  return !listSchemes(service).some(isHttpScheme);
}

/** Whether an endpoint speaks HTTP, or takes bytes of any kind. */
export function isHttpScheme(scheme: EndpointScheme): boolean {
  return scheme === 'http' || scheme === 'https';
}
