import { ByteCollector } from '#base/byte-collector.ts';
import type { ReceiveWindow } from './http2-receive-window.ts';

/** Who takes the body of a message. */
export interface BodyTaker {
  /** The view is lent as by `StreamOwner.onBytes`. */
  onBodyChunk(view: Buffer): void;
  /** Comes after each `resume` that does not bring the end, also when nothing was there. */
  onBodyFlush(): void;
  onBodyEnd(trailers: string[] | undefined): void;
}

/** The body of a message of HTTP/2 on its way to its taker. What comes before it is asked for is kept, as far as its window allows. */
export class Http2IncomingBody {
  readonly window: ReceiveWindow;
  /** The taker wants more. */
  isFlowing = false;
  /** The peer has sent everything. */
  isWhole = false;
  /** And the taker has it. */
  isTaken = false;
  readonly #taker: BodyTaker;
  readonly #isAnnounced: boolean;
  /** What `content-length` leaves to come. */
  #leftBytes: number;
  #trailers: string[] | undefined = undefined;
  #kept: ByteCollector | undefined = undefined;

  /** `announcedBytes` is below 0 where nothing has been announced. */
  constructor(taker: BodyTaker, window: ReceiveWindow, announcedBytes: number) {
    this.#taker = taker;
    this.window = window;
    this.#isAnnounced = announcedBytes >= 0;
    this.#leftBytes = announcedBytes;
  }

  /** RFC 9113 §8.1.1. False: more has come than was announced. */
  count(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return !this.#isAnnounced || this.#leftBytes >= 0;
  }

  take(view: Buffer): void {
    if (this.isFlowing && this.#kept === undefined) this.#taker.onBodyChunk(view);
    else if (view.length > 0) {
      this.#kept ??= new ByteCollector();
      this.#kept.add(view);
    }
  }

  /** The peer has sent everything. False: less than was announced. */
  end(trailers: string[] | undefined): boolean {
    if (this.#isAnnounced && this.#leftBytes > 0) return false;
    this.isWhole = true;
    this.#trailers = trailers;
    if (this.isFlowing && this.#kept === undefined) this.#tellEnd();
    return true;
  }

  pause(): void {
    this.isFlowing = false;
  }

  resume(): void {
    this.isFlowing = true;
    // The taker may pause again, or want nothing more, in the middle of it.
    while (this.isFlowing && this.#kept !== undefined) {
      const view = this.#kept.shift()!;
      if (this.#kept.byteLength === 0) this.#kept = undefined;
      this.#taker.onBodyChunk(view);
    }
    if (this.isFlowing && this.isWhole) this.#tellEnd();
    else if (!this.isTaken) this.#taker.onBodyFlush();
  }

  /** Nobody takes it any more. Returns how much had been kept. */
  drop(): number {
    const bytes = this.#kept?.byteLength ?? 0;
    this.#kept = undefined;
    this.isFlowing = false;
    this.isTaken = true;
    return bytes;
  }

  #tellEnd(): void {
    if (this.isTaken) return;
    this.isTaken = true;
    this.#taker.onBodyEnd(this.#trailers);
  }
}
