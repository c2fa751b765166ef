import { z } from 'zod';
import type { Secret } from '#base/secret.ts';
import { isReachable } from '#net/loopback.ts';
import { address } from '#schema/address.ts';
import { filePath } from '#schema/file-path.ts';
import { namedMap } from '#schema/maps.ts';
import { secret } from '#schema/secret.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { hasTokens } from './admin-tokens.ts';
import { operatorRoles } from './operator-roles.ts';

/** Anybody who reaches the admin address may guess. */
const ADMIN_TOKEN_LENGTH_MIN = 16;
const TOKENS_MAX = 100;
const SHA256 = /^[0-9a-fA-F]{64}$/;
/** What the audit log calls those who have no name. */
const RESERVED_NAMES = ['token', 'loopback', 'certificate', 'unknown'];

/** For whoever runs the gateway. */
export const adminSchema = z
  .strictObject({
    address: address().describe(
      'Where the console (`/`), `/healthz`, `/readyz`, `/metrics` and the admin API (`/api`) are served.',
    ),
    token: adminToken()
      .optional()
      .describe(
        'What the admin API is shown (`Authorization: Bearer TOKEN`), for the role `admin`. Without it and without `tokens`, the API answers only where `address` is a loopback address or a Unix socket.',
      ),
    tokens: namedMap(operatorToken())
      .prefault({})
      .describe('Tokens of several people and programs, each with a role. Their names stand in the audit log.'),
    tls: z
      .strictObject({
        cert: filePath('The certificate and its chain, PEM. Relative to the configuration file.'),
        key: filePath('The private key of the certificate, PEM. Relative to the configuration file.'),
        clientCa: filePath(
          'Certificates of the authorities that sign those of operators, PEM. The API then answers only to who shows one, besides a token where there are tokens.',
        ).optional(),
      })
      .optional()
      .describe('Serves the admin address over TLS. The files are read again when they change.'),
    apply: z
      .boolean()
      .default(false)
      .describe(
        'Whether whoever has the role `admin` may replace the configuration by the API. Going back to one that has run already is always possible.',
      ),
    protectMetrics: z
      .boolean()
      .default(false)
      .describe('Whether `/metrics` is answered only to who may read the admin API. `/healthz` and `/readyz` always answer.'),
    audit: z
      .strictObject({
        file: filePath('The file that a line of JSON is added to for each entry. Relative to the configuration file.'),
      })
      .optional()
      .describe('Where it is written who changed something by the API, or tried to. The latest entries are also kept in memory.'),
  })
  .superRefine(({ tokens }, context) => {
    const names = Object.keys(tokens);
    for (const name of names.filter((each) => RESERVED_NAMES.includes(each)))
      context.addIssue({
        code: 'custom',
        message: `the audit log means somebody else by \`${name}\`; choose another name`,
        path: ['tokens', name],
      });
    if (names.length > TOKENS_MAX)
      context.addIssue({ code: 'custom', message: `there are more than ${TOKENS_MAX} tokens`, path: ['tokens'] });
  })
  .superRefine(({ address: place, tls, apply, protectMetrics, ...admin }, context) => {
    if (hasTokens(admin) || tls?.clientCa !== undefined) return;
    if (apply && isReachable(place))
      context.addIssue({
        code: 'custom',
        message: 'nobody could: others can reach `admin.address`, and there is no token; write `admin.tokens`',
        path: ['apply'],
      });
    if (protectMetrics)
      context.addIssue({
        code: 'custom',
        message: 'there is no token that could be shown; write `admin.tokens`',
        path: ['protectMetrics'],
      });
  });

function adminToken(): z.ZodType<Secret, string> {
  return secret().refine((token) => token.reveal().length >= ADMIN_TOKEN_LENGTH_MIN, {
    error: `the token is too short; at least ${ADMIN_TOKEN_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` makes`,
  });
}

/** The token itself may look like a hash (64 hexadecimal digits), so its hash has a key of its own. */
function operatorToken() {
  return z
    .strictObject({
      role: z
        .enum(operatorRoles)
        .describe(
          '`read` sees everything but secrets; `operate` also changes endpoints, quotas and the cache; `admin` also configurations.',
        ),
      token: adminToken().optional().describe('The token itself. Best written as a reference.'),
      sha256: textKind({
        noun: 'a SHA-256',
        isSecret: true,
        examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
        pattern: SHA256,
        help: 'The SHA-256 of the token in hex, such as `printf %s "$TOKEN" | sha256sum` prints, in the place of the token.',
        read: readSha256,
      }).optional(),
    })
    .superRefine(({ token, sha256 }, context) => {
      if ((token === undefined) !== (sha256 === undefined)) return;
      const message =
        token === undefined
          ? 'there is neither `token` nor `sha256`'
          : '`sha256` stands in the place of `token`; write one of them';
      context.addIssue({ code: 'custom', message, ...(token === undefined ? {} : { path: ['sha256'] }) });
    });
}

function readSha256(text: string): Reading<string> {
  // Perhaps it is the token itself, so it is not shown.
  return SHA256.test(text) ? { value: text.toLowerCase() } : { problem: 'this is not a SHA-256; write 64 hexadecimal digits' };
}
