/** Where a request ends with the keys that the gateway's own tokens are verified with. */
import { assert } from '#base/assert.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import type { TokenKeys } from '#pipeline/token-keys.ts';

export class JwksTerminal implements Terminal {
  readonly #keys: TokenKeys;
  readonly #maxAgeMs: number;
  #document: Buffer | undefined = undefined;

  constructor(keys: TokenKeys | undefined, maxAgeMs: number) {
    assert(keys !== undefined, 'a configuration with `jwks` has `tokenKeys`');
    this.#keys = keys;
    this.#maxAgeMs = maxAgeMs;
  }

  start(exchange: Exchange): void {
    this.#document ??= Buffer.from(this.#keys.toJwks());
    const fields = [
      // RFC 7517 §8.5.2
      'content-type',
      'application/jwk-set+json',
      'cache-control',
      `public, max-age=${Math.floor(this.#maxAgeMs / 1_000)}`,
    ];
    exchange.sendReply({ status: 200, fields, contentLengthBytes: this.#document.length, body: this.#document });
  }
}
