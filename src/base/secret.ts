/** Values that must never be seen in logs, messages or answers. */
import { inspect } from 'node:util';

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
