import { z } from 'zod';

export const httpsRedirectConfig = z.strictObject({
  status: z
    .literal([301, 302, 307, 308])
    .default(308)
    .describe(
      'The status of the answer; 307 and 308 let clients repeat the request as it was, 301 and 308 let them remember it.',
    ),
  port: z.int().min(1).max(65_535).default(443).describe('The port where the same hosts are reached over `https`.'),
});
