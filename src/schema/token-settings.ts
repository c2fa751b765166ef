/** What policies that read tokens have in common: where the token is, and which claims say what. */
import { z } from 'zod';
import { oneOrList } from './forms.ts';
import { entryName } from './name.ts';
import { freeFieldName, token } from './token.ts';

const DEFAULT_HEADER = 'authorization';
const DEFAULT_SCHEME = 'Bearer';
const CLAIM_NAME_LENGTH_MAX = 256;
const CLAIM_NAMES_MAX = 8;

/** Where the token is looked for. */
export const tokenPlaceFields = {
  header: freeFieldName()
    .optional()
    .describe(
      `The field that holds the token. \`${DEFAULT_HEADER}\` when neither \`header\`, \`query\` nor \`cookie\` is written.`,
    ),
  scheme: token()
    .optional()
    .describe(
      `The word before the token in the field, in any case. \`${DEFAULT_SCHEME}\` in \`${DEFAULT_HEADER}\`, none in other fields.`,
    ),
  query: z
    .string()
    .min(1)
    .optional()
    .describe('The query parameter that holds the token. Its value is not logged. A URL is kept in more places than a field is.'),
  cookie: token().optional().describe('The cookie that holds the token.'),
};

/** What happens to those who show none, and to the token afterwards. */
export const tokenUseFields = {
  anonymous: entryName()
    .optional()
    .describe(
      'The consumer that those are who show no token. Without it they are refused; a token that does not count is refused in any case.',
    ),
  forward: z.boolean().default(true).describe('Whether the service sees the token.'),
};

interface WrittenPlaces {
  readonly header?: string | undefined;
  readonly scheme?: string | undefined;
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
}

export function checkTokenPlaces({ header, scheme, query, cookie }: WrittenPlaces, context: z.RefinementCtx): void {
  if (scheme === undefined || header !== undefined || (query === undefined && cookie === undefined)) return;
  context.addIssue({ code: 'custom', message: '`scheme` belongs to `header`, which is not written', path: ['scheme'] });
}

export function toTokenPlaces({ header, scheme, query, cookie }: WrittenPlaces): WrittenPlaces {
  const isElsewhere = query !== undefined || cookie !== undefined;
  const field = header ?? (isElsewhere ? undefined : DEFAULT_HEADER);
  return { header: field, scheme: scheme ?? (field === DEFAULT_HEADER ? DEFAULT_SCHEME : undefined), query, cookie };
}

/** The name of a claim, or the way to one inside of others. */
function claimName(): z.ZodString {
  return z.string().min(1).max(CLAIM_NAME_LENGTH_MAX);
}

const CLAIM_VALUES_MAX = 64;

/** Values that claims must have. */
export function requiredClaims() {
  const values = oneOrList(z.union([z.string(), z.number(), z.boolean()]));
  return z.record(
    claimName(),
    values.refine((list) => list.length <= CLAIM_VALUES_MAX, { error: `at most ${CLAIM_VALUES_MAX} values` }),
  );
}

const several = () =>
  oneOrList(claimName()).refine((names) => names.length <= CLAIM_NAMES_MAX, { error: `at most ${CLAIM_NAMES_MAX} claims` });

/** Which claims say what; what is not written is as usual. */
export const claimNames = z.strictObject({
  subject: claimName().optional().describe('Whom the token is about. Usually `sub`.'),
  groups: claimName().optional().describe('The groups that the consumer is in. Usually `groups`.'),
  scopes: several().optional().describe('What the token allows: the first of these that is there. Usually `scope`, then `scp`.'),
  roles: several().optional().describe('The roles of the consumer: the first of these that is there. Usually `roles`.'),
});

export interface WrittenClaimNames {
  readonly subject?: string | undefined;
  readonly groups?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

export interface KnownClaimNames {
  readonly subject: string;
  readonly groups: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

export const usualClaimNames: KnownClaimNames = { subject: 'sub', groups: 'groups', scopes: ['scope', 'scp'], roles: ['roles'] };

export function toClaimNames(written: WrittenClaimNames | undefined, usual: KnownClaimNames = usualClaimNames): KnownClaimNames {
  return {
    subject: written?.subject ?? usual.subject,
    groups: written?.groups ?? usual.groups,
    scopes: written?.scopes ?? usual.scopes,
    roles: written?.roles ?? usual.roles,
  };
}
