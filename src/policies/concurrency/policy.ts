import { NO_PLACE } from '#base/concurrency-limits.ts';
import { defineSlot } from '#http/exchange.ts';
import { formatLimitKey, LimitKeyReader } from '#pipeline/limit-key.ts';
import { definePolicy, type PolicyPhases } from '#pipeline/policy.ts';
import type { ConcurrencyConfig } from './config.ts';
import { concurrencyErrors } from './errors.ts';

/** What an exchange gives back at its end. */
const placeSlot = defineSlot<number>('place among those that may run');

/** Refuses requests of clients that have too many running already. */
export const concurrencyPolicy = definePolicy({
  name: 'concurrency',
  summary: 'Refuses requests of clients that have too many running already.',
  loadConfig: async () => (await import('./config.ts')).concurrencyConfig,
  counts: 'concurrency',
  errors: concurrencyErrors,
  describe: describeConcurrency,
  explain: ({ by }, { exchange }) => `counts this request by ${new LimitKeyReader(by).describe(exchange)}`,
  create({ limit, by, status, retryAfter, mode }, { concurrency, place }): PolicyPhases {
    const keys = new LimitKeyReader(by);
    const kind = by.map(formatLimitKey).join(', ');
    // A policy at the same place that counts the same goes on with what runs, as after a reload.
    const places = concurrency.open(`${place} by ${kind}`, limit);
    // What was counted is the client's own and may be a secret, so only its kind is told.
    const detail = { limit, by: kind };
    const options = { status, retryAfterMs: retryAfter, publicDetail: `at most ${limit}` };
    return {
      requestHead(exchange) {
        const taken = places.take(keys.read(exchange));
        exchange.journal?.note('concurrency', `by ${kind}: at most ${limit} at the same time`);
        if (taken !== NO_PLACE) {
          exchange.set(placeSlot, taken);
          return undefined;
        }
        const refusal = concurrencyErrors.exceeded(detail, options);
        if (mode === 'enforce') return refusal;
        exchange.reported ??= refusal;
        return undefined;
      },
      finish(exchange) {
        const taken = exchange.get(placeSlot);
        if (taken !== undefined) places.give(taken);
      },
    };
  },
});

function describeConcurrency({ limit, by, mode }: ConcurrencyConfig): string {
  return `at most ${limit} at the same time by ${by.map(formatLimitKey).join(', ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
