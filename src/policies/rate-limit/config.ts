import { z } from 'zod';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { listWords, quote } from '#schema/quote.ts';
import { formatRate, rate } from '#schema/rate.ts';
import { suggestWord } from '#schema/suggest.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { readFieldName } from '#schema/token.ts';

const BURST_MAX = 1_000_000;
/** How long it may take until a whole burst is back: as long as the longest time that a limit may count over. */
const BURST_RESTORED_MS_MAX = 86_400_000;
const LIMITS_MAX = 8;
const KEYS_MAX = 8;
const NAME_LENGTH_MAX = 256;

const plainKinds = ['ip', 'consumer', 'route'] as const;
const namedKinds = ['header', 'cookie', 'path', 'claim'] as const;

export type LimitKey =
  | { readonly kind: (typeof plainKinds)[number] }
  | { readonly kind: (typeof namedKinds)[number]; readonly name: string };

const EXPECTED = [...plainKinds, ...namedKinds.map((kind) => `${kind}.NAME`)];

function readLimitKey(text: string): Reading<LimitKey> {
  const plain = plainKinds.find((kind) => kind === text);
  if (plain !== undefined) return { value: { kind: plain } };
  const dot = text.indexOf('.');
  const word = dot < 0 ? text : text.slice(0, dot);
  const name = dot < 0 ? '' : text.slice(dot + 1);
  const kind = namedKinds.find((known) => known === word);
  if (kind === undefined) {
    const suggestion = suggestWord(word, [...plainKinds, ...namedKinds]);
    const ending = suggestion === undefined ? '' : `; did you mean \`${EXPECTED.find((key) => key.startsWith(suggestion))}\`?`;
    return { problem: `expected ${listWords(EXPECTED)}, not ${quote(text)}${ending}` };
  }
  if (name === '' || name.length > NAME_LENGTH_MAX) return { problem: `${quote(text)} names no ${kind}; write \`${kind}.NAME\`` };
  if (kind !== 'header') return { value: { kind, name } };
  const field = readFieldName(name);
  return 'problem' in field ? field : { value: { kind, name: field.value } };
}

const limitKey = textKind({
  noun: 'a part of the request',
  examples: ['ip', 'consumer', 'route', 'header.x-api-key', 'cookie.session', 'path.tenant', 'claim.team'],
  help: 'What of a request is counted: `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token).',
  read: readLimitKey,
});

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

const severalLimits = z
  .array(
    forms('a rate such as `100/minute`, or a map with `limit` and `burst`', [
      { isMeant: isText, schema: rate().transform((limit) => toRule({ limit })) },
      {
        isMeant: isMap,
        schema: z
          .strictObject({ limit: rate().describe('So many in a time.'), burst })
          .superRefine(checkBurst)
          .transform(toRule),
      },
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

export const rateLimitConfig = z
  .strictObject({
    limit: rate().optional().describe('How many requests a client may send, such as `100/minute`.'),
    burst,
    limits: severalLimits
      .optional()
      .describe(
        'Instead of `limit`: several, all of which must admit a request, such as `[10/second, 1000/hour]`. Each may be a map with a `burst` of its own.',
      ),
    by: oneOrList(limitKey)
      .refine((keys) => keys.length <= KEYS_MAX, { error: `at most ${KEYS_MAX} parts of a request are counted together` })
      .prefault('ip')
      .describe(
        'Whose requests are counted together: those with the same `ip` (the client’s address), `consumer` (who asks), `route`, `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path) or `claim.NAME` (a claim of the token), or the same of all in a list.',
      ),
    headers: z
      .enum(['all', 'refusals', 'none'])
      .default('refusals')
      .describe(
        'Which answers tell of the limit, in the fields `ratelimit-policy` and `ratelimit`: `all`, `refusals` or `none`. With `none`, refusals have no `retry-after` either.',
      ),
    mode: z
      .enum(['enforce', 'report'])
      .default('enforce')
      .describe('`report` refuses nothing and only logs which requests would be refused.'),
  })
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
  .transform(({ limit, burst: atOnce, limits, ...rest }) => ({
    ...rest,
    limits: limits ?? [toRule({ limit: limit!, burst: atOnce })],
  }));

export type RateLimitConfig = z.infer<typeof rateLimitConfig>;
