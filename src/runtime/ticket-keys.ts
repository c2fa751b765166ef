/**
 * The keys of session tickets: one for each listener, made by the control thread, so that a client resumes its session
 * whichever data thread answers. Tickets of the key before count as well; that one is forgotten when the next is made, and
 * with it what it could decrypt.
 */
import type { Clock } from '#base/clock.ts';
import type { Configuration } from '#config/configuration.ts';
import { TICKET_KEY_BYTES, type TicketKeyPair } from '#net/session-tickets.ts';

/** By the name of the listener. */
export type TicketKeyring = Readonly<Record<string, TicketKeyPair>>;

interface KeptKeys {
  readonly keys: TicketKeyPair;
  readonly madeMs: number;
  readonly lifeMs: number;
}

export class TicketKeys {
  readonly #clock: Clock;
  readonly #kept = new Map<string, KeptKeys>();

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
      this.#kept.set(name, before === undefined ? this.#make(lifeMs, undefined) : { ...before, lifeMs });
    }
    return hasNew;
  }

  /** Replaces the keys that are old enough. Returns whether there were any. */
  rotate(): boolean {
    const nowMs = this.#clock.monotonicMs();
    let hasNew = false;
    for (const [name, { keys, madeMs, lifeMs }] of this.#kept) {
      if (nowMs - madeMs < lifeMs) continue;
      this.#kept.set(name, this.#make(lifeMs, keys.present));
      hasNew = true;
    }
    return hasNew;
  }

  get present(): TicketKeyring {
    return Object.fromEntries([...this.#kept].map(([name, { keys }]) => [name, keys]));
  }

  #make(lifeMs: number, previous: Uint8Array | undefined): KeptKeys {
    const present = crypto.getRandomValues(new Uint8Array(TICKET_KEY_BYTES));
    return { keys: { present, previous }, madeMs: this.#clock.monotonicMs(), lifeMs };
  }
}
