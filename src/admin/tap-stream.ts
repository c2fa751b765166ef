/** What one tap sees, as server-sent events. A reader that is slow misses exchanges and is told how many; one that reads nothing is left. */
import type { ExchangeRecord } from '#http/exchange-record.ts';
import type { ExplainedDocument, Tap, TapTaker } from './exchange-administration.ts';

/** Events that wait for a reader. */
const WAITING_MAX = 256;
const KEEP_ALIVE_MS = 15_000;
/** After so many signs of life that found no room, nobody reads any more. */
const UNREAD_SIGNS_MAX = 2;

export interface TapStreamOptions {
  /** Exchanges after which it ends; `undefined`: never. */
  readonly exchangesMax: number | undefined;
  /** `undefined`: there are as many taps as may be. */
  begin(taker: TapTaker): Tap | undefined;
}

export class TapStream implements TapTaker {
  /** `undefined` until it is begun, and where it may not be. */
  #tap: Tap | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #leftCount: number;
  #droppedCount = 0;
  #unreadSigns = 0;
  readonly #timer: NodeJS.Timeout;

  private constructor(exchangesMax: number | undefined) {
    this.#leftCount = exchangesMax ?? Number.POSITIVE_INFINITY;
    this.#timer = setInterval(() => this.#giveSign(), KEEP_ALIVE_MS).unref();
  }

  /** `undefined`: there are as many taps as may be. */
  static open({ exchangesMax, begin }: TapStreamOptions): ReadableStream<Uint8Array> | undefined {
    const stream = new TapStream(exchangesMax);
    const tap = begin(stream);
    if (tap === undefined) {
      clearInterval(stream.#timer);
      return undefined;
    }
    stream.#tap = tap;
    return new ReadableStream(
      {
        start: (controller) => {
          stream.#controller = controller;
          // So that whoever taps knows that everything is ready.
          stream.#write(': tapping\n\n');
        },
        pull: () => stream.#onRoom(),
        cancel: () => stream.#leave(),
      },
      { highWaterMark: WAITING_MAX },
    );
  }

  onExchange(exchange: ExchangeRecord | ExplainedDocument): void {
    if (this.#leftCount <= 0) return;
    if (!this.#hasRoom) {
      this.#droppedCount += 1;
      return;
    }
    this.#writeEvent('exchange', exchange);
    this.#leftCount -= 1;
    if (this.#leftCount <= 0) this.onEnd();
  }

  onDropped(count: number): void {
    this.#droppedCount += count;
    this.#onRoom();
  }

  onEnd(): void {
    this.#leave();
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
  }

  get #hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #onRoom(): void {
    if (this.#droppedCount === 0 || !this.#hasRoom) return;
    const count = this.#droppedCount;
    this.#droppedCount = 0;
    this.#writeEvent('dropped', { count });
  }

  /** Proxies on the way end connections on which nothing moves. */
  #giveSign(): void {
    if (this.#hasRoom) {
      this.#unreadSigns = 0;
      return this.#write(': keep-alive\n\n');
    }
    this.#unreadSigns += 1;
    if (this.#unreadSigns >= UNREAD_SIGNS_MAX) this.onEnd();
  }

  #writeEvent(name: string, value: object): void {
    this.#write(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  #write(text: string): void {
    this.#controller?.enqueue(Buffer.from(text));
  }

  #leave(): void {
    clearInterval(this.#timer);
    this.#tap?.leave();
    this.#tap = undefined;
  }
}
