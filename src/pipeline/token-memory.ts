/** What a thread knows of tokens that it has looked at, by their texts. Bounded; what nobody shows any more is forgotten first. */

/** The longest token that is looked at: it comes in a field of a head, and nobody signs novels. */
export const TOKEN_LENGTH_MAX = 16 * 1024;

/** Of one generation; there are two. */
const TOKENS_MAX = 10_000;
const LENGTH_MAX = 16 * 1024 * 1024;

/**
 * Two generations: what is shown while it is in the old one comes to the young one, and when that is full, it becomes the old
 * one. So a token that is shown again and again costs one look-up, and nothing has to be moved for it.
 *
 * Both maps are asked by a hash that has a seed of V8's, so how long it takes tells nothing of how much of a token was guessed.
 */
export class TokenMemory<Value> {
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #youngLength = 0;
  readonly #pending = new Map<string, Promise<unknown>>();

  find(token: string): Value | undefined {
    const young = this.#young.get(token);
    if (young !== undefined) return young;
    const old = this.#old.get(token);
    if (old !== undefined) this.keep(token, old);
    return old;
  }

  /** For tokens that have been looked at, so that they are known to be ASCII. */
  keep(token: string, value: Value): void {
    this.forget(token);
    if (this.#young.size >= TOKENS_MAX || this.#youngLength + token.length > LENGTH_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngLength = 0;
    }
    this.#youngLength += token.length;
    // A copy: a part of a head would keep the whole head.
    this.#young.set(Buffer.from(token, 'latin1').latin1Slice(), value);
  }

  forget(token: string): void {
    if (this.#young.delete(token)) this.#youngLength -= token.length;
    this.#old.delete(token);
  }

  /** Those who show the same token at the same time wait for the same look at it. */
  share<Result>(token: string, look: () => Promise<Result>): Promise<Result> {
    const pending = this.#pending.get(token);
    if (pending !== undefined) return pending as Promise<Result>;
    const result = look().finally(() => this.#pending.delete(token));
    this.#pending.set(token, result);
    return result;
  }
}
