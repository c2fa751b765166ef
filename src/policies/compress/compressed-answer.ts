/**
 * An answer on its way through an encoder. A short one is held until it is whole and compressed at once; a longer one, and one that stands still
 * before its end, goes through a codec that works on other threads, and flows as it comes.
 */
import { limits } from '#base/limits.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { type CodecError, CodedStream, type CodedStreamOwner } from '#pipeline/content-coding/coded-stream.ts';
import { withoutDigests } from '#pipeline/content-coding/content-codings.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import { rescueThrown } from '#pipeline/rescue.ts';
import { describeAsEncoded } from './compressible.ts';
import type { Encoder } from './encoders.ts';

/** How long a short answer whose length is known may stand still in its middle until what is there goes on. */
const STANDS_STILL_MS = 100;

/** Answers of a thread that stream through a codec, whatever configuration they began with. */
export interface RunningCodecs {
  count: number;
}

export interface CompressionMeans {
  readonly running: RunningCodecs;
  readonly minBytes: number;
  readonly later: PolicyServices['later'];
}

export class CompressedAnswer implements AnswerStage, CodedStreamOwner {
  readonly #exchange: Exchange;
  readonly #encoder: Encoder;
  readonly #means: CompressionMeans;
  #next!: NextStage;
  #head!: ResponseHead;
  /** What is held until it is known how it goes on. */
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** What comes goes on as it is. */
  #isPassing = false;
  #isEncoded = false;
  #isOver = false;
  #isRunning = false;
  #stream: CodedStream | undefined = undefined;
  #trailers: readonly string[] | undefined = undefined;
  #stopWaiting: (() => void) | undefined = undefined;

  constructor(exchange: Exchange, encoder: Encoder, means: CompressionMeans) {
    this.#exchange = exchange;
    this.#encoder = encoder;
    this.#means = means;
  }

  begin(response: ResponseHead, next: NextStage): void {
    this.#head = response;
    this.#next = next;
    if ((response.contentLengthBytes ?? 0) > limits.compressedAtOnceBytesMax) this.#open();
  }

  sendChunk(view: Buffer): boolean {
    if (this.#isPassing) return this.#next.sendChunk(view);
    if (this.#stream !== undefined) return this.#stream.write(view);
    if (view.length === this.#head.contentLengthBytes) return this.#sendWhole(view);
    this.#bytes += view.length;
    if (this.#bytes > limits.compressedAtOnceBytesMax) {
      this.#open();
      return this.#isOver || this.sendChunk(view);
    }
    this.#pieces.push(Buffer.from(view));
    return true;
  }

  flush(): boolean {
    if (this.#isPassing) return this.#next.flush();
    if (this.#stream === undefined) {
      if (this.#head.contentLengthBytes === undefined) this.#open();
      // The rest of a short answer is mostly there a moment later, and then it is worth more to have it whole.
      else this.#stopWaiting ??= this.#means.later(STANDS_STILL_MS, () => this.#onStandsStill());
    }
    return this.#flushStream();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#stream !== undefined) {
      this.#trailers = trailers;
      return this.#stream.end();
    }
    if (!this.#isPassing) this.#sendHeld();
    this.#next.sendEnd(this.#isEncoded ? withoutDigests(trailers) : trailers);
  }

  onDrained(): void {
    if (this.#stream === undefined) this.#next.askForMore();
    else this.#stream.resume();
  }

  abandon(): void {
    this.#isOver = true;
    this.#pieces = [];
    this.#stopWaiting?.();
    this.#stream?.destroy();
    this.#leaveCodec();
  }

  // From the codec

  onCoded(view: Buffer): void {
    if (!this.#next.sendChunk(view) || !this.#next.flush()) this.#stream!.pause();
  }

  onCodedDrained(): void {
    this.#next.askForMore();
  }

  onCodedEnd(): void {
    this.#leaveCodec();
    this.#next.sendEnd(withoutDigests(this.#trailers));
  }

  onCodecFailed(error: CodecError): void {
    this.onThrown(error);
  }

  onThrown(thrown: unknown): void {
    this.#leaveCodec();
    if (!this.#isOver) rescueThrown(this.#exchange, thrown);
  }

  // Inside

  #sendHeld(): void {
    const pieces = this.#pieces;
    const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, this.#bytes);
    this.#pieces = [];
    if (this.#bytes >= this.#means.minBytes) this.#sendWhole(body);
    else this.#send(body);
  }

  #sendWhole(body: Buffer): boolean {
    const coded = this.#encoder.compress(body);
    if (coded.length >= body.length) return this.#send(body);
    this.#isEncoded = true;
    describeAsEncoded(this.#head, this.#encoder.name, coded.length);
    return this.#send(coded);
  }

  /** The whole answer. False as from the next stage, to which the view is lent on. */
  #send(body: Buffer): boolean {
    this.#stopWaiting?.();
    this.#isPassing = true;
    this.#head.contentLengthBytes = body.length;
    this.#next.sendHead(this.#head);
    return body.length === 0 || this.#next.sendChunk(body);
  }

  /** From here on the answer flows. What was held is too little for anybody to be behind with. */
  #open(): void {
    this.#stopWaiting?.();
    const { running } = this.#means;
    const isEncoded = running.count < limits.compressingAnswersMax;
    const lengthBytes = this.#head.contentLengthBytes;
    this.#isPassing = !isEncoded;
    if (isEncoded) describeAsEncoded(this.#head, this.#encoder.name, undefined);
    this.#next.sendHead(this.#head);
    // A policy before this one may have ended the answer.
    if (this.#isOver) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    if (isEncoded) {
      this.#stream = new CodedStream(this.#encoder.open(lengthBytes), this, this.#encoder.flushKind);
      this.#isRunning = true;
      running.count += 1;
    }
    for (const piece of pieces) this.sendChunk(piece);
  }

  /** Called by a clock: nobody else would catch what is thrown. */
  #onStandsStill(): void {
    try {
      this.#open();
      this.#flushStream();
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  /** True: what the source sends is taken into account by the codec, which is told when the client takes no more. */
  #flushStream(): boolean {
    if (this.#isPassing) return this.#next.flush();
    if (this.#stream === undefined) return true;
    this.#stream.flush();
    // The head, and what came out before.
    if (!this.#next.flush()) this.#stream.pause();
    return true;
  }

  /** Once, whatever the end was. */
  #leaveCodec(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#means.running.count -= 1;
  }
}
