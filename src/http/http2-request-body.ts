import { ReceiveWindow } from './http2-receive-window.ts';

/** The body of a request of HTTP/2 on its way to who takes it: what comes before it is asked for is kept, as far as its window allows. */
export class Http2RequestBody {
  readonly window: ReceiveWindow;
  /** The taker wants more. */
  isFlowing = false;
  /** The client has sent everything. */
  isWhole = false;
  /** And the taker knows that. */
  isEndTold = false;
  trailers: string[] | undefined = undefined;
  /** What `content-length` leaves to come; below 0: nothing was announced. */
  #leftBytes: number;
  readonly #isAnnounced: boolean;
  #kept: Buffer[] | undefined = undefined;

  constructor(windowBytes: number, announcedBytes: number) {
    this.window = new ReceiveWindow(windowBytes);
    this.#isAnnounced = announcedBytes >= 0;
    this.#leftBytes = announcedBytes;
  }

  /** RFC 9113 §8.1.1. False: more has come than was announced. */
  count(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return !this.#isAnnounced || this.#leftBytes >= 0;
  }

  /** Less has come than was announced. */
  get isShort(): boolean {
    return this.#isAnnounced && this.#leftBytes > 0;
  }

  keep(view: Buffer): void {
    this.#kept ??= [];
    this.#kept.push(Buffer.from(view));
  }

  /** Takes the oldest piece of what has been kept. */
  next(): Buffer | undefined {
    return this.#kept?.shift();
  }

  get hasKept(): boolean {
    return this.#kept !== undefined && this.#kept.length > 0;
  }

  /** Nobody takes it any more. Returns how much had been kept. */
  drop(): number {
    let bytes = 0;
    for (const piece of this.#kept ?? []) bytes += piece.length;
    this.#kept = undefined;
    return bytes;
  }
}
