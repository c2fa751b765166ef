/**
 * Tells the store in the background what has been let pass, key by key, and hears what others have let pass. A key that owes
 * something is asked for each time until it does not, so that all gateways know.
 */
import { limits } from '#base/limits.ts';

/** Whoever is told of the keys that it has let pass. */
export interface SettledAllowance {
  /** Tells the store of so many; false: it is not there. `onHeard`: whether the key owes something then. */
  settle(id: string, count: number, onHeard: (owes: boolean) => void): boolean;
}

/** A key, and how many it has taken that the store does not know of. */
class Unsettled {
  readonly allowance: SettledAllowance;
  count = 0;

  constructor(allowance: SettledAllowance) {
    this.allowance = allowance;
  }
}

export interface SettlementOptions {
  readonly everyMs: number;
  readonly later: (delayMs: number, run: () => void) => () => void;
}

export class Settlement {
  readonly #options: SettlementOptions;
  #unsettled = new Map<string, Unsettled>();
  #isWaiting = false;
  #isRunning = false;
  #stop = () => {};

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** The key has taken one more. */
  add(id: string, allowance: SettledAllowance): void {
    const unsettled = this.#provide(id, allowance);
    if (unsettled !== undefined) unsettled.count += 1;
  }

  /** How many the key has taken since the store was told last. */
  countOf(id: string): number {
    return this.#unsettled.get(id)?.count ?? 0;
  }

  /** Tells of what is left, without waiting for an answer. */
  close(): void {
    this.#stop();
    this.#isWaiting = true;
    for (const [id, { allowance, count }] of this.#unsettled) if (count > 0) allowance.settle(id, count, () => {});
    this.#unsettled.clear();
  }

  #provide(id: string, allowance: SettledAllowance): Unsettled | undefined {
    const known = this.#unsettled.get(id);
    if (known !== undefined) return known;
    // Of more keys the others do not hear; what they may do here is counted all the same.
    if (this.#unsettled.size >= limits.unsettledKeysMax) return undefined;
    const unsettled = new Unsettled(allowance);
    this.#unsettled.set(id, unsettled);
    if (!this.#isWaiting && !this.#isRunning) this.#wait();
    return unsettled;
  }

  #wait(): void {
    this.#isWaiting = true;
    this.#stop = this.#options.later(this.#options.everyMs, () => {
      this.#isWaiting = false;
      this.#isRunning = true;
      const entries = this.#unsettled.entries();
      this.#unsettled = new Map();
      this.#settleSome(entries);
    });
  }

  /** So many that the store is not asked for all at once; the next ones when these are settled. */
  #settleSome(entries: MapIterator<[string, Unsettled]>): void {
    let open = 1;
    const closeOne = () => {
      open -= 1;
      if (open === 0) this.#settleSome(entries);
    };
    for (let i = 0; i < limits.settledKeysAtOnceMax; i++) {
      const { value, done } = entries.next();
      if (done) {
        if (i === 0) return this.#rest();
        break;
      }
      const [id, { allowance, count }] = value;
      const isTold = allowance.settle(id, count, (owes) => {
        if (owes) this.#provide(id, allowance);
        closeOne();
      });
      if (isTold) open += 1;
    }
    closeOne();
  }

  #rest(): void {
    this.#isRunning = false;
    if (this.#unsettled.size > 0 && !this.#isWaiting) this.#wait();
  }
}
