/**
 * That a key belongs to a request which runs. It is renewed while the request does, and runs out by itself when its gateway dies. Nobody may
 * have taken it over then: a claim that was not renewed in time changes nothing any more.
 */
import { type KeyValueStore, StoreFailed } from '#base/key-value-store.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { encodeRecord, type KeptRecord } from './kept-record.ts';

/** Whoever dies with a key keeps others from it for so long. */
export const CLAIM_MS = 30_000;
const RENEWED_EVERY_MS = 10_000;

type ClaimServices = Pick<PolicyServices, 'clock' | 'later' | 'logger'>;

export interface ClaimedKey {
  readonly store: KeyValueStore;
  readonly name: string;
  readonly running: Extract<KeptRecord, { kind: 'running' }>;
}

export class KeyClaim {
  readonly #key: ClaimedKey;
  readonly #services: ClaimServices;
  readonly #onEnded: () => void;
  #validUntilMs: number;
  #stopRenewing: () => void = () => undefined;
  #isOver = false;

  /** It has been set just now. */
  constructor(key: ClaimedKey, services: ClaimServices, onEnded: () => void) {
    this.#key = key;
    this.#services = services;
    this.#onEnded = onEnded;
    this.#validUntilMs = services.clock.monotonicMs() + CLAIM_MS;
    this.#renewLater();
  }

  get fingerprint(): string {
    return this.#key.running.fingerprint;
  }

  /** The next request with the key is answered with this; `undefined`: it is sent again. */
  async end(record: KeptRecord | undefined, ttlMs: number): Promise<void> {
    this.#isOver = true;
    this.#stopRenewing();
    const { store, name } = this.#key;
    try {
      if (!this.#isValid()) this.#tell('an answer came too late to be kept', 'the key was not renewed in time');
      else if (record === undefined) await store.delete(name);
      else await store.set(name, encodeRecord(record), ttlMs);
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      this.#tell('an answer could not be kept', error.message);
    } finally {
      this.#onEnded();
    }
  }

  #isValid(): boolean {
    return this.#services.clock.monotonicMs() < this.#validUntilMs;
  }

  #renewLater(): void {
    this.#stopRenewing = this.#services.later(RENEWED_EVERY_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    if (!this.#isValid()) return;
    const untilMs = this.#services.clock.monotonicMs() + CLAIM_MS;
    const { store, name, running } = this.#key;
    try {
      await store.set(name, encodeRecord(running), CLAIM_MS);
      this.#validUntilMs = untilMs;
    } catch (error) {
      if (!(error instanceof StoreFailed)) throw error;
      // There is time for another attempt.
    }
    if (!this.#isOver) this.#renewLater();
  }

  #tell(message: string, reason: string): void {
    this.#services.logger.log('warn', message, { policy: 'idempotency', reason });
  }
}
