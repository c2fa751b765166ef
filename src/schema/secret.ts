/** Values that must never be seen in logs, messages or answers. */
import { inspect } from 'node:util';
import type { z } from 'zod';
import { type Reading, textKind } from './text-kind.ts';

const REDACTED = '[redacted]';

/** Holds a secret. However it is printed, only `[redacted]` appears; `reveal` is the one way to the text. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. Call it where the secret is used and keep the result nowhere. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** A secret. Best written as a reference: `${env:NAME}` or `${file:/run/secrets/name}`. */
export function secret(): z.ZodType<Secret, string> {
  return textKind({
    noun: 'a secret',
    examples: ['${env:SHOP_KEY}', '${file:/run/secrets/shop-key}'],
    help: 'A secret. It is never shown again; best written as a reference to the environment or to a file.',
    read: (text): Reading<Secret> => (text === '' ? { problem: 'the secret is empty' } : { value: new Secret(text) }),
  });
}
