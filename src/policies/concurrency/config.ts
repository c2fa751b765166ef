import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { enforcement } from '#schema/enforcement.ts';
import { limitKeys, limitKeysHelp } from '#schema/limit-key.ts';

/** What a thread may hold for one key is kept in 16 bits. */
const LIMIT_MAX = 10_000;

export const concurrencyConfig = z.strictObject({
  limit: z.int().min(1).max(LIMIT_MAX).describe('How many exchanges may run at the same time.'),
  by: limitKeys().prefault('ip').describe(`Whose exchanges are counted together: ${limitKeysHelp}`),
  status: z
    .union([z.literal(429), z.literal(503)])
    .default(429)
    .describe('The status of a refusal: `429` says that this client has too many, `503` that there is no room just now.'),
  retryAfter: duration({ min: '1s', max: '1h' }).prefault('1s').describe('When a refused client may come again (`retry-after`).'),
  mode: enforcement(),
});

export type ConcurrencyConfig = z.infer<typeof concurrencyConfig>;
