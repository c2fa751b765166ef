import { z } from 'zod';
import { originPattern } from '#schema/origin.ts';

const ORIGINS_MAX = 1_000;

export const csrfConfig = z.strictObject({
  origins: z
    .array(originPattern())
    .max(ORIGINS_MAX)
    .default([])
    .describe(
      'Other origins whose pages may change something here, such as `https://app.example.com` or `https://*.example.com`.',
    ),
  mode: z.enum(['enforce', 'report']).default('enforce').describe('`report` refuses nobody and only logs who would be refused.'),
});

export type CsrfConfig = z.output<typeof csrfConfig>;
