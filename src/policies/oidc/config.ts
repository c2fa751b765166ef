import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { oneOrList } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { token } from '#schema/token.ts';
import { claimNames, toClaimNames } from '#schema/token-settings.ts';

const SECRET_LENGTH_MIN = 32;
const SECRETS_MAX = 4;
const SCOPES_MAX = 50;
const TEXT_LENGTH_MAX = 1_024;
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const PATH = /^\/[A-Za-z0-9._~/-]*$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** What the login writes into the authorization request itself. */
const OWN_PARAMETERS = new Set([
  'response_type',
  'response_mode',
  'client_id',
  'client_secret',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'audience',
  'resource',
]);

function readIssuer(text: string): Reading<string> {
  const url = URL.parse(text);
  if (url === null) return { problem: `${quote(text)} is not a URL; write \`https://login.example.com\`` };
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return { problem: `${quote(text)}: an issuer has no query, fragment, user name or password` };
  if (url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL_HOSTS.has(url.hostname))) return { value: text };
  return { problem: `${quote(text)}: an issuer is asked by \`https\`; \`http\` is for this machine only (\`localhost\`)` };
}

function readOwnPath(text: string): Reading<string> {
  if (PATH.test(text) && !text.includes('//') && !/\/\.{1,2}(?:\/|$)/.test(text)) return { value: text };
  return {
    problem: `${quote(text)} is not a path; write letters, digits, \`-\`, \`_\`, \`.\` and \`~\`, such as \`/oauth2/callback\``,
  };
}

function readOrigin(text: string): Reading<string> {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return { value: text };
  return { problem: `${quote(text)} is not an origin; write a scheme and a host, such as \`https://shop.example.com\`` };
}

function readAfterLogout(text: string): Reading<string> {
  if (text.startsWith('https://') && URL.canParse(text)) return { value: text };
  return PATH.test(text) && !text.startsWith('//')
    ? { value: text }
    : { problem: `${quote(text)} is neither a path such as \`/bye\` nor a URL that begins with \`https://\`` };
}

const ownPath = () =>
  textKind({ noun: 'a path', examples: ['/oauth2/callback'], pattern: PATH, help: 'A path of this site.', read: readOwnPath });

const issuer = textKind({
  noun: 'the address of an issuer',
  examples: ['https://login.example.com'],
  help: 'Where the provider is: its address without `/.well-known/openid-configuration`.',
  read: readIssuer,
});

const origin = textKind({
  noun: 'an origin',
  examples: ['https://shop.example.com'],
  help: 'A scheme and a host, with a port where it is not the usual one.',
  read: readOrigin,
});

const afterLogout = textKind({
  noun: 'a path or a URL',
  examples: ['/', '/bye', 'https://example.com/bye'],
  help: 'A path of this site, or a URL with `https`.',
  read: readAfterLogout,
});

const scope = textKind({
  noun: 'a scope',
  examples: ['openid', 'email', 'offline_access'],
  pattern: SCOPE,
  help: 'One scope, without spaces.',
  read: (text): Reading<string> =>
    SCOPE.test(text) ? { value: text } : { problem: `${quote(text)} is not one scope; write each as an entry of the list` },
});

const text = () => z.string().min(1).max(TEXT_LENGTH_MAX);

const parameters = z.record(text(), z.string().max(TEXT_LENGTH_MAX)).superRefine((map, context) => {
  for (const name of Object.keys(map)) {
    if (!OWN_PARAMETERS.has(name)) continue;
    context.addIssue({ code: 'custom', message: `the login writes ${quote(name)} itself`, path: [name] });
  }
});

const secrets = oneOrList(
  secret().superRefine((value, context) => {
    if (value.reveal().length < SECRET_LENGTH_MIN)
      context.addIssue({ code: 'custom', message: `a secret for cookies has at least ${SECRET_LENGTH_MIN} characters` });
  }),
).superRefine((list, context) => {
  if (list.length > SECRETS_MAX) context.addIssue({ code: 'custom', message: `at most ${SECRETS_MAX} secrets` });
});

const session = z.strictObject({
  store: z
    .enum(['cookie', 'memory', 'redis'])
    .default('cookie')
    .describe(
      'Where sessions are: encrypted in a `cookie`; or with nothing but an id in the cookie, in the `memory` of this process until that ends, or in the `redis` of `stores`.',
    ),
  idle: duration({ min: '1m', max: '24d' })
    .prefault('1h')
    .describe('A session ends when it has not been used for so long. It is noted after an eighth of this time that it was used.'),
  absolute: duration({ min: '1m', max: '24d' }).prefault('12h').describe('A session ends so long after the login, in any case.'),
});

