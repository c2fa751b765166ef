/** What policies have in common that limit how much somebody sends. */
import { z } from 'zod';

const TIERS_MAX = 32;
const GROUP_LENGTH_MAX = 256;

export interface Tier<Limits> {
  readonly group: string;
  readonly limits: Limits;
}

/** Limits by the name of a group, in the order in which they are written: the first one counts whose group somebody is in. */
export function tiers<Limits, Input>(limits: z.ZodType<Limits, Input>) {
  return z
    .record(z.string().min(1).max(GROUP_LENGTH_MAX), limits)
    .superRefine((entries, context) => {
      const groups = Object.keys(entries);
      if (groups.length > TIERS_MAX) context.addIssue({ code: 'custom', message: `at most ${TIERS_MAX} tiers` });
      for (const group of groups) {
        if (!/^\d+$/.test(group)) continue;
        const message = 'a tier whose name is a number would lose its place in the order; give the group another name';
        context.addIssue({ code: 'custom', message, path: [group] });
      }
    })
    .transform((entries): Tier<Limits>[] => Object.entries(entries).map(([group, of]) => ({ group, limits: of })));
}

/** Which answers tell of a limit. */
export function limitHeaders() {
  return z
    .enum(['all', 'refusals', 'none'])
    .default('refusals')
    .describe(
      'Which answers tell of the limit, in the fields `ratelimit-policy` and `ratelimit`: `all`, `refusals` or `none`. With `none`, refusals have no `retry-after` either.',
    );
}
