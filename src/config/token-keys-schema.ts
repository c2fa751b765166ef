/** The keys of tokens that the gateway makes itself: `tokenKeys`. */
import { z } from 'zod';
import { signingKey, verificationKey } from '#schema/token-key.ts';

/** Others take far longer to sign, which happens on the path of a request. */
const ALGORITHMS = ['ES256', 'EdDSA'] as const;
/** Each of them is looked at for every token that a service verifies. */
const OTHERS_MAX = 8;

export const tokenKeysSchema = z.strictObject({
  current: signingKey(
    ALGORITHMS,
    'The private key that signs, in PEM form: P-256 (`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`) or Ed25519.',
  ),
  others: z
    .array(verificationKey(ALGORITHMS, 'A public key, or a private one, in PEM form.'))
    .max(OTHERS_MAX)
    .default([])
    .describe(
      'Keys that are published and do not sign: the next one before it signs, and the last one until its tokens have expired.',
    ),
});
