/** The kind of values that must never be seen again. */
import type { z } from 'zod';
import { Secret } from '#base/secret.ts';
import { type Reading, textKind } from './text-kind.ts';

/** A secret. Best written as a reference: `${env:NAME}` or `${file:/run/secrets/name}`. */
export function secret(): z.ZodType<Secret, string> {
  return textKind({
    noun: 'a secret',
    isSecret: true,
    examples: ['${env:SHOP_KEY}', '${file:/run/secrets/shop-key}'],
    help: 'A secret. It is never shown again; best written as a reference to the environment or to a file.',
    read: (text): Reading<Secret> => (text === '' ? { problem: 'the secret is empty' } : { value: new Secret(text) }),
  });
}
