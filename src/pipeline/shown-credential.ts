/** Where a request holds a key or a token, and how it is kept from those who need not see it. */
import { type ClientRequest, defineSlot, type Exchange } from '#http/exchange.ts';
import { decodeWhole, findQueryParameter, hideQueryParameter, withoutQueryParameter } from '#http/query-parameter.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { findCookie, withoutCookie } from '#wire/fields/cookies.ts';
import { getFieldValues, removeField } from '#wire/fields/field-list.ts';
import type { QueryCredential } from './policy.ts';

/** Where it is looked for. */
export interface CredentialPlaces {
  readonly header?: string | undefined;
  /** The word before it in the field. */
  readonly scheme?: string | undefined;
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
}

/** Two in one field: which of them somebody else would look at is not known. */
export const several = Symbol('several credentials');

/** Field, query, cookie: the first that is there. A field with another scheme holds something else. */
export function findShownCredential(request: ClientRequest, places: CredentialPlaces): string | typeof several | undefined {
  const { header, query, cookie } = places;
  if (header !== undefined) {
    const values = getFieldValues(request.fields, header);
    if (values.length > 1) return several;
    const credential = values.length === 0 ? undefined : withoutScheme(values[0]!, places.scheme);
    if (credential !== undefined) return credential;
  }
  const inQuery = query === undefined ? undefined : findQueryParameter(request.query, query);
  if (inQuery !== undefined) return decodeWhole(inQuery);
  return cookie === undefined ? undefined : findCookie(request.fields, cookie);
}

/** The same where a service may see what was shown: another one in another place would be one that nobody has looked at. */
export function findOnlyCredential(request: ClientRequest, places: CredentialPlaces): string | typeof several | undefined {
  const first = findShownCredential(request, places);
  if (first === undefined || first === several || (places.query === undefined && places.cookie === undefined)) return first;
  return listOthers(request, places).every((other) => other === first) ? first : several;
}

function* listOthers({ query: asked, fields }: ClientRequest, { query, cookie }: CredentialPlaces): Generator<string> {
  for (const pair of query === undefined ? [] : asked.split('&')) {
    const value = findQueryParameter(pair, query!);
    if (value !== undefined) yield decodeWhole(value);
  }
  for (const line of cookie === undefined ? [] : getFieldValues(fields, 'cookie')) {
    for (const pair of line.split(';')) {
      const value = findCookie(['cookie', pair], cookie!);
      if (value !== undefined) yield value;
    }
  }
}

/** Parameters of the query that no service sees, by name. */
const withheldSlot = defineSlot<readonly string[]>('withheld parameters');

/** Logs show that a credential stands in the query, and not which. Where it is not forwarded, what is made of the query is without it. */
export function hideQueryCredentials(exchange: Exchange, credentials: readonly QueryCredential[]): void {
  const { query, target } = exchange.request;
  if (query === '') return;
  const shown = credentials.filter(({ name }) => findQueryParameter(query, name) !== undefined);
  if (shown.length === 0) return;
  exchange.shownTarget = shown.reduce((hidden, { name }) => hideQueryParameter(hidden, name), target);
  const withheld = shown.filter(({ forward }) => !forward).map(({ name }) => name);
  if (withheld.length > 0) exchange.set(withheldSlot, withheld);
}

/** As the policies that look for it tell of it. */
export function listQueryCredentials({ query }: CredentialPlaces, forward: boolean): { queryCredentials?: QueryCredential[] } {
  return query === undefined ? {} : { queryCredentials: [{ name: query, forward }] };
}

/** The query as services may see it, without `?`. */
export function toForwardedQuery(exchange: Exchange): string {
  const { query } = exchange.request;
  const withheld = exchange.get(withheldSlot);
  return withheld === undefined ? query : withheld.reduce(withoutQueryParameter, `?${query}`).slice(1);
}

export function removeCredential(upstream: UpstreamRequest, { header, scheme, query, cookie }: CredentialPlaces): void {
  if (header !== undefined) {
    const isOurs = getFieldValues(upstream.fields, header).some((value) => withoutScheme(value, scheme) !== undefined);
    if (isOurs) removeField(upstream.fields, header);
  }
  if (query !== undefined) upstream.target = withoutQueryParameter(upstream.target, query);
  if (cookie !== undefined) upstream.fields = withoutCookie(upstream.fields, cookie) ?? upstream.fields;
}

/** For people. */
export function describePlaces({ header, scheme, query, cookie }: CredentialPlaces): string {
  const places = [
    ...(header === undefined ? [] : [scheme === undefined ? header : `${header}: ${scheme}`]),
    ...(query === undefined ? [] : [`query parameter ${query}`]),
    ...(cookie === undefined ? [] : [`cookie ${cookie}`]),
  ];
  return places.join(' or ');
}

/** RFC 9110 §11.1: a scheme is followed by spaces, and its case does not matter. */
function withoutScheme(value: string, scheme: string | undefined): string | undefined {
  if (scheme === undefined) return value;
  const { length } = scheme;
  if (value.charCodeAt(length) !== 0x20 || value.slice(0, length).toLowerCase() !== scheme.toLowerCase()) return undefined;
  return value.slice(length).trim();
}
