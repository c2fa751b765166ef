/** Several services that share the requests of a route, by weight, and what keeps requests together. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { entryName } from '#schema/name.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { readFieldName } from '#schema/token.ts';

const WEIGHT_MAX = 1000;
const CLAIM_NAME_LENGTH_MAX = 256;
/** RFC 6265 §4.1.1: the name of a cookie is a token, and its case matters. */
const COOKIE = /^cookie\.([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100})$/;
/** RFC 6265 §4.1.1: no semicolon and no control characters. */
const COOKIE_PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/;

export interface WeightedService {
  readonly service: string;
  readonly weight: number;
}

type StickyBy =
  | { readonly kind: 'cookie' | 'header' | 'claim'; readonly name: string }
  | { readonly kind: 'ip' }
  | { readonly kind: 'consumer' };

/** How requests are kept together. */
export type StickySettings =
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; readonly ttlMs?: number | undefined }
  | { readonly kind: 'header' | 'claim'; readonly name: string }
  | { readonly kind: 'ip' }
  | { readonly kind: 'consumer' };

const weightedService = z.strictObject({
  service: entryName().describe('The name of a service.'),
  weight: z.int().min(0).max(WEIGHT_MAX).default(1).describe('Its share of the requests, relative to the others; 0 takes none.'),
});

export const weightedServices = z
  .array(weightedService)
  .min(1)
  .superRefine((services, context) => {
    if (services.length > 0 && services.every(({ weight }) => weight === 0))
      context.addIssue({
        code: 'custom',
        message: 'every weight is 0, so no service would take the requests; give one a weight above 0',
      });
  });

const stickyBy = textKind<StickyBy>({
  noun: 'what belongs together',
  examples: ['cookie.release', 'header.x-account', 'claim.team', 'ip', 'consumer'],
  pattern: /^(?:cookie\..+|header\..+|claim\..+|ip|consumer)$/,
  help: 'What requests that belong together have in common: `cookie.NAME`, `header.NAME`, `claim.NAME` for a claim of the token, `ip` for the address of the client, or `consumer` for who asks.',
  read: readStickyBy,
});

function readStickyBy(text: string): Reading<StickyBy> {
  if (text === 'ip' || text === 'consumer') return { value: { kind: text } };
  const cookie = COOKIE.exec(text)?.[1];
  if (cookie !== undefined) return { value: { kind: 'cookie', name: cookie } };
  if (text.startsWith('header.')) {
    const reading = readFieldName(text.slice('header.'.length));
    return 'problem' in reading ? reading : { value: { kind: 'header', name: reading.value } };
  }
  const claim = text.startsWith('claim.') ? text.slice('claim.'.length) : '';
  if (claim !== '' && claim.length <= CLAIM_NAME_LENGTH_MAX) return { value: { kind: 'claim', name: claim } };
  return {
    problem: `${quote(text)} is nothing that requests are told by; write \`cookie.NAME\`, \`header.NAME\`, \`claim.NAME\`, \`ip\` or \`consumer\``,
  };
}

export const stickySchema = z
  .strictObject({
    by: stickyBy,
    ttl: duration({ min: '1s' })
      .optional()
      .describe('How long the cookie lasts that a client is given. Without it, for as long as its browser runs.'),
    path: z
      .string()
      .regex(COOKIE_PATH, 'expected a path that begins with `/`, without spaces and semicolons')
      .optional()
      .describe('The paths for which clients send the cookie. Without it, `/`.'),
  })
  .superRefine(({ by, ttl, path }, context) => {
    if (by.kind === 'cookie') return;
    for (const [name, value] of Object.entries({ ttl, path })) {
      if (value === undefined) continue;
      const message = `\`${name}\` belongs to the cookie that clients are given, and \`by\` names none; leave it out`;
      context.addIssue({ code: 'custom', message, path: [name] });
    }
  })
  .transform(({ by, ttl, path }): StickySettings => {
    if (by.kind === 'ip' || by.kind === 'consumer') return by;
    if (by.kind === 'header' || by.kind === 'claim') return { kind: by.kind, name: by.name };
    return { kind: 'cookie', name: by.name, path: path ?? '/', ...(ttl !== undefined && { ttlMs: ttl }) };
  })
  .describe(
    'Keeps requests that belong together at one service, for as long as the weights allow it. Without it, they are spread.',
  );
