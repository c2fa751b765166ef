const ROOM_BYTES_MIN = 1024;

/** The compressed fields of one head: lent where they came in one frame, else joined from the pieces. */
export class FieldBlock {
  bytes: Buffer = noBytes;
  start = 0;
  end = 0;
  /** More pieces are to come. */
  isOpen = false;
  stream = 0;
  isLast = false;
  pieces = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The whole block stands in one frame. */
  borrow(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** The block comes in pieces. */
  open(stream: number, isLast: boolean): void {
    this.borrow(noBytes, 0, 0);
    this.isOpen = true;
    this.stream = stream;
    this.isLast = isLast;
    this.pieces = 0;
  }

  /** False where the block has become too long. */
  append(bytes: Buffer, start: number, end: number): boolean {
    const total = this.end + end - start;
    if (total > this.#bytesMax) return false;
    this.pieces += 1;
    if (total > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#bytesMax, Math.max(ROOM_BYTES_MIN, 2 * total)));
      this.bytes.copy(larger, 0, 0, this.end);
      this.bytes = larger;
    }
    bytes.copy(this.bytes, this.end, start, end);
    this.end = total;
    return true;
  }

  close(): void {
    this.isOpen = false;
  }
}

const noBytes = Buffer.alloc(0);
