import { z } from 'zod';

const KEYS_MIN = 1_000;
const KEYS_MAX = 2_000_000;

/** Where it is counted who sends how much in days, weeks and months. */
export const quotasSchema = z.strictObject({
  keys: z
    .int()
    .min(KEYS_MIN)
    .max(KEYS_MAX)
    .default(100_000)
    .describe(
      'How many keys, such as consumers, are counted at a time, each once for every period; 384 bytes of memory each, which all threads share. A change takes effect at the next start.',
    ),
});
