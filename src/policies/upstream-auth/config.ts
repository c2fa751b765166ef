import { z } from 'zod';
import { authorityFile } from '#schema/authority-file.ts';
import { duration } from '#schema/duration.ts';
import { httpUrl, issuerUrl } from '#schema/http-url.ts';
import { namedMap } from '#schema/maps.ts';
import { scope } from '#schema/scope.ts';
import { secret } from '#schema/secret.ts';
import { fieldValueTemplate } from '#schema/template.ts';
import { freeFieldName } from '#schema/token.ts';
import { signingKey } from '#schema/token-key.ts';

/** What stands in a token already, or means something to whoever verifies it (RFC 7519 §4.1). */
const OWN_CLAIMS = ['iss', 'aud', 'sub', 'iat', 'exp', 'nbf', 'jti', 'scope', 'roles', 'groups', 'route', 'origin_iss'];
const CREDENTIAL_KEYS = ['token', 'basic', 'bearer', 'header', 'mint'] as const;
const CLAIMS_MAX = 32;
const SCOPES_MAX = 64;
/** RFC 6749 Appendix A: printable ASCII. */
const PRINTABLE = /^[\x20-\x7e]+$/;
/** RFC 9110 §5.5, without what would be cut off at its ends. */
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const printable = () => z.string().regex(PRINTABLE, { error: 'write one line of printable ASCII characters' });
const fieldSecret = () =>
  secret().refine((value) => FIELD_VALUE.test(value.reveal()), {
    error: 'the secret cannot stand in a header field; it has to be one line of ASCII without spaces at its ends',
  });

const token = z
  .strictObject({
    tokenEndpoint: httpUrl('Where tokens are asked for.').optional(),
    issuer: issuerUrl(
      'Who issues tokens, in the place of `tokenEndpoint`: where they are asked for stands in its document `/.well-known/openid-configuration`.',
    ).optional(),
    clientId: printable().describe('The name of the gateway at the issuer.'),
    clientSecret: secret()
      // RFC 6749 Appendix A.2
      .refine((value) => PRINTABLE.test(value.reveal()), { error: 'the secret is not one line of printable ASCII characters' })
      .optional(),
    clientKey: signingKey(
      ['ES256', 'EdDSA', 'RS256'],
      'The private key in PEM form that the gateway proves itself with, in the place of `clientSecret`.',
    ).optional(),
    keyId: printable()
      .optional()
      .describe('What the issuer calls the public half of `clientKey`. Without it, the SHA-256 of the key (RFC 7638).'),
    clientAuthentication: z
      .enum(['basic', 'post', 'private_key_jwt'])
      .optional()
      .describe(
        'How the gateway proves who it is: `clientSecret` in the `authorization` field (`basic`) or in the form (`post`), or a token that `clientKey` signs (`private_key_jwt`). Without it, `basic` for a secret and `private_key_jwt` for a key.',
      ),
    scopes: z.array(scope()).min(1).max(SCOPES_MAX).optional().describe('What the token is to allow.'),
    audience: printable().optional().describe('Whom the token is for, as some issuers ask for it.'),
    resource: printable().optional().describe('Whom the token is for (RFC 8707).'),
    timeout: duration({ min: '100ms', max: '30s' })
      .prefault('5s')
      .describe('How long the issuer may take, and how long a request waits for a token at most.'),
    ca: authorityFile('the issuer').optional(),
  })
  .superRefine((written, context) => {
    const { tokenEndpoint, issuer, clientSecret, clientKey, keyId, clientAuthentication } = written;
    const report = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
    if (tokenEndpoint === undefined && issuer === undefined) report('there is neither `tokenEndpoint` nor `issuer`');
    if (tokenEndpoint !== undefined && issuer !== undefined)
      report('`issuer` stands in the place of `tokenEndpoint`; write one of them', 'issuer');
    if (clientSecret === undefined && clientKey === undefined) report('there is neither `clientSecret` nor `clientKey`');
    if (clientSecret !== undefined && clientKey !== undefined)
      report('`clientKey` stands in the place of `clientSecret`; write one of them', 'clientKey');
    if (keyId !== undefined && clientKey === undefined) report('`keyId` belongs to `clientKey`, which is not written', 'keyId');
    if (clientAuthentication === undefined) return;
    const needed = clientAuthentication === 'private_key_jwt' ? 'clientKey' : 'clientSecret';
    if (written[needed] === undefined) report(`\`${clientAuthentication}\` needs \`${needed}\``, 'clientAuthentication');
  })
  .transform(({ tokenEndpoint, issuer, clientSecret, clientKey, clientAuthentication, ...rest }) => ({
    ...rest,
    server: issuer === undefined ? { tokenEndpoint: tokenEndpoint ?? '' } : { issuer },
    proof: toProof({ clientSecret, clientKey, clientAuthentication }),
  }));

type SecretValue = z.output<ReturnType<typeof secret>>;

