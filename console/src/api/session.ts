/** Who looks: the token of the session, and whether the API wants one. Kept for this tab only. */
import { useSyncExternalStore } from 'react';

const STORAGE_KEY = 'gatehouse-token';

export type Admission =
  /** As far as is known. */
  | { readonly kind: 'admitted' }
  | { readonly kind: 'token-needed'; readonly wasRefused: boolean }
  /** The API is closed to everybody, and says why. */
  | { readonly kind: 'closed'; readonly reason: string };

class Session {
  #token: string | undefined = readStored();
  #admission: Admission = { kind: 'admitted' };
  readonly #listeners = new Set<() => void>();

  get token(): string | undefined {
    return this.#token;
  }

  get admission(): Admission {
    return this.#admission;
  }

  signIn(token: string): void {
    this.#token = token;
    writeStored(token);
    this.#set({ kind: 'admitted' });
  }

  signOut(): void {
    this.#forget();
    this.#set({ kind: 'token-needed', wasRefused: false });
  }

  /** An answer said that the token is wrong, or missing. `shown`: the one that the request had. */
  refuse(shown: string | undefined): void {
    // An answer to an earlier token says nothing about the present one.
    if (shown !== this.#token) return;
    const wasRefused = shown !== undefined;
    if (this.#admission.kind === 'token-needed' && !wasRefused) return;
    this.#forget();
    this.#set({ kind: 'token-needed', wasRefused });
  }

  close(reason: string): void {
    this.#set({ kind: 'closed', reason });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #forget(): void {
    this.#token = undefined;
    writeStored(undefined);
  }

  #set(admission: Admission): void {
    this.#admission = admission;
    for (const listener of this.#listeners) listener();
  }
}

/** Storage may be switched off. Then the token lives as long as the page. */
function readStored(): string | undefined {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? undefined;
  } catch {
    // Nothing is stored where nothing can be.
    return undefined;
  }
}

function writeStored(token: string | undefined): void {
  try {
    if (token === undefined) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, token);
  } catch {
    // The copy in memory is enough for this page.
  }
}

export const session = new Session();

export function useAdmission(): Admission {
  return useSyncExternalStore(session.subscribe, () => session.admission);
}
