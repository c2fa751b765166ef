/** Where a request holds its key, and how the key is kept from those who need not see it. */
import type { ClientRequest } from '#http/exchange.ts';
import { decodeWhole, findQueryParameter, hideQueryParameter, withoutQueryParameter } from '#http/query-parameter.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { findCookie, withoutCookie } from '#wire/fields/cookies.ts';
import { getFieldValues, removeField } from '#wire/fields/field-list.ts';
import type { ApiKeyConfig } from './config.ts';

export type KeyPlaces = Pick<ApiKeyConfig, 'header' | 'scheme' | 'query' | 'cookie'>;

/** Two keys in one field: which of them somebody else would look at is not known. */
export const several = Symbol('several keys');

/** Field, query, cookie: the first that is there. A field with another scheme holds something else. */
export function findShownKey(request: ClientRequest, places: KeyPlaces): string | typeof several | undefined {
  const { header, query, cookie } = places;
  if (header !== undefined) {
    const values = getFieldValues(request.fields, header);
    if (values.length > 1) return several;
    const key = values.length === 0 ? undefined : withoutScheme(values[0]!, places.scheme);
    if (key !== undefined) return key;
  }
  const inQuery = query === undefined ? undefined : findQueryParameter(request.query, query);
  if (inQuery !== undefined) return decodeWhole(inQuery);
  return cookie === undefined ? undefined : findCookie(request.fields, cookie);
}

/** The target without the key's value, where the target holds one. */
export function toShownTarget({ target, query: asked }: ClientRequest, { query }: KeyPlaces): string | undefined {
  if (query === undefined || findQueryParameter(asked, query) === undefined) return undefined;
  return hideQueryParameter(target, query);
}

export function removeKey(upstream: UpstreamRequest, { header, scheme, query, cookie }: KeyPlaces): void {
  if (header !== undefined) {
    const isOurs = getFieldValues(upstream.fields, header).some((value) => withoutScheme(value, scheme) !== undefined);
    if (isOurs) removeField(upstream.fields, header);
  }
  if (query !== undefined) upstream.target = withoutQueryParameter(upstream.target, query);
  if (cookie !== undefined) upstream.fields = withoutCookie(upstream.fields, cookie) ?? upstream.fields;
}

/** RFC 9110 §11.1: a scheme is followed by spaces, and its case does not matter. */
function withoutScheme(value: string, scheme: string | undefined): string | undefined {
  if (scheme === undefined) return value;
  const { length } = scheme;
  if (value.charCodeAt(length) !== 0x20 || value.slice(0, length).toLowerCase() !== scheme.toLowerCase()) return undefined;
  return value.slice(length).trim();
}
