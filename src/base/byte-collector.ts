/**
 * Bytes that come in pieces, each of which is only lent, and that somebody wants later. They are copied behind each other: whoever
 * sends a body one byte at a time would have a buffer made for each, which needs a hundred times the memory of the byte.
 */

const PAGE_BYTES_MIN = 1024;
const PAGE_BYTES_MAX = 64 * 1024;

export class ByteCollector {
  byteLength = 0;
  /** Full ones. */
  readonly #pages: Buffer[] = [];
  /** The one that is being filled, up to `#used`. */
  #page: Buffer | undefined = undefined;
  #used = 0;

  add(view: Buffer): void {
    const { length } = view;
    if (length === 0) return;
    this.byteLength += length;
    let from = 0;
    if (this.#page !== undefined) {
      from = view.copy(this.#page, this.#used);
      this.#used += from;
      if (from === length) return;
      this.#pages.push(this.#page);
    }
    this.#page = this.#openPage(length - from);
    this.#used = view.copy(this.#page, 0, from);
  }

  /** What is there, in order. It stays as it is when more is added. */
  get pieces(): readonly Buffer[] {
    return this.#page === undefined ? this.#pages : [...this.#pages, this.#page.subarray(0, this.#used)];
  }

  /** Takes the first piece away. */
  shift(): Buffer | undefined {
    let piece = this.#pages.shift();
    if (piece === undefined) {
      piece = this.#page?.subarray(0, this.#used);
      this.#page = undefined;
    }
    this.byteLength -= piece?.length ?? 0;
    return piece;
  }

  /** All of it, which is not kept here any more. */
  take(): Buffer {
    const { pieces, byteLength } = this;
    const whole = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, byteLength);
    this.clear();
    return whole;
  }

  clear(): void {
    this.byteLength = 0;
    this.#pages.length = 0;
    this.#page = undefined;
  }

  /** Most bodies come in one piece, which needs no room behind it; else there is at most as much of that as there are bytes. */
  #openPage(bytes: number): Buffer {
    if (this.#page === undefined) return Buffer.allocUnsafe(bytes);
    return Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(Math.max(this.byteLength, PAGE_BYTES_MIN), PAGE_BYTES_MAX)));
  }
}
