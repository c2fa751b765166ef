import { ByteCollector } from '#base/byte-collector.ts';
import type { KeptBytes } from './redacted-body.ts';

/** What one thread may hold of bodies that are being recorded, all together. */
export interface BodyBudget {
  /** How many of so many bytes may be kept. */
  take(bytes: number): number;
  give(bytes: number): void;
}

/** Keeps the beginning of a body as it flows by. */
export class KeptBody {
  lengthBytes = 0;
  readonly #bytesMax: number;
  readonly #budget: BodyBudget;
  readonly #collected = new ByteCollector();
  #isTaken = false;

  constructor(bytesMax: number, budget: BodyBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
  }

  /** The view is only lent. */
  add(view: Buffer): void {
    // What is asked for in the background may go on when the exchange is over: nobody would give back what that holds.
    if (this.#isTaken) return;
    const wasWhole = this.lengthBytes === this.#collected.byteLength;
    this.lengthBytes += view.length;
    // Behind a gap, what follows would belong to somewhere else.
    if (!wasWhole) return;
    const wanted = Math.min(view.length, this.#bytesMax - this.#collected.byteLength);
    const granted = wanted <= 0 ? 0 : this.#budget.take(wanted);
    if (granted > 0) this.#collected.add(granted === view.length ? view : view.subarray(0, granted));
  }

  /** What is kept, which is not kept here any more. */
  take(): KeptBytes {
    const { byteLength } = this.#collected;
    this.#isTaken = true;
    this.#budget.give(byteLength);
    return { bytes: this.#collected.take(), isWhole: byteLength === this.lengthBytes, lengthBytes: this.lengthBytes };
  }
}
