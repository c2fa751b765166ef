import { WheelTimer } from '#base/timer-wheel.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';

/** Of data that waits, what is so little that it needs no buffer of the thread's. */
const COPIED_BYTES_MAX = 4 * 1024;

/** A stream as its sender knows it: what its peer takes, and what waits for that. */
export abstract class SendingStream extends WheelTimer {
  abstract readonly id: number;
  /** What the peer takes of it; below 0 when it has taken some back. */
  sendWindowBytes = 0;
  /** Data that waits, from `restAt` on. */
  rest: Buffer | undefined = undefined;
  restAt = 0;
  /** Whoever has sent it waits too, and keeps its bytes as they are. */
  isLent = false;
  /** In line for its turn. */
  isQueued = false;
  nextQueued: SendingStream | undefined = undefined;
  /** Where its last frame stands, for as long as that has not been written. */
  lastFrameAt = 0;
  lastFrameRound = -1;
  /** What comes behind `rest`. */
  #next: Buffer | undefined = undefined;
  /** The buffer of the thread's that `rest` stands in. */
  #borrowed: Buffer | undefined = undefined;

  /** Some of the data that waits has been taken. */
  abstract onRestMoved(): void;
  /** All of it has been. `wasLent`: whoever has sent it waits to hear of that. */
  abstract onRestSent(wasLent: boolean): void;

  get restBytes(): number {
    return this.rest === undefined ? 0 : this.rest.length - this.restAt + (this.#next?.length ?? 0);
  }

  /**
   * Keeps data, lent as by `StreamOwner.onBytes`, from `at` on. The beginning of what waits is copied while there are buffers
   * for that: whoever sends it can go on, and an upstream's connection is free when its answer has ended, whether or not the
   * client has read it. False: the bytes must stay as they are.
   */
  keep(view: Buffer, at: number, buffers: ReadBuffers): boolean {
    if (this.rest !== undefined) return this.#append(view, buffers);
    const bytes = view.length - at;
    const borrowed = bytes > COPIED_BYTES_MAX ? buffers.borrowFor(bytes) : undefined;
    this.#borrowed = borrowed;
    if (borrowed !== undefined) {
      view.copy(borrowed, 0, at);
      this.rest = borrowed.subarray(0, bytes);
      this.restAt = 0;
      return true;
    }
    this.isLent = bytes > COPIED_BYTES_MAX;
    // What is read by everybody is not there any more when its turn comes.
    const isCopied = !this.isLent || buffers.isShared(view);
    this.rest = isCopied ? Buffer.from(view.subarray(at)) : view;
    this.restAt = isCopied ? 0 : at;
    return !this.isLent;
  }

  /** `rest` has been sent. Goes on with what comes behind it; false: that was all. */
  takeNext(buffers: ReadBuffers): boolean {
    this.#giveBack(buffers);
    this.rest = this.#next;
    this.restAt = 0;
    this.#next = undefined;
    return this.rest !== undefined;
  }

  /** What waits is not wanted any more. */
  drop(buffers: ReadBuffers): void {
    this.#giveBack(buffers);
    this.rest = undefined;
    this.#next = undefined;
    this.isLent = false;
  }

  /** Behind what waits already. */
  #append(view: Buffer, buffers: ReadBuffers): boolean {
    const borrowed = this.#borrowed;
    const { length } = this.rest!;
    if (borrowed !== undefined && this.#next === undefined && view.length <= borrowed.length - length) {
      view.copy(borrowed, length);
      this.rest = borrowed.subarray(0, length + view.length);
      return true;
    }
    if (this.#next === undefined) this.#next = buffers.isShared(view) ? Buffer.from(view) : view;
    // Nobody should have sent more; but what comes must not get lost.
    else this.#next = Buffer.concat([this.#next, view]);
    this.isLent = true;
    return false;
  }

  #giveBack(buffers: ReadBuffers): void {
    if (this.#borrowed !== undefined) buffers.giveBack(this.#borrowed, false);
    this.#borrowed = undefined;
  }
}
