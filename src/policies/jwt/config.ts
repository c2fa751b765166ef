import { z } from 'zod';
import { type AuthorityFile, authorityFile } from '#schema/authority-file.ts';
import { checkPlaces } from '#schema/credential-settings.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap, isText, oneOrList } from '#schema/forms.ts';
import { httpUrl, issuerUrl } from '#schema/http-url.ts';
import { secret } from '#schema/secret.ts';
import { type ProvidedIssuer, tokenProvider } from '#schema/token-providers.ts';
import { claimNames, requiredClaims, toClaimNames, tokenPlaceFields, toTokenPlaces } from '#schema/token-settings.ts';

const ISSUERS_MAX = 32;
const INLINE_KEYS_MAX = 32;
const AUDIENCES_MAX = 32;
/** RFC 7518 §3.2: as long as what HS256 makes of it; shorter ones can be guessed by whoever has a token. */
const SECRET_LENGTH_MIN = 32;

const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
const symmetric = ['HS256', 'HS384', 'HS512'] as const;

const isSymmetric = (algorithm: string) => algorithm.startsWith('HS');

const publicKey = z.record(z.string(), z.unknown()).superRefine((key, context) => {
  if (typeof key['kty'] !== 'string' || key['kty'] === 'oct')
    context.addIssue({
      code: 'custom',
      message: 'expected a public key with `kty`, such as `RSA`, `EC` or `OKP`; a secret goes to `secret`',
    });
  if (key['d'] !== undefined)
    context.addIssue({
      code: 'custom',
      message: 'this is a private key; leave out `d` and all behind it, and keep it from the gateway',
      path: ['d'],
    });
});

const jwks = forms('an address, or a map with `file` or `keys`', [
  { isMeant: isText, schema: httpUrl('Where the keys are.').transform((url) => ({ kind: 'url' as const, url })) },
  {
    isMeant: (value) => isMap(value) && 'file' in value,
    schema: z
      .strictObject({
        file: filePath(
          'A file with a JSON Web Key Set. Relative paths count from the folder of the configuration. A change takes effect by itself.',
        ),
      })
      .transform(({ file }) => ({ kind: 'file' as const, file, form: 'key-set' as const })),
  },
  {
    isMeant: isMap,
    schema: z
      .strictObject({ keys: z.array(publicKey).min(1).max(INLINE_KEYS_MAX).describe('Public keys, each as a JSON Web Key.') })
      .transform(({ keys }) => ({ kind: 'keys' as const, keys })),
  },
]);

const issuerFields = {
  issuer: issuerUrl('Who issues the tokens, exactly as in their claim `iss`.').optional(),
  provider: tokenProvider.optional().describe('Instead of `issuer`: a provider whose issuers and claims are known.'),
  audience: oneOrList(z.string().min(1))
    .refine((list) => list.length <= AUDIENCES_MAX, { error: `at most ${AUDIENCES_MAX}` })
    .optional()
    .describe('Whom the tokens are for: their claim `aud` is, or holds, one of these.'),
  anyAudience: z
    .literal(true)
    .optional()
    .describe('Takes tokens that were issued for others too. Whoever is shown one can then use it here.'),
  jwks: jwks
    .optional()
    .describe(
      'Where the keys are: the address of a key set, `{ file: PATH }` or `{ keys: [...] }`. Without it, the issuer is asked (discovery).',
    ),
  ca: authorityFile('the issuer').optional(),
  secret: secret()
    .refine((text) => text.reveal().length >= SECRET_LENGTH_MIN, {
      error: `the secret is too short; at least ${SECRET_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` prints`,
    })
    .optional()
    .describe(
      'Instead of `jwks`: what tokens with `HS256`, `HS384` or `HS512` are signed with. Whoever has it can issue tokens.',
    ),
  algorithms: z
    .array(z.enum([...asymmetric, ...symmetric]))
    .min(1)
    .optional()
    .describe(
      'What tokens may be signed with. Without it, every algorithm that fits the keys, and with `secret` those with `HS`.',
    ),
  claims: requiredClaims()
    .optional()
    .describe('Claims that tokens must have: each is, or holds, one of the values that stand here.'),
  claimNames: claimNames.optional().describe('Which claims say what, where they are not as usual.'),
};

const issuerSettings = z.strictObject(issuerFields);
type WrittenIssuer = z.output<typeof issuerSettings>;

type SecretText = z.output<ReturnType<typeof secret>>;

type KeySource =
  | z.output<typeof jwks>
  | { readonly kind: 'discovery'; readonly issuer: string }
  | { readonly kind: 'secret'; readonly secret: SecretText };

export interface IssuerConfig {
  readonly issuer: string;
  readonly name: string;
  readonly audience?: readonly string[] | undefined;
  readonly keys: KeySource;
  readonly ca?: AuthorityFile | undefined;
  readonly algorithms: readonly string[];
  readonly claims: Readonly<Record<string, readonly (string | number | boolean)[]>>;
  readonly names: ReturnType<typeof toClaimNames>;
}

export const jwtConfig = z
  .strictObject({
    ...issuerFields,
    issuers: z
      .array(issuerSettings)
      .min(1)
      .max(ISSUERS_MAX)
      .optional()
      .describe('Several issuers, each with settings of its own, instead of those settings here.'),
    typ: oneOrList(z.string().min(1))
      .optional()
      .describe('The types that the header of a token may say, such as `at+jwt`. Without it, `JWT`, `at+jwt` and none at all.'),
    leeway: duration({ max: '5m' }).prefault('30s').describe('How far the clocks of issuers may be from ours.'),
    maxAge: duration({ min: '1s' })
      .optional()
      .describe('How long after its claim `iat` a token counts at most. Without it, until it expires.'),
    requireExpiry: z
      .boolean()
      .default(true)
      .describe('Whether a token needs a claim `exp`. One that never expires cannot be taken back.'),
    ...tokenPlaceFields,
    timeout: duration({ min: '100ms', max: '30s' })
      .prefault('5s')
      .describe('How long a request waits for keys that have to be fetched first.'),
  })
  .superRefine((written, context) => {
    checkPlaces(written, context);
    checkIssuers(written, context);
  })
  .transform(({ typ, leeway, maxAge, requireExpiry, anonymous, forward, timeout, issuers, ...rest }) => ({
    issuers: (issuers ?? [rest as WrittenIssuer]).flatMap(toIssuers),
    typ: typ?.map(toMediaType),
    leewayMs: leeway,
    maxAgeMs: maxAge,
    requireExpiry,
    anonymous,
    forward,
    timeoutMs: timeout,
    ...toTokenPlaces(rest),
  }));

export type JwtConfig = z.output<typeof jwtConfig>;

function checkIssuers(
  written: WrittenIssuer & { readonly issuers?: readonly WrittenIssuer[] | undefined },
  context: z.RefinementCtx,
): void {
  const { issuers } = written;
  if (issuers === undefined) return checkIssuer(written, [], context);
  for (const name of Object.keys(issuerFields) as (keyof WrittenIssuer)[]) {
    if (written[name] === undefined) continue;
    const message = `\`${name}\` and \`issuers\` exclude each other; write it into the list`;
    context.addIssue({ code: 'custom', message, path: [name] });
  }
  for (const [index, issuer] of issuers.entries()) checkIssuer(issuer, ['issuers', index], context);
  const seen = new Set<string>();
  for (const [index, issuer] of issuers.entries()) {
    for (const name of issuer.provider?.map(({ issuer: provided }) => provided) ??
      (issuer.issuer === undefined ? [] : [issuer.issuer])) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', message: `the issuer \`${name}\` is here a second time`, path: ['issuers', index] });
      seen.add(name);
    }
  }
}

