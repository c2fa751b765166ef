/** How a service chooses among its endpoints: `balance`, `slowStart`, `affinity`, and where endpoints stand. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { type FormProblem, forms, isMap, isText } from '#schema/forms.ts';
import { type NamedPart, readNamedPart } from '#schema/named-part.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { token } from '#schema/token.ts';
import { hasOnlyBytes, type ServiceEndpoints } from './service-schemes.ts';

const PRIORITY_MAX = 1000;
const ZONE_LENGTH_MAX = 253;
/** Shorter ones can be guessed by whoever has a cookie to try them on. */
const SECRET_LENGTH_MIN = 16;
const BOUNDED_LOAD_MAX = 100;
/** RFC 6265 §4.1.1: what may stand in an attribute of a cookie. */
const COOKIE_PATH = /^\/[\x20-\x3a\x3c-\x7e]*$/;

/** Where an endpoint stands; part of its map. */
export const endpointPlace = {
  priority: z
    .int()
    .min(0)
    .max(PRIORITY_MAX)
    .default(0)
    .describe('Endpoints with a higher number take requests when too few of those with a lower one are available.'),
  zone: zone('The zone that the endpoint is in. Those in the gateway’s own `zone` are used first.').optional(),
};

export function zone(help: string): z.ZodType<string, string> {
  return z.string().min(1).max(ZONE_LENGTH_MAX).describe(help);
}

const plain = ['ip', 'consumer'] as const;
const named = ['header', 'cookie', 'path', 'query', 'claim'] as const;

type HashKeyConfiguration = NamedPart<(typeof plain)[number], (typeof named)[number]>;

function hashKey(): z.ZodType<HashKeyConfiguration, string> {
  return textKind({
    noun: 'a part of the request',
    examples: ['ip', 'consumer', 'header.x-user', 'cookie.session', 'path.id', 'query.user', 'claim.team'],
    help: 'What of a request is hashed: `ip` (the client’s address), `consumer` (who asks), `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path), `query.NAME` or `claim.NAME` (a claim of the token).',
    read: readHashKeyName,
  });
}

export function readHashKeyName(text: string): Reading<HashKeyConfiguration> {
  return readNamedPart(text, { plain, named });
}

const hashMap = z.strictObject({
  by: hashKey().describe(
    'What of a request is hashed: `ip` (the client’s address), `consumer` (who asks), `header.NAME`, `cookie.NAME`, `path.NAME` (a capture of the route’s path), `query.NAME` or `claim.NAME` (a claim of the token). Requests without it take turns.',
  ),
  boundedLoad: z
    .number()
    .min(1)
    .max(BOUNDED_LOAD_MAX)
    .optional()
    .describe(
      'How many times as much as the mean may run at an endpoint before its requests go to another one. Without it, as much as comes.',
    ),
});

const balance = forms(
  'the name of a balancer, or a map with `hash`',
  [
    {
      isMeant: isText,
      schema: z.enum(['round-robin', 'least-requests', 'peak-ewma', 'random']).transform((kind) => ({ kind })),
    },
    {
      isMeant: isMap,
      schema: z
        .strictObject({ hash: hashMap.describe('The same key goes to the same endpoint.') })
        .transform(({ hash }) => ({ kind: 'hash' as const, by: hash.by, boundedLoad: hash.boundedLoad })),
    },
  ],
  findBareHash,
);

function findBareHash(value: unknown): FormProblem | undefined {
  if (value !== 'hash') return undefined;
  const message = '`hash` needs to know what is hashed; write `balance: { hash: { by: ip } }`, or `by: header.NAME`';
  return { code: 'wrong-type', message, path: [] };
}

const affinity = z.strictObject({
  cookie: token().describe('The name of the cookie. Services whose clients are the same need different names.'),
  secret: secret()
    .refine((key) => key.reveal().length >= SECRET_LENGTH_MIN, {
      error: `the secret is too short; at least ${SECRET_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` prints`,
    })
    .describe(
      'What the cookie is signed with: the same in all gateways that serve the same clients. Best written as a reference.',
    ),
  ttl: duration({ min: '1s' }).optional().describe('How long a client keeps the cookie. Without it, until its session ends.'),
  path: textKind({
    noun: 'a path',
    examples: ['/', '/shop'],
    pattern: COOKIE_PATH,
    help: 'A path that begins with `/`.',
    read: (text): Reading<string> =>
      COOKIE_PATH.test(text) ? { value: text } : { problem: `${quote(text)} is not a path such as \`/\` or \`/shop\`` },
  })
    .prefault('/')
    .describe('Below which path the client sends the cookie.'),
  sameSite: z
    .enum(['lax', 'strict', 'none'])
    .default('lax')
    .describe('Whether the client sends it along when another site asks; `none` makes it `Secure`.'),
});

/** Settings of a service. */
export const balancingFields = {
  balance: balance
    .prefault('round-robin')
    .describe(
      'How an endpoint is chosen: `round-robin`, `least-requests`, `peak-ewma`, `random`, or `hash` for the same endpoint for the same key.',
    ),
  slowStart: duration({ min: '1s', max: '1h' })
    .optional()
    .describe(
      'How long the share of an endpoint grows that joins a running service or is healthy again. Without it, it has all of its share at once.',
    ),
  affinity: affinity.optional().describe('Keeps a client at one endpoint by a signed cookie.'),
};

interface BalancedService extends ServiceEndpoints {
  readonly endpoints?: readonly (NonNullable<ServiceEndpoints['endpoints']>[number] & { readonly weight: number })[] | undefined;
  readonly balance: { readonly kind: string; readonly by?: HashKeyConfiguration };
  readonly affinity?: unknown;
}

/** What is wrong between the settings here and the endpoints. */
export function findBalancingProblems(service: BalancedService) {
  const { endpoints = [], discover, balance: chosen, affinity: kept } = service;
  const problems: { path: (string | number)[]; message: string }[] = [];
  if (discover === undefined && endpoints.length > 0 && endpoints.every(({ weight }) => weight === 0))
    problems.push({
      path: ['endpoints'],
      message: 'every weight is 0, so no endpoint would take the requests; give one a weight above 0',
    });
  const takesBytes = hasOnlyBytes(service);
  if (takesBytes && chosen.by !== undefined && chosen.by.kind !== 'ip')
    problems.push({
      path: ['balance', 'hash', 'by'],
      message: `nobody reads the bytes of \`tcp\` and \`tls\`, so there is no ${chosen.by.kind}; use \`ip\``,
    });
  if (takesBytes && kept !== undefined)
    problems.push({
      path: ['affinity'],
      message:
        'nobody reads the bytes of `tcp` and `tls`, so there are no cookies; `balance: { hash: { by: ip } }` keeps clients apart',
    });
  return problems;
}
