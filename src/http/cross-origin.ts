import { getFieldValues } from '#wire/fields/field-list.ts';
import type { ClientRequest } from './exchange.ts';
import type { OriginSet } from './origin-set.ts';

/** A browser leaves the port of a scheme away in both places; other clients may not. */
const DEFAULT_PORT = /:(?:80|443)$/;

/**
 * How it shows that a page of another origin, none of those that are allowed, sent a request; `undefined`: none did. Browsers say where a request comes from, and pages cannot make them say something else: in
 * `Sec-Fetch-Site`, the older ones in `Origin` alone. Who says neither is no browser, and is not led by a page.
 */
export function findCrossOrigin({ fields, authority }: ClientRequest, allowed: OriginSet): string | undefined {
  const sites = getFieldValues(fields, 'sec-fetch-site');
  const origins = getFieldValues(fields, 'origin');
  if (sites.length > 1 || origins.length > 1) return 'several fields';
  const [site] = sites;
  const [origin] = origins;
  if (site === 'same-origin' || site === 'none') return undefined;
  if (site === undefined && (origin === undefined || isSameHost(origin, authority))) return undefined;
  if (origin !== undefined && allowed.has(origin)) return undefined;
  if (site === undefined) return 'origin';
  // Whatever else stands there, nobody has to read it in a log.
  return site === 'cross-site' || site === 'same-site' ? site : 'sec-fetch-site';
}

/** The scheme is not compared: whoever ends TLS in front of the gateway may not tell of it. */
function isSameHost(origin: string, authority: string): boolean {
  const at = origin.indexOf('://');
  if (at < 0) return false;
  return origin.slice(at + 3).replace(DEFAULT_PORT, '') === authority.toLowerCase().replace(DEFAULT_PORT, '');
}
