import type { Exchange } from '#http/exchange.ts';
import type { BatchEntry } from './batch-entry.ts';

const BEGINNING = Buffer.from('{"responses":[');
const COMMA = Buffer.from(',');
const END = Buffer.from(']}\n');

/** The answer to a batch on its way to the client: entries in the order of the requests, however they come. */
export class BatchAnswer {
  readonly #exchange: Exchange;
  readonly #status: number;
  readonly #entries: (BatchEntry | undefined)[];
  /** The first entry that is not among the pieces yet. */
  #next = 0;
  #pieces: Buffer[] = [];
  #hasBegun = false;
  #isWaiting = false;

  constructor(exchange: Exchange, status: number, count: number) {
    this.#exchange = exchange;
    this.#status = status;
    this.#entries = new Array<BatchEntry | undefined>(count).fill(undefined);
  }

  set(index: number, entry: BatchEntry): void {
    this.#entries[index] = entry;
  }

  /** Sends all entries up to the first one that is not there yet. */
  send(): void {
    if (!this.#hasBegun) this.#begin([], undefined);
    this.#pump();
  }

  /** Sends all of it; every entry is there. */
  sendWhole(cookies: readonly string[]): void {
    let bytes = BEGINNING.length + END.length + Math.max(0, this.#entries.length - 1) * COMMA.length;
    for (const entry of this.#entries) bytes += entry!.byteLength;
    this.#begin(cookies, bytes);
    this.#pump();
  }

  onDrained(): void {
    this.#isWaiting = false;
    this.#pump();
  }

  #begin(cookies: readonly string[], contentLengthBytes: number | undefined): void {
    this.#hasBegun = true;
    this.#pieces.push(BEGINNING);
    // What is in it was for this client with these credentials, whatever the parts say of themselves.
    const fields = ['content-type', 'application/json', 'cache-control', 'no-store'];
    for (const cookie of cookies) fields.push('set-cookie', cookie);
    this.#exchange.sendHead({ status: this.#status, fields, contentLengthBytes });
  }

  #pump(): void {
    if (this.#isWaiting || !this.#hasBegun) return;
    const exchange = this.#exchange;
    while (!exchange.isFinished && exchange.source !== undefined) {
      this.#takeEntries();
      const piece = this.#pieces.shift();
      if (piece === undefined) break;
      if (!exchange.answer.sendChunk(piece)) {
        this.#isWaiting = true;
        return;
      }
    }
    if (exchange.isFinished || exchange.source === undefined) return;
    if (this.#next > this.#entries.length) exchange.answer.sendEnd(undefined);
    else this.#isWaiting = !exchange.answer.flush();
  }

  /** The pieces of one entry at a time, so that those of all others stay where they are. */
  #takeEntries(): void {
    if (this.#pieces.length > 0 || this.#next > this.#entries.length) return;
    if (this.#next === this.#entries.length) {
      this.#next += 1;
      this.#pieces.push(END);
      return;
    }
    const entry = this.#entries[this.#next];
    if (entry === undefined) return;
    if (this.#next > 0) this.#pieces.push(COMMA);
    this.#pieces.push(...entry.pieces);
    this.#entries[this.#next] = undefined;
    this.#next += 1;
  }
}
