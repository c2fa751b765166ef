import { z } from 'zod';
import { enforcement } from '#schema/enforcement.ts';
import { forms, isText } from '#schema/forms.ts';
import { limitKeys, limitKeysHelp } from '#schema/limit-key.ts';
import { limitHeaders, tiers } from '#schema/limit-settings.ts';
import { formatQuotaAmount, type QuotaAmount, quotaAmount, timeZone } from '#schema/quota-amount.ts';

const LIMITS_MAX = 3;

/** Counts of one period are the same ones whatever the limit is, so there can be only one. */
const severalLimits = z
  .array(quotaAmount())
  .min(1)
  .max(LIMITS_MAX)
  .superRefine((amounts, context) => {
    for (const [index, { period }] of amounts.entries()) {
      if (amounts.findIndex((other) => other.period === period) === index) continue;
      context.addIssue({ code: 'custom', message: `there is a limit for each ${period} already`, path: [index] });
    }
  });

/** What a tier may be written as; a list means the same as `limits`. */
const tierLimits = forms('a quota such as `100000/month`, or a list of such', [
  { isMeant: isText, schema: quotaAmount().transform((amount) => [amount]) },
  { isMeant: Array.isArray, schema: severalLimits },
]);

const toNamed = (amounts: readonly QuotaAmount[]) => amounts.map((amount) => ({ ...amount, name: formatQuotaAmount(amount) }));

export const quotaConfig = z
  .strictObject({
    limit: quotaAmount()
      .optional()
      .describe(
        'How many requests a client may send, such as `100000/month`. Without it and `limits`, only clients with a tier have a limit.',
      ),
    limits: severalLimits
      .optional()
      .describe('Instead of `limit`: several, all of which must admit a request, such as `[10k/day, 100k/month]`.'),
    tiers: tiers(tierLimits)
      .default([])
      .describe(
        'Other limits for groups of consumers, such as `{ gold: 1M/month }`. The first one counts whose group the consumer belongs to; without one, `limit` or `limits` do.',
      ),
    by: limitKeys().prefault('consumer').describe(`Whose requests are counted together: ${limitKeysHelp}`),
    timeZone: timeZone().prefault('UTC').describe('Where days, weeks and months begin. Weeks begin on Mondays.'),
    headers: limitHeaders(),
    mode: enforcement(),
  })
  .superRefine(({ limit, limits, tiers: ofGroups }, context) => {
    if (limit !== undefined && limits !== undefined) {
      const message = '`limit` and `limits` exclude each other; write it into the list';
      context.addIssue({ code: 'custom', message, path: ['limit'] });
    }
    if (limit !== undefined || limits !== undefined || ofGroups.length > 0) return;
    context.addIssue({ code: 'custom', message: 'there is no limit; write one, such as `limit: 100000/month`' });
  })
  .transform(({ limit, limits = limit && [limit], tiers: ofGroups, ...rest }) => ({
    ...rest,
    limits: limits && toNamed(limits),
    tiers: ofGroups.map(({ group, limits: amounts }) => ({ group, limits: toNamed(amounts) })),
  }));

export type QuotaConfig = z.infer<typeof quotaConfig>;
