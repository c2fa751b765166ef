import { ChunkedBody } from './chunked-body.ts';
import type { Fault } from './faults.ts';
import { FieldMemory } from './field-memory.ts';
import { findHead, type HeadSource, toHeadSource } from './head-source.ts';
import { CR, LF } from './octets.ts';
import { PartialHead } from './partial-head.ts';
import { type HeadLimits, RequestHead, readRequestHead } from './request-head.ts';

/** Who learns what the bytes of a client connection mean, in this order: head, chunks, end. A fault ends everything. */
export interface RequestEvents {
  onRequestHead(head: RequestHead): void;
  /** The view is lent: it is valid until this call returns. */
  onBodyChunk(view: Buffer): void;
  onRequestEnd(trailers: string[] | undefined): void;
  onRequestFault(fault: Fault): void;
}

export interface RequestDecoderLimits extends HeadLimits {
  readonly leadingEmptyLinesMax: number;
}

const State = { head: 0, lengthBody: 1, chunkedBody: 2, complete: 3, failed: 4 } as const;
type State = (typeof State)[keyof typeof State];

/**
 * Turns the bytes of one client connection into requests, one at a time: after a request's end it takes nothing until
 * `startNext`. How the bytes are split makes no difference to the events. All input is attacker-controlled.
 */
export class RequestDecoder {
  #state: State = State.head;
  #partial: PartialHead | undefined = undefined;
  #chunked: ChunkedBody | undefined = undefined;
  #remaining = 0;
  #emptyLines = 0;
  #sawEmptyLineReturn = false;
  readonly #memory = new FieldMemory();
  readonly #limits: RequestDecoderLimits;
  readonly #events: RequestEvents;
  /** While true, `decode` takes no bytes: the body has nowhere to go yet. */
  isHeld = false;

  constructor(limits: RequestDecoderLimits, events: RequestEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  /** Nothing of a request has arrived since the last one ended. */
  get isBetweenRequests(): boolean {
    return this.#state === State.head && this.#partial === undefined && !this.#sawEmptyLineReturn;
  }
  get isComplete(): boolean {
    return this.#state === State.complete;
  }
  get isReadingBody(): boolean {
    return this.#state === State.lengthBody || this.#state === State.chunkedBody;
  }
  get hasFailed(): boolean {
    return this.#state === State.failed;
  }
  /** Bytes of a length-delimited body that are still to come; 0 for other bodies. */
  get remainingBytes(): number {
    return this.#state === State.lengthBody ? this.#remaining : 0;
  }

  /** Lets the next request of the connection be decoded. */
  startNext(): void {
    this.#state = State.head;
    this.#emptyLines = 0;
    this.#chunked = undefined;
  }

  /** Decodes from `start` and returns the position after the last byte taken: `end`, or less when complete, held or failed. */
  decode(bytes: Buffer, start: number, end: number): number {
    let position = start;
    while (position < end && !this.isHeld) {
      switch (this.#state) {
        case State.head:
          position = this.#takeHead(bytes, position, end);
          break;
        case State.lengthBody:
          position = this.#takeLengthBody(bytes, position, end);
          break;
        case State.chunkedBody:
          position = this.#takeChunkedBody(bytes, position, end);
          break;
        default:
          return position;
      }
    }
    return position;
  }

  /** The client has sent its last byte. Returns the fault when that cut a request short. */
  finish(): Fault | undefined {
    const isWhole = this.#state === State.complete || this.#state === State.failed || this.isBetweenRequests;
    if (!isWhole) this.#state = State.failed;
    return isWhole ? undefined : 'truncated';
  }

  #takeHead(bytes: Buffer, start: number, end: number): number {
    if (this.#partial !== undefined) return this.#takePartialHead(bytes, start, end);
    const position = this.#skipEmptyLines(bytes, start, end);
    if (position === end || this.#state === State.failed) return position;
    const source = findHead(bytes, position, end, this.#limits.headBytesMax);
    if (source === undefined) {
      this.#partial = new PartialHead(this.#limits.headBytesMax);
      return this.#takePartialHead(bytes, position, end);
    }
    this.#readHead(source);
    return position + source.end + 2;
  }

  #takePartialHead(bytes: Buffer, start: number, end: number): number {
    const partial = this.#partial!;
    const position = start + partial.take(bytes, start, end);
    if (partial.isComplete) {
      this.#partial = undefined;
      const source = toHeadSource(partial.toText(), partial.endsInEmptyLine);
      if (partial.endsInEmptyLine) this.#readHead(source);
      else this.#fail(this.#findFault(source));
    } else if (partial.isTooLarge) {
      this.#partial = undefined;
      this.#fail('headTooLarge');
    }
    return position;
  }

  /** The first thing wrong with text that stopped at a byte no head can hold, which the reader always finds. */
  #findFault(source: HeadSource): Fault {
    return readRequestHead(new RequestHead(), source, this.#limits) ?? 'requestLine';
  }

  /** RFC 9112 §2.2: empty lines before a request line are ignored, up to a limit. */
  #skipEmptyLines(bytes: Buffer, start: number, end: number): number {
    let position = start;
    while (position < end) {
      const code = bytes[position]!;
      if (this.#sawEmptyLineReturn) {
        if (code !== LF) return this.#fail('bareCarriageReturn') ?? position;
        this.#sawEmptyLineReturn = false;
        if (++this.#emptyLines > this.#limits.leadingEmptyLinesMax) return this.#fail('requestLine') ?? position;
      } else if (code === CR) this.#sawEmptyLineReturn = true;
      else break;
      position++;
    }
    return position;
  }

  #readHead(source: HeadSource): void {
    const head = new RequestHead();
    const fault = readRequestHead(head, source, this.#limits, this.#memory);
    if (fault !== undefined) return this.#fail(fault);
    if (head.isChunked) {
      this.#state = State.chunkedBody;
      this.#chunked = new ChunkedBody(this.#limits.fieldCountMax, head.connectionNames);
    } else if (head.contentLengthBytes > 0) {
      this.#state = State.lengthBody;
      this.#remaining = head.contentLengthBytes;
    } else this.#state = State.complete;
    this.#events.onRequestHead(head);
    if (this.#state === State.complete) this.#events.onRequestEnd(undefined);
  }

  #takeLengthBody(bytes: Buffer, start: number, end: number): number {
    const size = Math.min(this.#remaining, end - start);
    this.#remaining -= size;
    const isLast = this.#remaining === 0;
    if (isLast) this.#state = State.complete;
    this.#events.onBodyChunk(bytes.subarray(start, start + size));
    if (isLast) this.#events.onRequestEnd(undefined);
    return start + size;
  }

  #takeChunkedBody(bytes: Buffer, start: number, end: number): number {
    const chunked = this.#chunked!;
    const position = chunked.decode(bytes, start, end, this);
    if (chunked.fault !== undefined) this.#fail(chunked.fault);
    else if (chunked.isDone) {
      this.#state = State.complete;
      this.#events.onRequestEnd(chunked.trailers);
    }
    return position;
  }

  /** Passed through to the events; here so that the chunked decoder can see when it has to hold. */
  onBodyChunk(view: Buffer): void {
    this.#events.onBodyChunk(view);
  }

  #fail(fault: Fault): undefined {
    this.#state = State.failed;
    this.#events.onRequestFault(fault);
    return undefined;
  }
}
