import { ChunkedBody } from './chunked-body.ts';
import type { Fault } from './faults.ts';
import { FieldMemory } from './field-memory.ts';
import { findHead, type HeadSource, toHeadSource } from './head-source.ts';
import { PartialHead } from './partial-head.ts';
import { readResponseHead, UpstreamResponseHead } from './response-head.ts';

/** Who learns what an upstream's bytes mean: any number of informational heads, then head, chunks, end. A fault ends everything. */
export interface ResponseEvents {
  onInformationalHead(head: UpstreamResponseHead): void;
  onResponseHead(head: UpstreamResponseHead): void;
  /** The view is lent: it is valid until this call returns. */
  onBodyChunk(view: Buffer): void;
  /** A whole body that came with its head, as latin1 text: that is there already, and small bodies are sent on as text. */
  onBodyText(text: string): void;
  onResponseEnd(trailers: string[] | undefined): void;
  onResponseFault(fault: Fault): void;
}

export interface ResponseDecoderLimits {
  readonly headBytesMax: number;
  readonly fieldCountMax: number;
}

const State = { idle: 0, head: 1, lengthBody: 2, chunkedBody: 3, closeBody: 4, switched: 5, failed: 6 } as const;
type State = (typeof State)[keyof typeof State];

/** Turns the bytes of one upstream connection into answers. It must be told of each request before its answer can come. */
export class ResponseDecoder {
  #state: State = State.idle;
  #partial: PartialHead | undefined = undefined;
  #chunked: ChunkedBody | undefined = undefined;
  #remaining = 0;
  #answersHead = false;
  /** The text of the head that is being decoded and of what stands behind it, with where it begins in the bytes. */
  #text = '';
  #textBase = 0;
  readonly #memory = new FieldMemory();
  readonly #limits: ResponseDecoderLimits;
  readonly #events: ResponseEvents;
  /** While true, `decode` takes no bytes. */
  isHeld = false;

