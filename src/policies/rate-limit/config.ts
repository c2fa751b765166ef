import { z } from 'zod';
import { enforcement } from '#schema/enforcement.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { limitKeys, limitKeysHelp } from '#schema/limit-key.ts';
import { limitHeaders, tiers } from '#schema/limit-settings.ts';
import { formatRate, rate } from '#schema/rate.ts';

const BURST_MAX = 1_000_000;
/** How long it may take until a whole burst is back: as long as the longest time that a limit may count over. */
const BURST_RESTORED_MS_MAX = 86_400_000;
const LIMITS_MAX = 8;

const burst = z
  .int()
  .min(1)
  .max(BURST_MAX)
  .optional()
  .describe('How many may come at once. Without it, as many as the limit says.');

interface LimitInput {
  readonly limit: { readonly limit: number; readonly windowMs: number };
  readonly burst?: number | undefined;
}

/** All that a limit counts with, and what it is called. */
const toRule = ({ limit, burst: atOnce }: LimitInput) => ({
  ...limit,
  burst: atOnce ?? limit.limit,
  name: formatRate(limit),
});

function checkBurst({ limit, burst: atOnce }: LimitInput, context: z.RefinementCtx): void {
  if (atOnce === undefined || (atOnce * limit.windowMs) / limit.limit <= BURST_RESTORED_MS_MAX) return;
  const most = Math.floor((BURST_RESTORED_MS_MAX * limit.limit) / limit.windowMs);
  const message = `at this limit it would take longer than a day until a burst of ${atOnce} is back; at most \`${most}\``;
  context.addIssue({ code: 'custom', message, path: ['burst'] });
}

const limitWithBurst = z
  .strictObject({ limit: rate().describe('So many in a time.'), burst })
  .superRefine(checkBurst)
  .transform(toRule);

const severalLimits = z
  .array(
    forms('a rate such as `100/minute`, or a map with `limit` and `burst`', [
      { isMeant: isText, schema: rate().transform((limit) => toRule({ limit })) },
      { isMeant: isMap, schema: limitWithBurst },
    ]),
  )
  .min(1)
  .max(LIMITS_MAX)
  .superRefine((limits, context) => {
    for (const [index, { name, burst: atOnce }] of limits.entries()) {
      const isSame = (other: { name: string; burst: number }) => other.name === name && other.burst === atOnce;
      if (limits.findIndex(isSame) === index) continue;
      context.addIssue({ code: 'custom', message: `\`${name}\` is here a second time`, path: [index] });
    }
  });

/** What a tier may be written as; a list means the same as `limits`. */
const tierLimits = forms('a rate such as `100/minute`, a map with `limit` and `burst`, or a list of such', [
  { isMeant: isText, schema: rate().transform((limit) => [toRule({ limit })]) },
  { isMeant: Array.isArray, schema: severalLimits },
  { isMeant: isMap, schema: limitWithBurst.transform((rule) => [rule]) },
]);

export const rateLimitConfig = z
  .strictObject({
    limit: rate().optional().describe('How many requests a client may send, such as `100/minute`.'),
    burst,
    limits: severalLimits
      .optional()
      .describe(
        'Instead of `limit`: several, all of which must admit a request, such as `[10/second, 1000/hour]`. Each may be a map with a `burst` of its own.',
      ),
    tiers: tiers(tierLimits)
      .default([])
      .describe(
        'Other limits for groups of consumers, such as `{ gold: 1000/minute, silver: 100/minute }`. The first one counts whose group the consumer belongs to; without one, `limit` or `limits` do.',
      ),
    by: limitKeys().prefault('ip').describe(`Whose requests are counted together: ${limitKeysHelp}`),
    headers: limitHeaders(),
    store: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe('Where it is counted: `memory` of this gateway, or the `redis` of `stores`, which several gateways share.'),
    shared: z
      .enum(['strict', 'local-first'])
      .optional()
      .describe(
        'How gateways count together in a store. `strict` (the default): the store is asked for each request, and the limit holds exactly. `local-first`: it is decided in memory and settled in the background, so no request waits; for a moment, each gateway may let pass a burst of its own.',
      ),
    onFailure: z
      .enum(['local', 'allow', 'refuse'])
      .optional()
      .describe(
        'What happens with `shared: strict` while the store is away or slow. `local` (the default): the gateway counts in its own memory. `allow`: nothing is counted. `refuse`: requests are refused with 503.',
      ),
    mode: enforcement(),
  })
  .superRefine(checkSharing)
  .superRefine(({ limit, burst: atOnce, limits }, context) => {
    if (limit === undefined && limits === undefined) {
      const message = 'there is no limit; write one, such as `limit: 100/minute`, or several as `limits: [10/second, 1000/hour]`';
      return context.addIssue({ code: 'custom', message });
    }
    if (limits === undefined) return checkBurst({ limit: limit!, burst: atOnce }, context);
    for (const [name, value] of Object.entries({ limit, burst: atOnce })) {
      if (value === undefined) continue;
      const message = `\`${name}\` and \`limits\` exclude each other; write it into the list, such as \`limits: [{ limit: 10/second, burst: 20 }]\``;
      context.addIssue({ code: 'custom', message, path: [name] });
    }
  })
  .transform(({ limit, burst: atOnce, limits, shared = 'strict', onFailure = 'local', ...rest }) => ({
    ...rest,
    shared,
    onFailure,
    limits: limits ?? [toRule({ limit: limit!, burst: atOnce })],
  }));

interface SharingInput {
  readonly store: string;
  readonly shared?: string | undefined;
  readonly onFailure?: string | undefined;
}

function checkSharing({ store, shared, onFailure }: SharingInput, context: z.RefinementCtx): void {
  const idle = (name: string, why: string) =>
    context.addIssue({ code: 'custom', message: `${why}, so \`${name}\` would have no effect`, path: [name] });
  if (store !== 'redis') {
    const why = 'it is counted in the memory of this gateway (write `store: redis`)';
    if (shared !== undefined) idle('shared', why);
    if (onFailure !== undefined) idle('onFailure', why);
  } else if (shared === 'local-first' && onFailure !== undefined) {
    idle('onFailure', 'with `shared: local-first` this gateway always counts in its own memory');
  }
}

export type RateLimitConfig = z.infer<typeof rateLimitConfig>;
