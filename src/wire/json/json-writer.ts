/** Puts a JSON text together: small parts are copied behind each other, large ones stay the views that they are. */

/** From this length on a part is not copied. */
const VIEW_BYTES_MIN = 4 * 1024;
const PAGE_BYTES = 16 * 1024;
/** The first one comes out of what Node.js keeps ready, and is enough for most. */
const FIRST_PAGE_BYTES = 1024;
/** Shorter than this, a loop is faster than a call of Node.js. */
const LOOP_LENGTH_MAX = 48;

export class JsonWriter {
  readonly #bytesMax: number;
  readonly #pieces: Buffer[] = [];
  #page: Buffer | undefined = undefined;
  /** Where what is not yet a piece begins in the page, and where it ends. */
  #from = 0;
  #to = 0;
  byteLength = 0;
  #gap: number | undefined = undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** More was written than may be. What comes from then on is not kept. */
  get isOver(): boolean {
    return this.byteLength > this.#bytesMax;
  }

  /** One character of ASCII. */
  writeByte(byte: number): void {
    this.byteLength += 1;
    if (this.isOver) return;
    const page = this.#makeRoom(1);
    page[this.#to] = byte;
    this.#to += 1;
  }

  writeSpan(bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    this.byteLength += length;
    if (this.isOver) return;
    if (length >= VIEW_BYTES_MIN) {
      this.#endPiece();
      this.#pieces.push(bytes.subarray(from, to));
      return;
    }
    const page = this.#makeRoom(length);
    if (length > LOOP_LENGTH_MAX) {
      this.#to += bytes.copy(page, this.#to, from, to);
      return;
    }
    let at = this.#to;
    for (let i = from; i < to; i++) page[at++] = bytes[i]!;
    this.#to = at;
  }

  writeText(text: string): void {
    if (text.length <= LOOP_LENGTH_MAX && this.#writeAscii(text)) return;
    const length = Buffer.byteLength(text);
    this.byteLength += length;
    if (this.isOver) return;
    if (length >= VIEW_BYTES_MIN) {
      this.#endPiece();
      this.#pieces.push(Buffer.from(text));
      return;
    }
    const page = this.#makeRoom(length);
    this.#to += page.write(text, this.#to);
  }

  /** False, and nothing is written, where it is not ASCII or would be too long. */
  #writeAscii(text: string): boolean {
    const { length } = text;
    if (this.byteLength + length > this.#bytesMax) return false;
    const page = this.#makeRoom(length);
    const to = this.#to;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      page[to + i] = code;
    }
    this.#to = to + length;
    this.byteLength += length;
    return true;
  }

  /** Something else comes here, which is not written by this one. Once. */
  leaveGap(): void {
    this.#endPiece();
    this.#gap = this.#pieces.length;
  }

  /** How many pieces stand before the gap. */
  get gap(): number | undefined {
    return this.#gap;
  }

  finish(): readonly Buffer[] {
    this.#endPiece();
    return this.#pieces;
  }

  #makeRoom(length: number): Buffer {
    if (this.#page !== undefined && this.#page.length - this.#to >= length) return this.#page;
    this.#endPiece();
    const size = this.#page === undefined ? FIRST_PAGE_BYTES : PAGE_BYTES;
    this.#page = Buffer.allocUnsafe(Math.max(size, length));
    this.#from = 0;
    this.#to = 0;
    return this.#page;
  }

  #endPiece(): void {
    if (this.#page === undefined || this.#from === this.#to) return;
    this.#pieces.push(this.#page.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
