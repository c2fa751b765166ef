/** How much a peer may send ahead of its being used (RFC 9113 §5.2), of a stream or of a whole connection. */
export class ReceiveWindow {
  #bytesMax: number;
  #leftBytes: number;
  /** Used, and not told to the peer yet. */
  #usedBytes = 0;

  constructor(bytesMax: number, leftBytes = bytesMax) {
    this.#bytesMax = bytesMax;
    this.#leftBytes = leftBytes;
  }

  /** False when the peer has sent more than it may. What is empty may always come. */
  take(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes >= 0 || bytes === 0;
  }

  /** What came has been used. Returns by how much the window is to be opened now; small steps wait until they have become a large one. */
  use(bytes: number): number {
    this.#usedBytes += bytes;
    if (this.#usedBytes < this.#bytesMax / 2) return 0;
    return this.open();
  }

  /** Returns by how much the window is to be opened to be as large as it can. */
  open(): number {
    const increment = this.#usedBytes;
    this.#usedBytes = 0;
    this.#leftBytes += increment;
    return increment;
  }

  /** The peer has been told of another size. Returns by how much the window is to be opened now: in a small one, small steps count. */
  resize(bytesMax: number): number {
    this.#bytesMax = bytesMax;
    return this.#usedBytes === 0 ? 0 : this.use(0);
  }

  /** RFC 9113 §6.9.2: settings have made it larger or smaller; it may become less than nothing. */
  shift(bytes: number): void {
    this.#leftBytes += bytes;
  }
}
