/** What policies that read tokens have in common: where the token is, and which claims say what. */
import { z } from 'zod';
import { anonymousConsumer, credentialPlaces, toPlaces, type WrittenPlaces } from './credential-settings.ts';
import { oneOrList } from './forms.ts';

const CLAIM_NAME_LENGTH_MAX = 256;
const CLAIM_NAMES_MAX = 8;

const usual = { header: 'authorization', scheme: 'Bearer' };

/** Where the token is looked for, what happens to those who show none, and to the token afterwards. */
export const tokenPlaceFields = {
  ...credentialPlaces('token', usual),
  anonymous: anonymousConsumer('token'),
  forward: z.boolean().default(true).describe('Whether the service sees the token.'),
};

export const toTokenPlaces = (written: WrittenPlaces) => toPlaces(written, usual);

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