  constructor(limits: ResponseDecoderLimits, events: ResponseEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  /** No answer is awaited; bytes that come now belong to nothing. */
  get isIdle(): boolean {
    return this.#state === State.idle;
  }
  /** Some bytes of a head are there, but not all. */
  get hasBegunHead(): boolean {
    return this.#partial !== undefined;
  }
  /** The upstream has agreed to another protocol: all further bytes are that protocol's. */
  get hasSwitched(): boolean {
    return this.#state === State.switched;
  }
  /** Bytes of the body still to come, as far as known: `Infinity` where only the end will show. */
  get remainingBytes(): number {
    if (this.#state === State.lengthBody) return this.#remaining;
    return this.#state === State.chunkedBody || this.#state === State.closeBody ? Number.POSITIVE_INFINITY : 0;
  }

  /** Awaits the answer to a request of this method. */
  expect(method: string): void {
    this.#state = State.head;
    this.#answersHead = method === 'HEAD';
  }

  /** Decodes from `start` and returns the position after the last byte taken. */
  decode(bytes: Buffer, start: number, end: number): number {
    let position = start;
    while (position < end && !this.isHeld) {
      switch (this.#state) {
        case State.head:
          position = this.#takeHead(bytes, position, end);
          break;
        case State.lengthBody:
          position = this.#takeBodyText(position, end) ?? this.#takeLengthBody(bytes, position, end);
          break;
        case State.chunkedBody:
          position = this.#takeChunkedBody(bytes, position, end);
          break;
        case State.closeBody:
          this.#events.onBodyChunk(bytes.subarray(position, end));
          return end;
        default:
          return position;
      }
    }
    // A body that is held now goes on from a copy of its bytes, or from bytes that came later.
    this.#text = '';
    return position;
  }

  /** The upstream has sent its last byte. Ends a close-delimited body; returns the fault when an answer was cut short. */
  finish(): Fault | undefined {
    if (this.#state === State.closeBody) {
      this.#state = State.idle;
      this.#events.onResponseEnd(undefined);
      return undefined;
    }
    const isWhole = this.#state === State.idle || this.#state === State.switched || this.#state === State.failed;
    if (!isWhole) this.#state = State.failed;
    return isWhole ? undefined : 'truncated';
  }

  #takeHead(bytes: Buffer, start: number, end: number): number {
    if (this.#partial === undefined) {
      const source = findHead(bytes, start, end, this.#limits.headBytesMax);
      if (source !== undefined) {
        this.#text = source.text;
        this.#textBase = start;
        this.#readHead(source);
        return start + source.end + 2;
      }
      this.#partial = new PartialHead(this.#limits.headBytesMax);
    }
    const partial = this.#partial;
    const position = start + partial.take(bytes, start, end);
    if (partial.isComplete) {
      this.#partial = undefined;
      const source = toHeadSource(partial.toText(), partial.endsInEmptyLine);
      if (partial.endsInEmptyLine) this.#readHead(source);
      else this.#fail(this.#findFault(source));
    } else if (partial.isTooLarge) this.#fail('headTooLarge');
    return position;
  }

  /** The first thing wrong with text that stopped at a byte no head can hold, which the reader always finds. */
  #findFault(source: HeadSource): Fault {
    return readResponseHead(new UpstreamResponseHead(), source, this.#limits.fieldCountMax) ?? 'statusLine';
  }

  #readHead(source: HeadSource): void {
    const head = new UpstreamResponseHead();
    const fault = readResponseHead(head, source, this.#limits.fieldCountMax, this.#memory);
    if (fault !== undefined) return this.#fail(fault);
    if (head.status === 101) {
      this.#state = State.switched;
      return this.#events.onResponseHead(head);
    }
    if (head.status < 200) return this.#events.onInformationalHead(head);
    this.#startBody(head);
    this.#events.onResponseHead(head);
    if (this.#state === State.idle) this.#events.onResponseEnd(undefined);
  }

  /** RFC 9112 §6.3: how long the body is. */
  #startBody(head: UpstreamResponseHead): void {
    if (this.#answersHead || head.status === 204 || head.status === 304 || head.contentLengthBytes === 0)
      this.#state = State.idle;
    else if (head.isChunked) {
      this.#state = State.chunkedBody;
      this.#chunked = new ChunkedBody(this.#limits.fieldCountMax, head.connectionNames);
    } else if (head.contentLengthBytes > 0) {
      this.#state = State.lengthBody;
      this.#remaining = head.contentLengthBytes;
    } else this.#state = State.closeBody;
  }

  /** The body as text, if all of it is. */
  #takeBodyText(start: number, end: number): number | undefined {
    const text = this.#text;
    if (text === '') return undefined;
    const from = start - this.#textBase;
    const to = from + this.#remaining;
    this.#text = '';
    if (to > text.length || to > end - this.#textBase) return undefined;
    this.#state = State.idle;
    this.#events.onBodyText(text.substring(from, to));
    this.#events.onResponseEnd(undefined);
    return start + this.#remaining;
  }

  #takeLengthBody(bytes: Buffer, start: number, end: number): number {
    const size = Math.min(this.#remaining, end - start);
    this.#remaining -= size;
    const isLast = this.#remaining === 0;
    if (isLast) this.#state = State.idle;
    this.#events.onBodyChunk(bytes.subarray(start, start + size));
    if (isLast) this.#events.onResponseEnd(undefined);
    return start + size;
  }

  #takeChunkedBody(bytes: Buffer, start: number, end: number): number {
    const chunked = this.#chunked!;
    const position = chunked.decode(bytes, start, end, this);
    if (chunked.fault !== undefined) this.#fail(chunked.fault);
    else if (chunked.isDone) {
      this.#state = State.idle;
      this.#chunked = undefined;
      this.#events.onResponseEnd(chunked.trailers);
    }
    return position;
  }

  /** Passed through to the events; here so that the chunked decoder can see when it has to hold. */
  onBodyChunk(view: Buffer): void {
    this.#events.onBodyChunk(view);
  }

  #fail(fault: Fault): void {
    this.#state = State.failed;
    this.#events.onResponseFault(fault);
  }
}
