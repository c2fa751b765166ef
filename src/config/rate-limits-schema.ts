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
      'How many keys, such as client addresses, are counted at a time, each once for every limit that it meets; 24 bytes of memory each, which all threads share. A change begins to count anew.',
    ),
});
