import { z } from 'zod';

/** Whether a policy that refuses does so. */
export function enforcement() {
  return z
    .enum(['enforce', 'report'])
    .default('enforce')
    .describe('`report` refuses nothing, and only logs what would be refused.');
}
