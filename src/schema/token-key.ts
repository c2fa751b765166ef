/** Keys in PEM form that sign tokens, or verify them. */
import type { z } from 'zod';
import { Secret } from '#base/secret.ts';
import { readPublicJwk, readSigningKey, type SigningAlgorithm } from '#base/signing-key.ts';
import { type Reading, textKind } from './text-kind.ts';

const KINDS: Readonly<Record<SigningAlgorithm, string>> = {
  ES256: 'an elliptic curve key on P-256',
  EdDSA: 'an Ed25519 key',
  RS256: 'an RSA key of at least 2048 bits',
};
const EXAMPLES = ['${file:/run/secrets/token-key.pem}', '${env:TOKEN_KEY}'] as const;

/** A private key. It stays a secret; what it is has been looked at. */
export function signingKey(algorithms: readonly SigningAlgorithm[], help: string): z.ZodType<Secret, string> {
  return textKind({
    noun: 'a private key',
    isSecret: true,
    examples: EXAMPLES,
    help,
    read: (text) => readKey(text, readSigningKey(text)?.jwk.alg, { noun: 'a private key', algorithms }),
  });
}

/** A public key, or a private one in its place. */
export function verificationKey(algorithms: readonly SigningAlgorithm[], help: string): z.ZodType<Secret, string> {
  return textKind({
    noun: 'a key',
    isSecret: true,
    examples: EXAMPLES,
    help,
    read: (text) => readKey(text, readPublicJwk(text)?.alg, { noun: 'a public or private key', algorithms }),
  });
}

function readKey(
  text: string,
  algorithm: SigningAlgorithm | undefined,
  { noun, algorithms }: { readonly noun: string; readonly algorithms: readonly SigningAlgorithm[] },
): Reading<Secret> {
  if (algorithm !== undefined && algorithms.includes(algorithm)) return { value: new Secret(text) };
  const kinds = algorithms.map((each) => KINDS[each]).join(' or ');
  // Nothing of the text is shown: it may be the key of somebody else.
  return { problem: `this is not ${noun} that can be used here; write ${kinds} in PEM form, without a password` };
}
