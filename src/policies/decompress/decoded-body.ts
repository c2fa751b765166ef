/** The body of a request on its way through a decoder: what comes out goes to whoever takes the body, at the pace of both sides. */
import type { GatewayError } from '#base/errors.ts';
import type { RequestBodyStage } from '#http/body-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import { failRequestBody } from '#http/request-body.ts';
import { type CodecError, CodedStream, type CodedStreamOwner } from '#pipeline/content-coding/coded-stream.ts';
import { withoutDigests } from '#pipeline/content-coding/content-codings.ts';
import {
  type DecodableCoding,
  type DecodingCaps,
  type DecodingFault,
  findDecodingFault,
  openDecoder,
  toDecodingFault,
} from '#pipeline/content-coding/decoders.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';

export interface DecodedBodyMeans {
  readonly caps: DecodingCaps;
  toError(fault: DecodingFault): GatewayError;
  /** It needs its decoder no more. Once. */
  onLeft(): void;
}

export class DecodedBody implements RequestBodyStage, CodedStreamOwner {
  readonly #exchange: Exchange;
  readonly #means: DecodedBodyMeans;
  readonly #stream: CodedStream;
  #inBytes = 0;
  #outBytes = 0;
  #hasEnded = false;
  /** The decoder has more than it gets through. */
  #isFull = false;
  #isOver = false;
  #trailers: readonly string[] | undefined = undefined;

  constructor(exchange: Exchange, coding: DecodableCoding, means: DecodedBodyMeans) {
    this.#exchange = exchange;
    this.#means = means;
    this.#stream = new CodedStream(openDecoder(coding), this);
  }

  // From the client

  onRequestChunk(view: Buffer): void {
    if (this.#isOver) return;
    this.#inBytes += view.length;
    if (this.#stream.write(view)) return;
    this.#isFull = true;
    this.#exchange.client.pauseRequestBody();
  }

  onRequestFlush(): void {
    this.#exchange.source?.onRequestFlush();
  }

  onRequestEnd(trailers: readonly string[] | undefined): void {
    if (this.#isOver) return;
    this.#hasEnded = true;
    this.#trailers = trailers;
    this.#stream.end();
  }

  // From whoever takes the body

  resumeRequestBody(): void {
    this.#stream.resume();
    const { client, source } = this.#exchange;
    if (!this.#hasEnded && !this.#isFull) client.resumeRequestBody();
    source?.onRequestFlush();
  }

  pauseRequestBody(): void {
    this.#stream.pause();
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#stream.destroy();
    this.#leave();
  }

  // From the decoder

  onCoded(view: Buffer): void {
    this.#outBytes += view.length;
    const fault = findDecodingFault(this.#inBytes, this.#outBytes, this.#means.caps);
    if (fault !== undefined) return this.#fail(this.#means.toError(fault));
    this.#exchange.source?.onRequestChunk(view);
    this.#exchange.source?.onRequestFlush();
  }

  onCodedDrained(): void {
    this.#isFull = false;
    if (!this.#hasEnded) this.#exchange.client.resumeRequestBody();
  }

  onCodedEnd(): void {
    this.#leave();
    this.#exchange.source?.onRequestEnd(withoutDigests(this.#trailers));
  }

  onCodecFailed(error: CodecError): void {
    this.#fail(this.#means.toError(toDecodingFault(error)));
  }

  onThrown(thrown: unknown): void {
    this.#leave();
    rescueThrown(this.#exchange, thrown);
  }

  // Inside

  #fail(error: GatewayError): void {
    this.#stream.destroy();
    this.#leave();
    if (!failRequestBody(this.#exchange, error)) rescue(this.#exchange, error);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#means.onLeft();
  }
}
