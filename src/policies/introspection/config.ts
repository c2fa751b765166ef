import { z } from 'zod';
import { authorityFile } from '#schema/authority-file.ts';
import { checkPlaces } from '#schema/credential-settings.ts';
import { duration } from '#schema/duration.ts';
import { oneOrList } from '#schema/forms.ts';
import { httpUrl, issuerUrl } from '#schema/http-url.ts';
import { secret } from '#schema/secret.ts';
import { claimNames, requiredClaims, toClaimNames, tokenPlaceFields, toTokenPlaces } from '#schema/token-settings.ts';

const AUDIENCES_MAX = 32;
const TEXT_LENGTH_MAX = 512;

const text = () => z.string().min(1).max(TEXT_LENGTH_MAX);

export const introspectionConfig = z
  .strictObject({
    endpoint: httpUrl('Where the server is asked about tokens (RFC 7662).'),
    clientId: text().describe('What the gateway calls itself to the server.'),
    clientSecret: secret().describe('What it proves that with. Best written as a reference.'),
    clientAuthentication: z
      .enum(['basic', 'post'])
      .default('basic')
      .describe('How the secret is shown to the server: in the field `authorization` (`basic`), or in the form (`post`).'),
    hint: text().default('access_token').describe('What kind of token is meant, so that the server finds it sooner.'),
    ca: authorityFile('the server').optional(),
    issuer: issuerUrl(
      'Who issues the tokens: what names of consumers end with, and what `iss` must be where the server says it. Without it, names end with the address of the server.',
    ).optional(),
    audience: oneOrList(text())
      .refine((list) => list.length <= AUDIENCES_MAX, { error: `at most ${AUDIENCES_MAX}` })
      .optional()
      .describe(
        'Whom the tokens are for: `aud` is, or holds, one of these. Without it, the server decides which tokens count here.',
      ),
    claims: requiredClaims()
      .optional()
      .describe('What the server must say of a token: each is, or holds, one of the values that stand here.'),
    claimNames: claimNames.optional().describe('Which parts of the answer say what, where they are not as usual.'),
    ttl: duration({ min: '1s', max: '1h' })
      .prefault('1m')
      .describe('How long an answer counts, and with it a token that was taken back. Never longer than the token.'),
    refusedTtl: duration({ min: '1s', max: '1h' }).prefault('10s').describe('The same for a token that does not count.'),
    staleFor: duration({ min: '1s', max: '24h' })
      .optional()
      .describe('How much longer an answer counts while the server cannot be asked. Without it, not at all.'),
    timeout: duration({ min: '100ms', max: '30s' }).prefault('3s').describe('How long the server may take.'),
    ...tokenPlaceFields,
  })
  .superRefine(checkPlaces)
  .transform(({ ttl, refusedTtl, staleFor, timeout, claims, claimNames: names, header, scheme, query, cookie, ...rest }) => ({
    ...rest,
    claims: claims ?? {},
    names: toClaimNames(names),
    ttlMs: ttl,
    refusedTtlMs: refusedTtl,
    staleForMs: staleFor ?? 0,
    timeoutMs: timeout,
    ...toTokenPlaces({ header, scheme, query, cookie }),
  }));

export type IntrospectionConfig = z.output<typeof introspectionConfig>;