interface Written {
  readonly clientSecret: SecretValue | undefined;
  readonly clientKey: SecretValue | undefined;
  readonly clientAuthentication: string | undefined;
}

function toProof({ clientSecret, clientKey, clientAuthentication }: Written) {
  if (clientKey !== undefined) return { kind: 'key', key: clientKey } as const;
  return { kind: 'secret', secret: clientSecret!, way: clientAuthentication === 'post' ? 'post' : 'basic' } as const;
}

const mint = z.strictObject({
  issuer: printable().describe('Who the gateway is in its tokens (`iss`), such as its address.'),
  audience: printable().describe('Whom the tokens are for (`aud`). A service has to accept no others.'),
  ttl: duration({ min: '2s', max: '1h' })
    .prefault('60s')
    .describe(
      'How long a token counts. One is used for half of that, so a service is always sent one that counts as long again.',
    ),
  claims: z
    .record(z.string().min(1).max(100), fieldValueTemplate('What the claim says; it may hold variables of the request.'))
    .default({})
    .superRefine((claims, context) => {
      const names = Object.keys(claims);
      if (names.length > CLAIMS_MAX)
        context.addIssue({ code: 'custom', message: `there are too many claims; at most ${CLAIMS_MAX}` });
      for (const name of names) {
        if (OWN_CLAIMS.includes(name))
          context.addIssue({ code: 'custom', message: `the gateway writes \`${name}\` itself`, path: [name] });
      }
    })
    .describe('More that the tokens say, by name.'),
  header: freeFieldName()
    .default('authorization')
    .describe('The field that holds the token; in `authorization` it stands behind `Bearer`.'),
});

const basic = z.strictObject({
  username: z
    .string()
    // RFC 7617 §2: the first colon ends it.
    .regex(/^[^:\x00-\x1f\x7f]+$/, { error: 'a user name has no colon and no control characters' })
    .describe('The name of the user.'),
  password: secret(),
});

/** Exactly one of them counts. */
const credentialShape = {
  token: token.optional().describe('A token that an issuer gives the gateway for its own name (OAuth 2.0 client credentials).'),
  basic: basic.optional().describe('A user and a password (RFC 7617).'),
  bearer: fieldSecret().optional(),
  header: freeFieldName().optional().describe('The field that `value` stands in.'),
  value: fieldSecret().optional(),
  mint: mint
    .optional()
    .describe(
      'A token of the gateway itself, signed with its `tokenKeys`: it says who asks, and proves that the request came through the gateway.',
    ),
};

type CredentialInput = z.output<z.ZodObject<typeof credentialShape>>;

const credential = z
  .strictObject(credentialShape)
  .superRefine((written, context) => findCredentialProblem(written, context))
  .transform(toCredential);

export const upstreamAuthConfig = z
  .strictObject({
    ...credentialShape,
    services: namedMap(credential)
      .optional()
      .describe('Credentials by the name of the service, in the place of one for all services that a route leads to.'),
  })
  .superRefine(({ services, ...written }, context) => {
    if (services === undefined) return findCredentialProblem(written, context);
    const beside = [...CREDENTIAL_KEYS, 'value' as const].find((key) => written[key] !== undefined);
    if (beside !== undefined)
      context.addIssue({
        code: 'custom',
        message: `\`${beside}\` excludes \`services\`; write it there for each service`,
        path: [beside],
      });
    if (Object.keys(services).length === 0)
      context.addIssue({ code: 'custom', message: 'no service is named', path: ['services'] });
  })
  .transform(({ services, ...written }) =>
    services === undefined ? toCredential(written) : ({ kind: 'services', credentials: services } as const),
  );

export type UpstreamAuthConfig = z.output<typeof upstreamAuthConfig>;
export type CredentialSettings = Exclude<UpstreamAuthConfig, { kind: 'services' }>;
export type TokenSettings = z.output<typeof token>;
export type MintSettings = z.output<typeof mint>;

function findCredentialProblem(written: CredentialInput, context: z.RefinementCtx): void {
  const report = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
  const [first, second] = CREDENTIAL_KEYS.filter((key) => written[key] !== undefined);
  if (first === undefined && written.value === undefined)
    return report('there is no credential; give `token`, `basic`, `bearer`, `header` with `value`, or `mint`');
  if (first !== undefined && second !== undefined) report(`\`${first}\` and \`${second}\` exclude each other`, second);
  if (written.header !== undefined && written.value === undefined)
    report('`header` needs the `value` that stands in it', 'header');
  if (written.value !== undefined && written.header === undefined)
    report('`value` needs the `header` that it stands in', 'value');
}

function toCredential({ token: issued, basic: login, bearer, header, value, mint: minted }: CredentialInput) {
  if (issued !== undefined) return { kind: 'token', ...issued } as const;
  if (login !== undefined) return { kind: 'basic', ...login } as const;
  if (bearer !== undefined) return { kind: 'bearer', bearer } as const;
  if (minted !== undefined) return { kind: 'mint', ...minted } as const;
  return { kind: 'header', header: header!, value: value! } as const;
}
