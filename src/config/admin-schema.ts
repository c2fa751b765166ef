import { z } from 'zod';
import { address } from '#schema/address.ts';
import { secret } from '#schema/secret.ts';

/** Anybody who reaches the admin address may guess. */
const ADMIN_TOKEN_LENGTH_MIN = 16;

/** For whoever runs the gateway. */
export const adminSchema = z.strictObject({
  address: address().describe(
    'Where the console (`/`), `/healthz`, `/readyz`, `/metrics` and the admin API (`/api`) are served.',
  ),
  token: secret()
    .refine((token) => token.reveal().length >= ADMIN_TOKEN_LENGTH_MIN, {
      error: `the token is too short; at least ${ADMIN_TOKEN_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` makes`,
    })
    .optional()
    .describe(
      'What the admin API is shown (`Authorization: Bearer TOKEN`). Without it, the API answers only where `address` is a loopback address or a Unix socket.',
    ),
});
