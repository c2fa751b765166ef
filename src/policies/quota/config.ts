import { z } from 'zod';
import { oneOrList } from '#schema/forms.ts';
import { limitKeys, limitKeysHelp } from '#schema/limit-key.ts';
import { formatQuotaAmount, type QuotaAmount, quotaAmount, timeZone } from '#schema/quota-amount.ts';

const LIMITS_MAX = 3;
const TIERS_MAX = 32;

/** Counts of one period are the same ones whatever the limit is, so there can be only one. */
const limits = oneOrList(quotaAmount())
  .superRefine((amounts, context) => {
    for (const [index, { period }] of amounts.entries()) {
      if (amounts.findIndex((other) => other.period === period) === index) continue;
      context.addIssue({ code: 'custom', message: `there is a limit for each ${period} already`, path: [index] });
    }
  })
  .refine((amounts) => amounts.length >= 1 && amounts.length <= LIMITS_MAX, { error: 'one limit for each period' });

const toNamed = (amounts: readonly QuotaAmount[]) => amounts.map((amount) => ({ ...amount, name: formatQuotaAmount(amount) }));

export const quotaConfig = z
  .strictObject({
    limit: limits
      .optional()
      .describe(
        'How many requests a client may send, such as `100000/month`, or several in a list, such as `[10k/day, 100k/month]`. Without it, only clients with a tier have a limit.',
      ),
    tiers: z
      .record(z.string().min(1), limits)
      .refine((tiers) => Object.keys(tiers).length <= TIERS_MAX, { error: `at most ${TIERS_MAX} tiers` })
      .default({})
      .describe('Other limits for consumers of a group, by its name. Of several, the first counts.'),
    by: limitKeys().prefault('consumer').describe(`Whose requests are counted together: ${limitKeysHelp}`),
    timeZone: timeZone().prefault('UTC').describe('Where days, weeks and months begin. Weeks begin on Mondays.'),
    headers: z
      .enum(['all', 'refusals', 'none'])
      .default('refusals')
      .describe(
        'Which answers tell of the quota, in the fields `ratelimit-policy` and `ratelimit`: `all`, `refusals` or `none`. With `none`, refusals have no `retry-after` either.',
      ),
    mode: z
      .enum(['enforce', 'report'])
      .default('enforce')
      .describe('`report` refuses nothing and only logs which requests would be refused.'),
  })
  .superRefine(({ limit, tiers }, context) => {
    if (limit !== undefined || Object.keys(tiers).length > 0) return;
    context.addIssue({ code: 'custom', message: 'there is no limit; write one, such as `limit: 100000/month`' });
  })
  .transform(({ limit, tiers, ...rest }) => ({
    ...rest,
    limits: limit === undefined ? undefined : toNamed(limit),
    tiers: Object.entries(tiers).map(([group, amounts]) => ({ group, limits: toNamed(amounts) })),
  }));

export type QuotaConfig = z.infer<typeof quotaConfig>;
