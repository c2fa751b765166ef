/**
 * The incoming half of a client's HTTP/1 connection: decodes as much as may be decoded now, and keeps what came too early, which is
 * pipelined requests, or a body whose taker is not ready.
 */
import { limits } from '#base/limits.ts';
import type { ByteStream } from '#net/byte-stream.ts';
import type { RequestDecoder } from '#wire/http1/request-decoder.ts';

export interface Http1ReceiverHome {
  /** No request is taken any more: what still comes is thrown away. */
  readonly isEnding: boolean;
  /** A request is being answered. */
  readonly isAnswering: boolean;
  /** As much has been decoded as may be for the moment. */
  onDecoded(): void;
}

export class Http1RequestReceiver {
  readonly #home: Http1ReceiverHome;
  readonly #stream: ByteStream;
  readonly #decoder: RequestDecoder;
  #pending: Buffer | undefined = undefined;
  isDecoding = false;

  constructor(home: Http1ReceiverHome, stream: ByteStream, decoder: RequestDecoder) {
    this.#home = home;
    this.#stream = stream;
    this.#decoder = decoder;
  }

  get hasPending(): boolean {
    return this.#pending !== undefined;
  }

  take(bytes: Buffer, end: number): void {
    if (this.#pending !== undefined || this.isDecoding) return this.#keep(bytes.subarray(0, end));
    const taken = this.#decode(bytes, end);
    if (taken < end && !this.#home.isEnding) this.#keep(bytes.subarray(taken, end));
  }

  /** Goes on with what was kept. False: some of it has to wait still, or nobody wants it any more. */
  takePending(): boolean {
    const pending = this.#pending;
    if (pending === undefined) return true;
    this.#pending = undefined;
    const taken = this.#decode(pending, pending.length);
    if (this.#home.isEnding) return false;
    if (taken === pending.length) return true;
    this.#pending = pending.subarray(taken);
    return false;
  }

  /** What was kept will not be decoded. */
  releasePending(): Buffer | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }

  /** Returns how many bytes were taken. */
  #decode(bytes: Buffer, end: number): number {
    this.isDecoding = true;
    let position = this.#decoder.decode(bytes, 0, end);
    while (position < end && this.#mayStartNext()) position = this.#decoder.decode(bytes, position, end);
    this.isDecoding = false;
    this.#home.onDecoded();
    return position;
  }

  #mayStartNext(): boolean {
    const { isAnswering, isEnding } = this.#home;
    if (isAnswering || isEnding || !this.#decoder.isComplete) return false;
    // A client that does not read its answers gets no more of them: what is written stays bounded.
    if (this.#stream.isWritePending) return false;
    this.#decoder.startNext();
    return true;
  }

  #keep(rest: Buffer): void {
    this.#pending = this.#pending === undefined ? Buffer.from(rest) : Buffer.concat([this.#pending, rest]);
    if (this.#pending.length >= limits.pipelinedBytesMax || this.#decoder.isHeld) this.#stream.pause();
  }
}
