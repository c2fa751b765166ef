import { z } from 'zod';
import { enforcement } from '#schema/enforcement.ts';
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
  mode: enforcement(),
});

export type CsrfConfig = z.output<typeof csrfConfig>;
