import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { duration } from '#schema/duration.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { limitKeys } from '#schema/limit-key.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { freeFieldName } from '#schema/token.ts';

const EXPRESSION_LENGTH_MAX = 4_096;
const PARAMETERS_MAX = 100;
const TARGETS_MAX = 8;
const TIME_MAX = '24d';

/** What a plain `ttl` is for: answers that say how things are, and would be kept without asking by RFC 9110 §15.1. */
const PLAIN_TTL_STATUSES = [200, 203, 300, 301, 308];

const freshness = () => duration({ max: TIME_MAX });

const statusName = textKind({
  noun: 'a status',
  examples: ['200', '404', '5xx'],
  help: 'A status from 200 to 599, or a class of them such as `4xx`.',
  read(text): Reading<string> {
    if (/^[2-5](?:\d\d|xx)$/.test(text)) return { value: text };
    return { problem: `${quote(text)} is no status; write one such as \`404\`, or a class such as \`4xx\`` };
  },
});

/** Milliseconds by status, such as `404`, or class of statuses, such as `4xx`. */
export type TtlByStatus = Readonly<Record<string, number>>;

const ttl = forms('a duration such as `30s`, or a map of durations by status', [
  {
    isMeant: isText,
    schema: freshness().transform((ms): TtlByStatus => Object.fromEntries(PLAIN_TTL_STATUSES.map((status) => [status, ms]))),
  },
  {
    isMeant: isMap,
    schema: z.record(statusName, freshness()).transform((byStatus): TtlByStatus => byStatus as TtlByStatus),
  },
]);

const parameterName = textKind({
  noun: 'the name of a query parameter',
  examples: ['page', 'utm_*'],
  help: 'The name of a query parameter as it is written in addresses. With `*` at its end, all that begin so.',
  read(text): Reading<string> {
    if (/^[^\s&=#*]+\*?$/.test(text) || text === '*') return { value: text };
    return { problem: `${quote(text)} is not the name of a parameter; write one such as \`page\`, or \`utm_*\`` };
  },
});

const parameterNames = () => z.array(parameterName).min(1).max(PARAMETERS_MAX).optional();

const query = z
  .strictObject({
    include: parameterNames().describe('Only these parameters tell addresses apart.'),
    exclude: parameterNames().describe('These parameters tell no addresses apart, such as `utm_*`.'),
  })
  .superRefine(({ include, exclude }, context) => {
    if ((include === undefined) !== (exclude === undefined)) return;
    context.addIssue({ code: 'custom', message: 'give `include` or `exclude`: which parameters count, or which do not' });
  });

const METHODS = ['GET', 'QUERY', 'POST'] as const;

export const cacheConfig = z.strictObject({
  ttl: ttl
    .optional()
    .describe(
      'How long answers are fresh that do not say it themselves: a duration, which is for the statuses 200, 203, 300, 301 and 308, or durations by status, such as `{ 200: 5m, 404: 10s, 5xx: 1s }`.',
    ),
  methods: z
    .array(z.enum(METHODS))
    .min(1)
    .default(['GET', 'QUERY'])
    .describe(
      'Answers to which methods are kept. HEAD is answered from what is kept for GET. `QUERY` and `POST` are told apart by their bodies; name `POST` only where it changes nothing.',
    ),
  key: limitKeys()
    .optional()
    .describe(
      'What of a request tells answers apart besides its address, such as `[header.accept-language, cookie.currency, claim.team]`. What the service names in `Vary` does so in any case.',
    ),
  query: query
    .optional()
    .describe('Which parameters of the query tell addresses apart. Without it, all do, and their order as well.'),
  perConsumer: z
    .boolean()
    .optional()
    .describe(
      'With `true`, each consumer has answers of its own. With `false`, all of them share answers, whatever they have shown: only for answers that are the same for everybody. Without it, an answer to somebody who is known is kept only if it says itself that others may have it (RFC 9111 §3.5).',
    ),
  maxObject: bytes({ min: '1KiB', max: '64MiB' })
    .prefault('1MiB')
    .describe('How long the body of an answer may be that is kept.'),
  maxRequestBody: bytes({ min: '1KiB', max: '1MiB' })
    .prefault('64KiB')
    .describe('How long the body of a `QUERY` or `POST` may be. A longer one is refused if its length is not announced.'),
  heuristic: z
    .boolean()
    .default(true)
    .describe(
      'An answer that says only when it was changed last is fresh for a tenth of the time since then, up to a day (RFC 9111 §4.2.2).',
    ),
  staleWhileRevalidate: freshness()
    .optional()
    .describe(
      'How long an answer that is not fresh any more is used while the service is asked for it in the background, where it does not say so itself (RFC 5861).',
    ),
  staleIfError: freshness()
    .optional()
    .describe(
      'How long an answer that is not fresh any more is used when the service fails, or answers with 500, 502, 503 or 504, where it does not say so itself (RFC 5861). Without it, for a day when the service cannot be reached.',
    ),
  obeyClients: z
    .boolean()
    .default(true)
    .describe('Whether clients may ask for a newer answer, or allow an older one, with `Cache-Control` (RFC 9111 §5.2.1).'),
  bypass: z
    .string()
    .min(1)
    .max(EXPRESSION_LENGTH_MAX)
    .optional()
    .describe(
      'A condition in CEL, as in `authorize`. Requests for which it is true are neither answered from the cache nor kept.',
    ),
  targets: z
    .array(freeFieldName())
    .max(TARGETS_MAX)
    .default(['gatehouse-cache-control', 'cdn-cache-control'])
    .describe('Fields that count in the place of `Cache-Control`, the first one that is there (RFC 9213).'),
  tags: freeFieldName()
    .optional()
    .describe(
      'The field of answers that holds their tags, such as `cache-tag`, separated by commas or spaces. Clients do not see it.',
    ),
  store: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe(
      'Where answers are: in the memory of `stores: { cache: ... }`, which ends with the process; or in the `redis` of `stores`, which several gateways share, with that memory in front for a second.',
    ),
  coalesce: z
    .boolean()
    .default(true)
    .describe('Requests for something that is being fetched wait for it, and do not go to the service themselves.'),
  statusHeader: z.boolean().default(true).describe('Whether answers say in `Cache-Status` what the cache has done (RFC 9211).'),
});

export type CacheConfig = z.output<typeof cacheConfig>;