const cookie = z
  .strictObject({
    name: token()
      .default('gatehouse')
      .describe(
        'The name, before which `__Host-` or `__Secure-` is put where that is possible. Whatever begins with it and a dot belongs to the login too.',
      ),
    domain: z
      .string()
      .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/)
      .optional()
      .describe('The domain whose hosts all get the cookie. Without it only the host that was logged in to does.'),
    path: ownPath()
      .default('/')
      .describe('The paths that get the cookie. `callbackPath` and the other paths of the login lie below.'),
    sameSite: z
      .enum(['lax', 'none'])
      .default('lax')
      .describe(
        '`none` for pages within pages of others. There is no `strict`: who comes back from the provider would have no session.',
      ),
    secure: z
      .boolean()
      .default(true)
      .describe('Whether browsers send it over `https` only. Switch it off for a trial without TLS.'),
  })
  .superRefine(({ name, sameSite, secure }, context) => {
    if (name.includes('.') || name.startsWith('__'))
      context.addIssue({ code: 'custom', message: `${quote(name)}: write a name without dots and prefix`, path: ['name'] });
    if (sameSite === 'none' && !secure)
      context.addIssue({
        code: 'custom',
        message: '`sameSite: none` needs `secure`; browsers refuse it otherwise',
        path: ['sameSite'],
      });
  });

export const oidcConfig = z
  .strictObject({
    issuer: issuer.describe('The provider: its address without `/.well-known/openid-configuration`.'),
    ca: filePath('Certificates in PEM form that the provider is trusted by, in the place of the machine’s own.')
      .transform((file) => ({ file, form: 'authority' as const }))
      .optional(),
    clientId: text().describe('Under which name the provider knows this gateway.'),
    clientSecret: secret().optional().describe('The secret that the provider gave out with it. A public client has none.'),
    clientAuthentication: z
      .enum(['basic', 'post'])
      .default('basic')
      .describe('How the secret is shown to the provider: in the field `authorization`, or in the body.'),
    scopes: z
      .array(scope)
      .max(SCOPES_MAX)
      .default(['openid', 'profile', 'email'])
      .describe('What is asked for. `offline_access` asks most providers for a token to refresh with.'),
    audience: text()
      .optional()
      .describe('The parameter `audience`, by which some providers choose whom the access token is for.'),
    resource: z.url().optional().describe('The parameter `resource` (RFC 8707), by which others do.'),
    parameters: parameters.default({}).describe('Further parameters for the login page, such as `prompt` or `domain_hint`.'),
    userinfo: z
      .boolean()
      .default(false)
      .describe(
        'Whether the provider is asked for more claims at each login and refresh. Some put few claims into the token itself.',
      ),
    secret: secrets.describe(
      'What cookies are encrypted with, at least 32 characters; the same for all instances. Of several the first encrypts, and all decrypt.',
    ),
    origin: origin
      .optional()
      .describe(
        'The origin under which browsers see this site, where the request does not tell: behind a proxy that is not trusted.',
      ),
    callbackPath: ownPath().default('/oauth2/callback').describe('Where the provider sends browsers back to.'),
    loginPath: ownPath()
      .default('/oauth2/login')
      .describe('Where a page sends who wants to log in; `?return_to=/PATH` leads on from there.'),
    logoutPath: ownPath()
      .default('/oauth2/logout')
      .describe('Where a page sends who wants to log out, by POST or by a link of its own.'),
    afterLogout: afterLogout.default('/').describe('Where browsers end up after that. The provider has to know it.'),
    unauthenticated: z
      .enum(['auto', 'redirect', 'refuse', 'pass'])
      .default('auto')
      .describe(
        'What happens without a session. `auto` sends browsers that open a page to the login, and answers 401 to all others; `redirect` sends every GET there; `refuse` answers 401; `pass` lets pass.',
      ),
    anonymous: entryName().optional().describe('The consumer that those are who pass without a session.'),
    claimNames: claimNames
      .transform((written) => toClaimNames(written))
      .prefault({})
      .describe('Which claims say what, where they are not as usual.'),
    forward: z
      .enum(['access-token', 'id-token'])
      .optional()
      .describe('Which token the service gets in `authorization: Bearer`. Without it, none.'),
    session: session.prefault({}).describe('Where sessions are kept, and for how long.'),
    cookie: cookie.prefault({}).describe('The cookie of the session.'),
  })
  .superRefine((config, context) => {
    const { scopes, callbackPath, loginPath, logoutPath, unauthenticated, anonymous, cookie: written } = config;
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', message, path: [path] });
    if (!scopes.includes('openid')) refuse('scopes', '`openid` has to be among the scopes');
    if (new Set([callbackPath, loginPath, logoutPath]).size < 3)
      refuse('callbackPath', '`callbackPath`, `loginPath` and `logoutPath` are three different paths');
    const below = written.path.endsWith('/') ? written.path : `${written.path}/`;
    for (const [name, path] of Object.entries({ callbackPath, loginPath, logoutPath }))
      if (!path.startsWith(below))
        refuse(name, `${quote(path)} lies outside of \`cookie.path\`, so browsers would send no cookie there`);
    if (anonymous !== undefined && unauthenticated !== 'pass')
      refuse('anonymous', '`anonymous` is who passes without a session; write `unauthenticated: pass` too');
  });

export type OidcConfig = z.output<typeof oidcConfig>;
