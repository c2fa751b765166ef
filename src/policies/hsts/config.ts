import { z } from 'zod';

const PRELOAD_DAYS_MIN = 365;

export const hstsConfig = z
  .strictObject({
    maxAgeDays: z
      .int()
      .min(0)
      .max(3650)
      .default(365)
      .describe('For how many days browsers ask over `https` alone; 0 makes them forget it.'),
    includeSubDomains: z.boolean().default(false).describe('The same for every name below the host.'),
    preload: z
      .boolean()
      .default(false)
      .describe('Agrees to the host being in the lists that browsers carry. It takes months to get out of them.'),
  })
  .superRefine(({ maxAgeDays, includeSubDomains, preload }, context) => {
    if (!preload || (includeSubDomains && maxAgeDays >= PRELOAD_DAYS_MIN)) return;
    const message = `the lists of browsers take hosts with \`includeSubDomains: true\` and \`maxAgeDays\` of at least ${PRELOAD_DAYS_MIN} only`;
    context.addIssue({ code: 'custom', message, path: ['preload'] });
  });
