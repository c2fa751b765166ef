/** Where sessions are between requests: in the browser's cookie, or in a store with an id in the cookie. */
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { OidcConfig } from './config.ts';
import type { Sealer } from './sealer.ts';
import { decodeSession, encodeSession, type Session } from './session.ts';

export interface SessionHome {
  /** How long a thread may go on with a session without looking whether it is still there. */
  readonly trustedMs: number;
  /** `undefined`: there is none with this text. Rejects with `StoreFailed`. */
  find(text: string): Session | undefined | Promise<Session | undefined>;
  /** The text for the cookie. With the text that it had so far, it stays at its place; without one it gets a new one. */
  keep(session: Session, keep: { readonly forMs: number; readonly at?: string | undefined }): string | Promise<string>;
  forget(text: string): void | Promise<void>;
  /** Whether nobody else refreshes this session; then nobody else does so for a while. */
  claimRefresh(session: Session): boolean | Promise<boolean>;
  giveUpRefresh(session: Session): void | Promise<void>;
}

class CookieHome implements SessionHome {
  /** Nobody but the browser can end it. */
  readonly trustedMs = Number.POSITIVE_INFINITY;
  readonly #sealer: Sealer;
  readonly #cookieName: string;

  constructor(sealer: Sealer, cookieName: string) {
    this.#sealer = sealer;
    this.#cookieName = cookieName;
  }

  find(text: string): Session | undefined {
    const opened = this.#sealer.open(text, this.#cookieName);
    return opened === undefined ? undefined : decodeSession(opened);
  }

  keep(session: Session): string {
    return this.#sealer.seal(encodeSession(session), this.#cookieName);
  }

  forget(): void {
    // The cookie is deleted by the answer.
  }

  claimRefresh(): boolean {
    // Instances that share nothing know nothing of each other.
    return true;
  }

  giveUpRefresh(): void {
    // Nothing was claimed.
  }
}

const ID_BYTES = 32;
/** 32 bytes in base64url. */
const ID = /^[\w-]{43}$/;
/** Who logs out at another thread or instance is logged out everywhere after this time. */
const TRUSTED_MS = 5_000;
/** Longer than all calls of a refresh together. Who has claimed one and died keeps others from it for so long. */
const CLAIM_MS = 30_000;

class StoreHome implements SessionHome {
  readonly trustedMs = TRUSTED_MS;
  readonly #sealer: Sealer;
  readonly #open: () => Promise<KeyValueStore>;
  readonly #isShared: boolean;

  /** `isShared`: by several gateways, so that they may come to refresh a session at the same time. */
  constructor(sealer: Sealer, open: () => Promise<KeyValueStore>, { isShared }: { readonly isShared: boolean }) {
    this.#sealer = sealer;
    this.#open = open;
    this.#isShared = isShared;
  }

  async find(text: string): Promise<Session | undefined> {
    if (!ID.test(text)) return undefined;
    const key = toKey(text);
    const store = await this.#open();
    const sealed = await store.get(key);
    const opened = sealed === undefined ? undefined : this.#sealer.open(sealed.toString('latin1'), key);
    return opened === undefined ? undefined : decodeSession(opened);
  }

  async keep(session: Session, { forMs, at }: { readonly forMs: number; readonly at?: string | undefined }): Promise<string> {
    const id = at ?? process.getBuiltinModule('node:crypto').randomBytes(ID_BYTES).toString('base64url');
    const key = toKey(id);
    const store = await this.#open();
    await store.set(key, this.#sealer.seal(encodeSession(session), key), Math.ceil(forMs));
    return id;
  }

  async forget(text: string): Promise<void> {
    if (!ID.test(text)) return;
    const store = await this.#open();
    await store.delete(toKey(text));
  }

  async claimRefresh(session: Session): Promise<boolean> {
    if (!this.#isShared) return true;
    const store = await this.#open();
    return store.add(toClaimKey(session), '', CLAIM_MS);
  }

  async giveUpRefresh(session: Session): Promise<void> {
    if (!this.#isShared) return;
    const store = await this.#open();
    await store.delete(toClaimKey(session));
  }
}

export function toSessionHome(
  { session }: OidcConfig,
  sealer: Sealer,
  { sharedStore, openMemoryStore }: Pick<PolicyServices, 'sharedStore' | 'openMemoryStore'>,
  cookieName: string,
): SessionHome {
  switch (session.store) {
    case 'cookie':
      return new CookieHome(sealer, cookieName);
    case 'memory':
      return new StoreHome(sealer, openMemoryStore, { isShared: false });
    case 'redis':
      return new StoreHome(sealer, async () => sharedStore ?? failWithoutStore(), { isShared: true });
    default:
      return session.store satisfies never;
  }
}

function failWithoutStore(): never {
  throw new StoreFailed('the configuration has no shared store');
}

/** Who reads the store can neither use the ids, nor read the sessions. */
function toKey(id: string): string {
  return `oidc:${process.getBuiltinModule('node:crypto').hash('sha256', id, 'base64url')}`;
}

/** Each refresh of a session is claimed for itself, also where the token stays the same. */
function toClaimKey({ refreshToken, refreshAtMs }: Session): string {
  const text = JSON.stringify([refreshToken, refreshAtMs]);
  return `oidc-refresh:${process.getBuiltinModule('node:crypto').hash('sha256', text, 'base64url')}`;
}
