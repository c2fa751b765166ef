import { z } from 'zod';
import { secret } from '#schema/secret.ts';

/** Who knows the key sees how any request is handled. */
const KEY_LENGTH_MIN = 32;

/** What lets developers have single requests explained while they happen. */
export const debugSchema = z.strictObject({
  key: secret()
    .refine((key) => key.reveal().length >= KEY_LENGTH_MIN, {
      error: `the key is too short; at least ${KEY_LENGTH_MIN} characters, such as \`openssl rand -hex 32\` makes`,
    })
    .describe(
      'Signs the tokens that `gatehouse debug-token` makes. A request with one in its field `gatehouse-debug` is answered with how it was handled. The same for all instances behind one address.',
    ),
});
