/** What keeps values for all threads, or for all gateways too: sessions of a login, answers that are kept. */
export interface KeyValueStore {
  /** `undefined`: there is nothing, or no longer. */
  get(key: string): Promise<Buffer | undefined>;
  /** In the place of what is there. Gone by itself after `ttlMs`. */
  set(key: string, value: Buffer | string, ttlMs: number): Promise<void>;
  /** The same, but only where there is nothing. Whether it did. */
  add(key: string, value: Buffer | string, ttlMs: number): Promise<boolean>;
  /** Nothing happens where there is nothing. */
  delete(key: string): Promise<void>;
}

/**
 * Why a store did nothing: it is away, it answered too late, or it refused. It is meant to be caught: each user of a store
 * has to know what happens without it. Whether a `set`, `add` or `delete` that answered too late was done is not known.
 */
export class StoreFailed extends Error {
  override readonly name = 'StoreFailed';
}
