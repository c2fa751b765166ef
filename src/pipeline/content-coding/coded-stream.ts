/**
 * One body on its way through a codec of Node, which works on the threads of its pool. What is given is copied, because views are
 * only lent; what waits stays bounded by the marks of Node's streams: `write` and `pause` carry the pressure both ways. Knows
 * nothing of HTTP.
 */
import type { Transform } from 'node:stream';
import { ByteCollector } from '#base/byte-collector.ts';

/** What the functions `create…` of `node:zlib` return. */
export type Codec = Transform & { flush(kind: number): void };

export interface CodedStreamOwner {
  /** The view stays as it is. After `pause` no more of them come. */
  onCoded(view: Buffer): void;
  /** More is taken again, after `write` said false. */
  onCodedDrained(): void;
  /** Everything has come out. */
  onCodedEnd(): void;
  /** What was given cannot be decoded. */
  onCodecFailed(error: CodecError): void;
  /** The owner threw: nobody else would catch it. */
  onThrown(thrown: unknown): void;
}

/** `Z_BUF_ERROR`: the end is missing. */
export interface CodecError extends Error {
  readonly code?: string;
}

const NEVER_FLUSHES = -1;

export class CodedStream {
  readonly #codec: Codec;
  readonly #owner: CodedStreamOwner;
  readonly #flushKind: number;
  #isUnflushed = false;
  #awaitsFlush = false;
  #isOver = false;
  /** For when the codec is done with what it has: each piece by itself would be a way to another thread and back. */
  readonly #waiting = new ByteCollector();
  #isBusy = false;
  /** More waits than there should be: whoever writes waits for `onCodedDrained`. */
  #isBehind = false;
  readonly #onWritten = (error?: Error | null) => this.#goOn(error);

  constructor(codec: Codec, owner: CodedStreamOwner, flushKind: number = NEVER_FLUSHES) {
    this.#codec = codec;
    this.#flushKind = flushKind;
    codec.on('data', (view: Buffer) => this.#tell(() => owner.onCoded(view)));
    codec.on('end', () => this.#tellLast(() => owner.onCodedEnd()));
    codec.on('error', (error: CodecError) => this.#tellLast(() => owner.onCodecFailed(error)));
    this.#owner = owner;
  }

  /** The view is only lent. False: wait for `onCodedDrained`. */
  write(view: Buffer): boolean {
    this.#isUnflushed = true;
    if (this.#isBusy) this.#waiting.add(view);
    else this.#give(Buffer.from(view));
    this.#isBehind = this.#waiting.byteLength + this.#codec.writableLength >= this.#codec.writableHighWaterMark;
    return !this.#isBehind;
  }

  /**
   * What has been written is to come out soon, in a form that can be decoded. While more waits than the codec has done, nothing has to be
   * forced out of it: that would only make the result longer.
   */
  flush(): void {
    this.#awaitsFlush = this.#isUnflushed;
    this.#flushIfIdle();
  }

  end(): void {
    this.#awaitsFlush = false;
    this.#isBehind = false;
    if (this.#waiting.byteLength > 0) this.#give(this.#waiting.take());
    this.#codec.end();
  }

  pause(): void {
    this.#codec.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#codec.resume();
  }

  /** Nothing comes out any more, and its memory is free as soon as the thread that works on it lets go. */
  destroy(): void {
    this.#isOver = true;
    this.#waiting.clear();
    this.#codec.destroy();
  }

  #give(bytes: Buffer): void {
    this.#isBusy = true;
    this.#codec.write(bytes, this.#onWritten);
  }

  /** The codec is done with what it was given. An error is told by its event. */
  #goOn(error: Error | null | undefined): void {
    if (this.#isOver || error) return;
    this.#isBusy = false;
    if (this.#waiting.byteLength > 0) return this.#give(this.#waiting.take());
    if (this.#isBehind) {
      this.#isBehind = false;
      this.#tell(() => this.#owner.onCodedDrained());
    }
    this.#flushIfIdle();
  }

  #tell(run: () => void): void {
    if (this.#isOver) return;
    try {
      run();
    } catch (thrown) {
      this.destroy();
      this.#owner.onThrown(thrown);
    }
  }

  #tellLast(run: () => void): void {
    this.#tell(() => {
      this.#isOver = true;
      run();
    });
  }

  #flushIfIdle(): void {
    if (!this.#awaitsFlush || this.#codec.writableLength > 0 || this.#isOver) return;
    this.#awaitsFlush = this.#isUnflushed = false;
    this.#codec.flush(this.#flushKind);
  }
}
