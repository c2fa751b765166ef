import type { GatewayError } from '#base/errors.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { OriginSet } from '#http/origin-set.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import type { CsrfConfig } from './config.ts';
import { csrfErrors } from './errors.ts';

/** RFC 9110 §9.2.1: these ask for nothing to be changed. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** A browser leaves the port of a scheme away in both places; other clients may not. */
const DEFAULT_PORT = /:(?:80|443)$/;

/** Keeps pages of other origins from changing something in the name of whoever looks at them. */
export const csrfPolicy = definePolicy({
  name: 'csrf',
  summary: 'Keeps pages of other origins from changing something in the name of a user.',
  loadConfig: async () => (await import('./config.ts')).csrfConfig,
  errors: csrfErrors,
  describe: ({ origins, mode }: CsrfConfig) =>
    `pages of this origin${origins.length === 0 ? '' : `, ${origins.join(', ')}`}${mode === 'report' ? ' (only reported)' : ''}`,
  create({ origins, mode }) {
    const allowed = new OriginSet(origins);
    const isEnforced = mode === 'enforce';
    return {
      requestHead(exchange): GatewayError | undefined {
        const { request } = exchange;
        // A WebSocket begins with GET, carries cookies, and no browser keeps a page from opening one (RFC 6455 §10.2).
        if (SAFE_METHODS.has(request.method) && request.upgrade === undefined) return undefined;
        const reason = findReason(request, allowed);
        if (reason === undefined) return undefined;
        const error = csrfErrors.crossOrigin({ reason });
        if (isEnforced) return error;
        exchange.reported ??= error;
        return undefined;
      },
    };
  },
});

/**
 * Browsers say where a request comes from, and pages cannot make them say something else: in `Sec-Fetch-Site`, the older ones
 * in `Origin` alone. Who says neither is no browser, and is not led by a page.
 */
function findReason({ fields, authority }: ClientRequest, allowed: OriginSet): string | undefined {
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
