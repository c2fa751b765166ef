import { limits } from '#base/limits.ts';

const SMALL_BODY_BUFFER_BYTES = 16 * 1024;

/**
 * The memory that one thread reads into. All connections share one buffer, so that an idle connection holds none; a
 * connection that moves a large body borrows a large buffer of its own for as long as it does.
 */
export class ReadBuffers {
  readonly shared: Buffer = Buffer.allocUnsafeSlow(limits.sharedReadBytes);
  #copy: Buffer | undefined = undefined;
  readonly #free: Buffer[] = [];
  #lent = 0;
  #owned = 0;

  /** True for a view into the shared buffer: the next read of any connection may overwrite it. */
  isShared(view: Buffer): boolean {
    return view.buffer === this.shared.buffer;
  }

  /** A copy of a view into the shared buffer, in memory that is used again for the next one unless `keepCopy` is called. */
  copyShared(view: Buffer): Buffer {
    // A slow reader keeps the whole copy buffer, so it is not larger than what a body may have before it gets its own.
    if (view.length > limits.bodyBufferFromBytes) return Buffer.from(view);
    this.#copy ??= Buffer.allocUnsafeSlow(limits.bodyBufferFromBytes);
    view.copy(this.#copy);
    return this.#copy.subarray(0, view.length);
  }

  /** A write still refers to the last copy. */
  keepCopy(): void {
    this.#copy = undefined;
  }

  /** When very many bodies move at once, each gets a smaller buffer, so that their sum stays bounded. */
  borrow(): Buffer {
    this.#lent += 1;
    if (this.#lent > limits.bodyBuffersLentMax) return Buffer.allocUnsafeSlow(SMALL_BODY_BUFFER_BYTES);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(limits.bodyBufferBytes);
  }

  /** A buffer for something that waits to be sent, if it fits into one and there are not too many of them; `giveBack` ends it. */
  borrowFor(bytes: number): Buffer | undefined {
    return bytes > limits.bodyBufferBytes || this.#lent >= limits.bodyBuffersLentMax ? undefined : this.borrow();
  }

  /** Lets a connection keep a borrowed buffer until it closes. False when enough of them do already. */
  mayOwn(): boolean {
    if (this.#owned >= limits.bodyBuffersOwnedMax) return false;
    this.#owned += 1;
    return true;
  }

  /** An owner has closed. Its buffer goes with it: nobody knows whether a write still refers to it. */
  endOwnership(): void {
    this.#owned -= 1;
    this.#lent -= 1;
  }

  /** `isInUse`: a write still refers to the buffer, so it is left to the garbage collector. */
  giveBack(buffer: Buffer, isInUse: boolean): void {
    this.#lent -= 1;
    const isKept = !isInUse && buffer.length === limits.bodyBufferBytes && this.#free.length < limits.bodyBuffersKeptMax;
    if (isKept) this.#free.push(buffer);
  }
}
