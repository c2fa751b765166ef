import { ADMITTED, type Allowance } from '#base/allowances.ts';
import type { GatewayError } from '#base/errors.ts';
import { defineSlot } from '#http/exchange.ts';
import { formatPolicyField, formatStateField } from '#pipeline/limit-fields.ts';
import { formatLimitKey, LimitKeyReader } from '#pipeline/limit-key.ts';
import { definePolicy, type PolicyPhases } from '#pipeline/policy.ts';
import type { RateLimitConfig } from './config.ts';
import { rateLimitErrors } from './errors.ts';

/** The value of `ratelimit` for an answer that tells of the limits. */
const stateSlot = defineSlot<string>('rate limit');

/** Refuses requests of clients that send too many. */
export const rateLimitPolicy = definePolicy({
  name: 'rate-limit',
  summary: 'Refuses requests of clients that send too many.',
  loadConfig: async () => (await import('./config.ts')).rateLimitConfig,
  errors: rateLimitErrors,
  describe: describeRateLimit,
  explain: ({ by }, { exchange }) => `counts this request by ${new LimitKeyReader(by).describe(exchange)}`,
  create(config, { allowances, clock, place }): PolicyPhases {
    const { limits, by, headers, mode } = config;
    const keys = new LimitKeyReader(by);
    const kind = by.map(formatLimitKey).join(', ');
    const policyField = formatPolicyField(limits);
    // A policy at the same place that counts the same goes on with the counts of the one before, as after a reload.
    const allowance = allowances.open(`${place} by ${kind}`, limits);
    const isEnforced = mode === 'enforce';
    const requestHead: PolicyPhases['requestHead'] = (exchange) => {
      const refusing = allowance.take(keys.read(exchange), clock.monotonicMs());
      const isRefused = refusing !== ADMITTED && isEnforced;
      if (headers === 'all' || (headers === 'refusals' && isRefused))
        exchange.set(stateSlot, formatStateField(limits, allowance));
      if (refusing === ADMITTED) return undefined;
      const refusal = toRefusal(config, { allowance, refusing, kind });
      if (isRefused) return refusal;
      exchange.reported ??= refusal;
      return undefined;
    };
    if (headers === 'none') return { requestHead };
    return {
      requestHead,
      responseHead(exchange, response) {
        const state = exchange.get(stateSlot);
        // Looking at the fields of an answer costs something, so only then.
        if (state !== undefined) response.fields.push('ratelimit-policy', policyField, 'ratelimit', state);
      },
    };
  },
});

function toRefusal(
  { limits, headers }: RateLimitConfig,
  { allowance, refusing, kind }: { readonly allowance: Allowance; readonly refusing: number; readonly kind: string },
): GatewayError {
  const { name } = limits[refusing]!;
  // What was counted is the client's own and may be a secret, so only its kind is told.
  const detail = { limit: name, by: kind };
  if (headers === 'none') return rateLimitErrors.exceeded(detail);
  let retryAfterMs = 0;
  for (let rule = 0; rule < limits.length; rule++) retryAfterMs = Math.max(retryAfterMs, allowance.nextInMs(rule));
  return rateLimitErrors.exceeded(detail, { retryAfterMs, publicDetail: `at most ${name}` });
}

function describeRateLimit({ limits, by, mode }: RateLimitConfig): string {
  const texts = limits.map(({ name, limit, burst }) => (burst === limit ? name : `${name} with a burst of ${burst}`));
  return `at most ${texts.join(' and ')} by ${by.map(formatLimitKey).join(', ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