function checkIssuer(written: WrittenIssuer, path: readonly (string | number)[], context: z.RefinementCtx): void {
  const { issuer, provider, audience, anyAudience, jwks: keys, secret: key, algorithms } = written;
  const refuse = (message: string, ...at: string[]) => context.addIssue({ code: 'custom', message, path: [...path, ...at] });
  if (issuer === undefined && provider === undefined)
    return refuse('nobody issues the tokens; write `issuer: https://login.example.com/`, or a `provider`');
  if (provider !== undefined) {
    for (const name of ['issuer', 'audience', 'anyAudience', 'jwks', 'secret'] as const)
      if (written[name] !== undefined) refuse(`\`${name}\` and \`provider\` exclude each other`, name);
    if (algorithms?.some(isSymmetric) === true) refuse('providers sign with keys of their own, and none with `HS`', 'algorithms');
    return;
  }
  if (audience === undefined && anyAudience === undefined)
    refuse('a token that was issued for another service would count here; write `audience: NAME`, or `anyAudience: true`');
  if (audience !== undefined && anyAudience !== undefined)
    refuse('`audience` and `anyAudience` exclude each other', 'anyAudience');
  if (key !== undefined && keys !== undefined) refuse('`jwks` and `secret` exclude each other', 'secret');
  const wrong = algorithms?.find((algorithm) => isSymmetric(algorithm) !== (key !== undefined));
  if (wrong === undefined) return;
  refuse(
    key === undefined ? `\`${wrong}\` needs a \`secret\`` : `\`${wrong}\` needs keys, and there is a \`secret\``,
    'algorithms',
  );
}

function toIssuers({
  issuer,
  provider,
  audience,
  jwks: keys,
  ca,
  secret: key,
  algorithms,
  claims,
  claimNames: names,
}: WrittenIssuer): IssuerConfig[] {
  if (provider !== undefined)
    return provider.map((provided) => toProvided(provided, { ca, algorithms, claims, claimNames: names }));
  if (issuer === undefined) return [];
  const source: KeySource = key !== undefined ? { kind: 'secret', secret: key } : (keys ?? { kind: 'discovery', issuer });
  return [
    {
      issuer,
      name: issuer,
      audience,
      keys: source,
      ca,
      algorithms: algorithms ?? (key === undefined ? asymmetric : symmetric),
      claims: claims ?? {},
      names: toClaimNames(names),
    },
  ];
}

type ProvidedSettings = Pick<WrittenIssuer, 'ca' | 'algorithms' | 'claims' | 'claimNames'>;

function toProvided(
  { issuer, name, jwks: url, audience, names, claims }: ProvidedIssuer,
  written: ProvidedSettings,
): IssuerConfig {
  return {
    issuer,
    name,
    audience,
    keys: url === undefined ? { kind: 'discovery', issuer } : { kind: 'url', url },
    ca: written.ca,
    algorithms: written.algorithms ?? asymmetric,
    claims: { ...written.claims, ...claims },
    names: toClaimNames(written.claimNames, names),
  };
}

/** RFC 7515 §4.1.9: `application/` may be left out, and case does not matter. */
function toMediaType(typ: string): string {
  const lower = typ.toLowerCase();
  return lower.includes('/') ? lower : `application/${lower}`;
}
