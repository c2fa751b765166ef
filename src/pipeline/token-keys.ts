/** The keys of tokens that the gateway makes itself. They are read when they are needed first. */
import { assert } from '#base/assert.ts';
import type { Secret } from '#base/secret.ts';
import { readPublicJwk, readSigningKey, type SigningKey } from '#base/signing-key.ts';

/** As a configuration has them; they have been looked at. */
export interface TokenKeySettings {
  readonly current: Secret;
  /** Published, but not signed with. Each may be private or public. */
  readonly others: readonly Secret[];
}

export class TokenKeys {
  readonly #settings: TokenKeySettings;
  #signing: SigningKey | undefined = undefined;

  constructor(settings: TokenKeySettings) {
    this.#settings = settings;
  }

  /** The one that signs. */
  get signing(): SigningKey {
    this.#signing ??= readSigningKey(this.#settings.current.reveal());
    assert(this.#signing !== undefined, 'the key that signs has been validated');
    return this.#signing;
  }

  /** What tokens are verified with (RFC 7517 §5): public halves only. */
  toJwks(): string {
    const others = this.#settings.others.map((other) => readPublicJwk(other.reveal()));
    const keys = new Map([this.signing.jwk, ...others].map((jwk) => [jwk?.kid, jwk]));
    return JSON.stringify({ keys: [...keys.values()] });
  }
}
