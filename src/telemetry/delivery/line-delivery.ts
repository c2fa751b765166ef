/** Lines on their way to somewhere else. They wait in a row of bounded length; those that come when it is full are dropped. */
import { limits } from '#base/limits.ts';
import { countLines } from '#telemetry/lines/count-lines.ts';

/** Whole lines of one thread. */
export interface LineBatch {
  readonly bytes: Uint8Array;
  /** Sent or lost: they wait no more. */
  settle(): void;
}

export interface DeliveryOwner {
  /** Lines were dropped or could not be sent; these, where it is known which. None: they wait for better times. */
  onLost(lines: number, reason: string, bytes?: readonly Uint8Array[]): void;
  /** Some arrived. */
  onSent(): void;
  /** The row is empty. */
  onIdle?(): void;
}

export interface LineDelivery {
  add(batch: LineBatch): void;
  /** Sends what there is without waiting for better times. Resolves when nothing is left. */
  finish(): Promise<void>;
  /** What is left is lost. */
  abort(): void;
}

/** Why lines are lost that are left when a delivery is aborted. */
export const NO_TIME = 'there was no more time';
const NO_ROOM = 'more lines wait than there is room for';
const LINE_FEED = 10;

export class WaitingLines {
  readonly #owner: DeliveryOwner;
  readonly #batches: LineBatch[] = [];
  #bytes = 0;

  constructor(owner: DeliveryOwner) {
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Those who came first stay: their lines tell how it began. */
  add(batch: LineBatch): void {
    if (this.#bytes + batch.bytes.length > limits.accessLogWaitingBytesMax) return this.lose([batch], NO_ROOM);
    this.#bytes += batch.bytes.length;
    this.#batches.push(batch);
  }

  /** At least one, and no more than so many bytes. They make room for others, and are the taker's to settle or lose. */
  take(bytesMax: number): LineBatch[] {
    let bytes = 0;
    let count = 0;
    for (const batch of this.#batches) {
      bytes += batch.bytes.length;
      if (count > 0 && bytes > bytesMax) break;
      count += 1;
    }
    const taken = this.#batches.splice(0, count);
    for (const batch of taken) this.#bytes -= batch.bytes.length;
    return taken;
  }

  lose(batches: readonly LineBatch[], reason: string): void {
    let lines = 0;
    for (const batch of batches) {
      lines += countLines(batch.bytes);
      batch.settle();
    }
    const bytes = batches.map((batch) => batch.bytes);
    if (lines > 0) this.#owner.onLost(lines, reason, bytes);
  }

  loseAll(reason: string): void {
    this.#bytes = 0;
    this.lose(this.#batches.splice(0), reason);
  }
}

/** Where each line begins and ends, without its line feed. */
export function* splitLines(bytes: Uint8Array): Generator<Uint8Array, void, void> {
  for (let start = 0; start < bytes.length; ) {
    const at = bytes.indexOf(LINE_FEED, start);
    const end = at < 0 ? bytes.length : at;
    if (end > start) yield bytes.subarray(start, end);
    start = end + 1;
  }
}
