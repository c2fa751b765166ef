import type { ForwardRules } from '#forward/forward-rules.ts';
import { testRetryRules } from './retry-rules.ts';

const limit = { ms: 60_000, setting: 'services.orders.timeouts.firstByte' };

/** Further attempts as `testRetryRules` allow them, none beside a slow one, and no time that would pass. */
export const testForwardRules: ForwardRules = {
  retry: testRetryRules,
  hedge: undefined,
  timeouts: { firstByte: limit, idle: limit },
  attemptLimit: undefined,
  requestLimit: undefined,
};
