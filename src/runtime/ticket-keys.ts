/**
 * The keys of session tickets: one for each listener, made by the control thread, so that a client resumes its session
 * whichever data thread answers. A key is forgotten when the next one is made, and with it what it could decrypt.
 */
import type { Clock } from '#base/clock.ts';
import type { Configuration } from '#config/configuration.ts';

/** By the name of the listener. */
export type TicketKeyring = Readonly<Record<string, Uint8Array>>;

/** 16 bytes that name the key and twice 16 that are one. */
const TICKET_KEY_BYTES = 48;

interface KeptKey {
  readonly key: Uint8Array;
  readonly madeMs: number;
  readonly lifeMs: number;
}

export class TicketKeys {
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptKey>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes keys for listeners that have none, and forgets those of listeners that are gone. Returns whether any is new. */
  follow({ listeners }: Configuration): boolean {
    const secure = Object.entries(listeners).flatMap(([name, { tls }]) => (tls === undefined ? [] : [[name, tls] as const]));
    const names = new Set(secure.map(([name]) => name));
    for (const name of this.#kept.keys()) if (!names.has(name)) this.#kept.delete(name);
    let hasNew = false;
    for (const [name, { ticketRotation: lifeMs }] of secure) {
      const before = this.#kept.get(name);
      if (before === undefined) hasNew = true;
      this.#kept.set(name, before === undefined ? this.#make(lifeMs) : { ...before, lifeMs });
    }
    return hasNew;
  }

  /** Replaces the keys that are old enough. Returns whether there were any. */
  rotate(): boolean {
    const nowMs = this.#clock.monotonicMs();
    let hasNew = false;
    for (const [name, { madeMs, lifeMs }] of this.#kept) {
      if (nowMs - madeMs < lifeMs) continue;
      this.#kept.set(name, this.#make(lifeMs));
      hasNew = true;
    }
    return hasNew;
  }

  get present(): TicketKeyring {
    return Object.fromEntries([...this.#kept].map(([name, { key }]) => [name, key]));
  }

  #make(lifeMs: number): KeptKey {
    return { key: crypto.getRandomValues(new Uint8Array(TICKET_KEY_BYTES)), madeMs: this.#clock.monotonicMs(), lifeMs };
  }
}
