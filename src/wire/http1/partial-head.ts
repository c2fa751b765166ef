import { CR, LF, TAB } from './octets.ts';

const FIRST_BYTES = 1024;

/**
 * Collects a head (or trailer section) that arrives in pieces until its empty line is there. Each byte is looked at once
 * and copied at most twice, however small the pieces are, so that a slow drip costs the sender more than us.
 */
export class PartialHead {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;
  /** How much of CR LF CR LF the last bytes are. */
  #matched = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /**
   * Takes bytes up to and including the empty line and returns how many it took. `isComplete` tells whether the empty
   * line was among them. A byte that no head can hold also completes it: what is there will be refused when it is read.
   */
  take(bytes: Buffer, start: number, end: number): number {
    let position = start;
    let { matched, stop } = { matched: this.#matched, stop: false };
    const last = Math.min(end, start + (this.#bytesMax - this.#length));
    while (position < last && !stop) {
      const code = bytes[position++]!;
      if (code === CR) {
        stop = matched === 1 || matched === 3;
        matched = matched === 2 ? 3 : 1;
      } else if (code === LF) {
        if (matched === 1) matched = 2;
        else stop = true;
        if (matched === 3) {
          matched = 4;
          stop = true;
        }
      } else {
        stop = matched === 1 || matched === 3 || (code < 32 && code !== TAB) || code === 127;
        matched = 0;
      }
    }
    this.#append(bytes, start, position);
    this.#matched = matched;
    this.isComplete = stop;
    return position - start;
  }

  isComplete = false;

  /** What has been collected is as much as may be, and still no end. */
  get isTooLarge(): boolean {
    return !this.isComplete && this.#length >= this.#bytesMax;
  }

  get endsInEmptyLine(): boolean {
    return this.#matched === 4;
  }

  toText(): string {
    return this.#bytes.latin1Slice(0, this.#length);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const needed = this.#length + (end - start);
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.#length, start, end);
    this.#length = needed;
  }
}
