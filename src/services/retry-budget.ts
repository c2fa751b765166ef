/**
 * Bounds how many of a service's attempts may be further ones: a service in trouble must not get several times its load.
 * Counts the last seconds of one thread, without looking at a clock for it.
 */
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { RetryExhaustion } from './retry-exhaustion.ts';

export interface BudgetSettings {
  /** Of further attempts to requests. */
  readonly ratio: number;
  /** Further attempts that are allowed besides. */
  readonly minPerSecond: number;
}

const SLOTS = 10;
const SLOT_MS = 1_000;

export class RetryBudget {
  readonly #wheel: Pick<TimerWheel, 'nowMs'>;
  readonly #requests: number[] = new Array(SLOTS).fill(0);
  readonly #taken: number[] = new Array(SLOTS).fill(0);
  #slot = 0;
  #slotEndMs: number;
  /** The sums over all slots. */
  #requestsInAll = 0;
  #takenInAll = 0;
  readonly #exhaustion: Pick<RetryExhaustion, 'count'>;

  constructor(wheel: Pick<TimerWheel, 'nowMs'>, exhaustion: Pick<RetryExhaustion, 'count'>) {
    this.#wheel = wheel;
    this.#exhaustion = exhaustion;
    this.#slotEndMs = wheel.nowMs + SLOT_MS;
  }

  /** A request has come, and with it a part of a further attempt. */
  onRequest(): void {
    if (this.#wheel.nowMs >= this.#slotEndMs) this.#turn();
    this.#requests[this.#slot]! += 1;
    this.#requestsInAll += 1;
  }

  /** Takes one further attempt out of the budget; false when there is none. */
  take({ ratio, minPerSecond }: BudgetSettings): boolean {
    if (this.#wheel.nowMs >= this.#slotEndMs) this.#turn();
    const allowed = this.#requestsInAll * ratio + (SLOTS * SLOT_MS * minPerSecond) / 1_000;
    if (this.#takenInAll + 1 > allowed) {
      this.#exhaustion.count();
      return false;
    }
    this.#taken[this.#slot]! += 1;
    this.#takenInAll += 1;
    return true;
  }

  /** Forgets the slots that are older than the window. */
  #turn(): void {
    const passed = 1 + Math.floor((this.#wheel.nowMs - this.#slotEndMs) / SLOT_MS);
    this.#slotEndMs += passed * SLOT_MS;
    for (let i = 0; i < Math.min(passed, SLOTS); i++) {
      this.#slot = (this.#slot + 1) % SLOTS;
      this.#requestsInAll -= this.#requests[this.#slot]!;
      this.#takenInAll -= this.#taken[this.#slot]!;
      this.#requests[this.#slot] = 0;
      this.#taken[this.#slot] = 0;
    }
  }
}
