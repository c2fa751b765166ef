import { z } from 'zod';

const KEYS_MIN = 1_000;
const KEYS_MAX = 50_000_000;

/** Where it is counted who sends how much. */
export const rateLimitsSchema = z.strictObject({
  keys: z
    .int()
    .min(KEYS_MIN)
    .max(KEYS_MAX)
    .default(1_000_000)
    .describe(
      'For how many keys, such as client addresses, requests are counted at a time; 24 bytes of memory each, which all threads share. A change begins to count anew.',
    ),
});
