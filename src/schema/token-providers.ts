/** What is known of those who issue tokens for many: what their issuers are called, where their keys are, and which claims say what. */
import { z } from 'zod';
import { oneOrList } from './forms.ts';
import { httpUrl } from './http-url.ts';
import { listWords, quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';
import { type KnownClaimNames, usualClaimNames } from './token-settings.ts';

/** One value of `iss`, and all that follows from it. */
export interface ProvidedIssuer {
  readonly issuer: string;
  /** As it stands in names of consumers, where one provider has several. */
  readonly name: string;
  /** Where the keys are; without it, discovery tells. */
  readonly jwks?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly names: KnownClaimNames;
  readonly claims?: Readonly<Record<string, readonly string[]>>;
}

const GUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;
const USER_POOL = /^[a-z]{2}(?:-[a-z]+)+-\d_[A-Za-z0-9]{1,55}$/;
const TEXT_LENGTH_MAX = 256;
const TEXTS_MAX = 64;

const text = () => z.string().min(1).max(TEXT_LENGTH_MAX);
const texts = () => oneOrList(text()).refine((list) => list.length <= TEXTS_MAX, { error: `at most ${TEXTS_MAX}` });

function word(noun: string, pattern: RegExp, example: string): z.ZodType<string, string> {
  return textKind({
    noun,
    examples: [example],
    pattern,
    help: `${noun[0]!.toUpperCase()}${noun.slice(1)}, such as \`${example}\`.`,
    read: (written): Reading<string> =>
      pattern.test(written)
        ? { value: written }
        : { problem: `${quote(written)} is not ${noun}; write one such as \`${example}\`` },
  });
}

const tenant = () => word('the id of a tenant', GUID, '11111111-2222-3333-4444-555555555555').transform((id) => id.toLowerCase());

const entra = z
  .strictObject({
    tenant: oneOrList(tenant())
      .refine((list) => list.length <= TEXTS_MAX, { error: `at most ${TEXTS_MAX} tenants` })
      .describe('The id of the tenant whose tokens are taken; several in a list, for an application of several tenants.'),
    audience: texts().describe(
      'The client id of the application that the tokens are for, or its URI. An id stands for `api://ID` too.',
    ),
  })
  .transform(({ tenant: tenants, audience }) => tenants.flatMap((id) => toEntraIssuers(id, audience)));

/** Which version a token has is decided by the registration of the application that it is for; the keys are the same. */
function toEntraIssuers(id: string, written: readonly string[]): ProvidedIssuer[] {
  const current = `https://login.microsoftonline.com/${id}/v2.0`;
  const common = {
    name: current,
    jwks: `https://login.microsoftonline.com/${id}/discovery/v2.0/keys`,
    audience: [...new Set(written.flatMap((audience) => (GUID.test(audience) ? [audience, `api://${audience}`] : [audience])))],
    // `sub` of a user differs from application to application, and nobody can look it up.
    names: { subject: 'oid', groups: 'groups', scopes: ['scp'], roles: ['roles'] },
  };
  // The tenant once more, as Microsoft asks of who takes tokens.
  const claims = { tid: [id] };
  return [current, `https://sts.windows.net/${id}/`].map((issuer) => ({ issuer, ...common, claims }));
}

const auth0 = z
  .strictObject({
    domain: word('a domain', DOMAIN, 'shop.eu.auth0.com').describe('The domain of the tenant, or a custom one.'),
    audience: texts().describe('The identifier of the API that the tokens are for.'),
  })
  .transform(({ domain, audience }): ProvidedIssuer[] => [
    {
      issuer: `https://${domain}/`,
      name: `https://${domain}/`,
      jwks: `https://${domain}/.well-known/jwks.json`,
      audience,
      names: { ...usualClaimNames, roles: ['permissions'] },
    },
  ]);

const keycloak = z
  .strictObject({
    url: httpUrl(
      'The address of the server, such as `https://login.example.com`; with `/auth` at its end where the server has it.',
    ),
    realm: text().describe('The realm.'),
    audience: texts().describe('The audience that a mapper puts into the tokens, usually the id of a client.'),
    client: text().optional().describe('The client whose roles count. Without it, those of the realm do.'),
  })
  .transform(({ url, realm, audience, client }): ProvidedIssuer[] => {
    const issuer = `${url.replace(/\/$/, '')}/realms/${encodeURIComponent(realm)}`;
    const roles = [client === undefined ? 'realm_access.roles' : `resource_access.${client}.roles`];
    // Identity tokens have the same issuer and keys.
    const claims = { typ: ['Bearer'] };
    const names = { ...usualClaimNames, roles };
    return [{ issuer, name: issuer, jwks: `${issuer}/protocol/openid-connect/certs`, audience, names, claims }];
  });

const cognito = z
  .strictObject({
    pool: word('the id of a user pool', USER_POOL, 'eu-central-1_AbCdEfGhI').describe('The id of the user pool.'),
    clients: texts().describe('The ids of the clients whose tokens are taken: access tokens have no audience.'),
  })
  .transform(({ pool, clients }): ProvidedIssuer[] => {
    const issuer = `https://cognito-idp.${pool.slice(0, pool.indexOf('_'))}.amazonaws.com/${pool}`;
    const names = { ...usualClaimNames, groups: 'cognito:groups', roles: ['cognito:roles'] };
    const claims = { token_use: ['access'], client_id: clients };
    return [{ issuer, name: issuer, jwks: `${issuer}/.well-known/jwks.json`, names, claims }];
  });

const GOOGLE = 'https://accounts.google.com';

const google = z
  .strictObject({
    audience: texts().describe('The ids of the clients that the identity tokens are for.'),
    domains: texts()
      .optional()
      .describe('The domains of Google Workspace whose users may come. Without it, everybody with an account.'),
  })
  .transform(({ audience, domains }): ProvidedIssuer[] =>
    // Both are in use.
    [GOOGLE, 'accounts.google.com'].map((issuer) => ({
      issuer,
      name: GOOGLE,
      jwks: 'https://www.googleapis.com/oauth2/v3/certs',
      audience,
      names: usualClaimNames,
      ...(domains !== undefined && { claims: { hd: domains } }),
    })),
  );

const providers = {
  entra: entra.optional().describe('Microsoft Entra ID: tokens of version 1 and 2.'),
  auth0: auth0.optional().describe('Auth0: access tokens of an API.'),
  keycloak: keycloak.optional().describe('Keycloak: access tokens of a realm.'),
  cognito: cognito.optional().describe('Amazon Cognito: access tokens of a user pool.'),
  google: google.optional().describe('Google: identity tokens.'),
};

/** One of those who are known, by name. */
export const tokenProvider = z
  .strictObject(providers)
  .superRefine((written, context) => {
    if (Object.values(written).filter((issuers) => issuers !== undefined).length === 1) return;
    const message = `expected one provider: ${listWords(Object.keys(providers))}`;
    context.addIssue({ code: 'custom', message });
  })
  .transform((written): readonly ProvidedIssuer[] => Object.values(written).find((issuers) => issuers !== undefined) ?? []);
