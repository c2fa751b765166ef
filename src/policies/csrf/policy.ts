import type { GatewayError } from '#base/errors.ts';
import { findCrossOrigin } from '#http/cross-origin.ts';
import { OriginSet } from '#http/origin-set.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { CsrfConfig } from './config.ts';
import { csrfErrors } from './errors.ts';

/** RFC 9110 §9.2.1: these ask for nothing to be changed. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

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
        const reason = findCrossOrigin(request, allowed);
        if (reason === undefined) return undefined;
        const error = csrfErrors.crossOrigin({ reason });
        if (isEnforced) return error;
        exchange.reported ??= error;
        return undefined;
      },
    };
  },
});
