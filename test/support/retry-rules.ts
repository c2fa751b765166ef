import { idempotentMethods, type RetryRules } from '#forward/forward-rules.ts';

/** Two further attempts after every failure and after a 503 or the status `unavailable` of gRPC, with pauses of a few milliseconds. */
export const testRetryRules: RetryRules = {
  furtherAttemptsMax: 2,
  conditions: new Set(['connect', 'refused', 'reset', 'timeout']),
  statuses: new Set([503]),
  grpcStatuses: new Set([14]),
  methods: idempotentMethods,
  bodyBytesMax: 1_000,
  bodySetting: 'services.orders.retry.bodyMax',
  backoff: { baseMs: 1, maxMs: 10 },
  retryAfterMaxMs: 1_000,
  budget: { ratio: 1, minPerSecond: 1 },
  budgetSetting: 'services.orders.retry.budget',
};
