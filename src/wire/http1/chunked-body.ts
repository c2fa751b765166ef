import { limits } from '#base/limits.ts';
import type { Fault } from './faults.ts';
import { toHeadSource } from './head-source.ts';
import { MessageHead, readFields } from './message-head.ts';
import { CR, isTokenOctet, isValueOctet, LF } from './octets.ts';
import { PartialHead } from './partial-head.ts';
import { keepTrailerFields } from './trailer-fields.ts';

const State = {
  sizeStart: 0,
  size: 1,
  extensionNameStart: 2,
  extensionName: 3,
  extensionValueStart: 4,
  extensionValue: 5,
  extensionQuoted: 6,
  extensionQuotedPair: 7,
  extensionAfterQuoted: 8,
  sizeLineFeed: 9,
  data: 10,
  dataReturn: 11,
  dataLineFeed: 12,
  trailers: 13,
  trailerLineFeed: 14,
  trailerLines: 15,
  done: 16,
} as const;
type State = (typeof State)[keyof typeof State];

const SEMICOLON = 59;
const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;
/** 2^53 has 14 hexadecimal digits, so 13 are always exact. */
const SIZE_DIGITS_MAX = 13;

export interface BodySink {
  /** A piece of the body. The view is lent: it is valid until this call returns. */
  onBodyChunk(view: Buffer): void;
}

/**
 * Decodes a chunked body (RFC 9112 §7.1) from pieces of any size. Extensions are checked and dropped. No whitespace is
 * tolerated around sizes and extensions: parsers differ there, and such differences are how requests are smuggled.
 */
export class ChunkedBody {
  #state: State = State.sizeStart;
  #digits = 0;
  #remaining = 0;
  #lineBytes = 0;
  #extensionBytes = 0;
  #trailer: PartialHead | undefined = undefined;
  readonly #fieldCountMax: number;
  readonly #connectionNames: readonly string[] | undefined;
  fault: Fault | undefined = undefined;
  /** End-to-end trailer fields, once the body is done and had some. */
  trailers: string[] | undefined = undefined;

  /** `connectionNames`: what the head's `Connection` listed, which holds for trailer fields too. */
  constructor(fieldCountMax: number, connectionNames?: readonly string[]) {
    this.#fieldCountMax = fieldCountMax;
    this.#connectionNames = connectionNames;
  }

  get isDone(): boolean {
    return this.#state === State.done;
  }

  /** Decodes until the body ends, a fault is found or the sink is held; returns the position after the last byte taken. */
  decode(bytes: Buffer, start: number, end: number, sink: BodySink & { readonly isHeld: boolean }): number {
    let position = start;
    while (position < end && this.#state !== State.done && this.fault === undefined && !sink.isHeld) {
      if (this.#state === State.data) position = this.#takeData(bytes, position, end, sink);
      else if (this.#state === State.trailerLines) position = this.#takeTrailers(bytes, position, end);
      else this.#takeByte(bytes[position++]!);
    }
    return position;
  }

  #takeData(bytes: Buffer, start: number, end: number, sink: BodySink): number {
    const size = Math.min(this.#remaining, end - start);
    this.#remaining -= size;
    if (this.#remaining === 0) this.#state = State.dataReturn;
    sink.onBodyChunk(bytes.subarray(start, start + size));
    return start + size;
  }

  #takeByte(code: number): void {
    switch (this.#state) {
      case State.sizeStart:
      case State.size:
        return this.#takeSize(code);
      case State.sizeLineFeed:
        if (code !== LF) return this.#fail('bareCarriageReturn');
        this.#state = this.#remaining === 0 ? State.trailers : State.data;
        return;
      case State.dataReturn:
        return code === CR ? this.#go(State.dataLineFeed) : this.#fail('chunkEnd');
      case State.dataLineFeed:
        return code === LF ? this.#startSize() : this.#fail('chunkEnd');
      case State.trailers:
        return code === CR ? this.#go(State.trailerLineFeed) : this.#startTrailers(code);
      case State.trailerLineFeed:
        return code === LF ? this.#go(State.done) : this.#fail('bareCarriageReturn');
      default:
        return this.#takeExtension(code);
    }
  }

  #go(state: State): void {
    this.#state = state;
  }

  #fail(fault: Fault): void {
    this.fault = fault;
  }

  #startSize(): void {
    this.#state = State.sizeStart;
    this.#digits = 0;
    this.#remaining = 0;
    this.#lineBytes = 0;
  }

  #takeSize(code: number): void {
    this.#lineBytes += 1;
    const digit = hexDigit(code);
    if (digit >= 0) {
      if (++this.#digits > SIZE_DIGITS_MAX) return this.#fail('chunkSize');
      this.#remaining = this.#remaining * 16 + digit;
      this.#state = State.size;
      return;
    }
    if (this.#state === State.sizeStart) return this.#fail('chunkSize');
    if (code === CR) this.#state = State.sizeLineFeed;
    else if (code === SEMICOLON) this.#state = State.extensionNameStart;
    else this.#fail(code === LF ? 'bareLineFeed' : 'chunkSize');
  }

  /** RFC 9112 §7.1.1: `;name`, `;name=token` or `;name="quoted"`, any number of times. */
  #takeExtension(code: number): void {
    this.#lineBytes += 1;
    this.#extensionBytes += 1;
    if (this.#lineBytes > limits.chunkLineBytesMax || this.#extensionBytes > limits.chunkExtensionBytesMax) {
      return this.#fail('chunkLineTooLong');
    }
    switch (this.#state) {
      case State.extensionNameStart:
        return isTokenOctet(code) ? this.#go(State.extensionName) : this.#fail('chunkExtension');
      case State.extensionName:
        if (isTokenOctet(code)) return;
        return code === EQUALS ? this.#go(State.extensionValueStart) : this.#endExtension(code);
      case State.extensionValueStart:
        if (code === QUOTE) return this.#go(State.extensionQuoted);
        return isTokenOctet(code) ? this.#go(State.extensionValue) : this.#fail('chunkExtension');
      case State.extensionValue:
        return isTokenOctet(code) ? undefined : this.#endExtension(code);
      case State.extensionQuoted:
        if (code === QUOTE) return this.#go(State.extensionAfterQuoted);
        if (code === BACKSLASH) return this.#go(State.extensionQuotedPair);
        return isValueOctet(code) ? undefined : this.#fail('chunkExtension');
      case State.extensionQuotedPair:
        return isValueOctet(code) ? this.#go(State.extensionQuoted) : this.#fail('chunkExtension');
      default:
        return this.#endExtension(code);
    }
  }

  #endExtension(code: number): void {
    if (code === CR) this.#state = State.sizeLineFeed;
    else if (code === SEMICOLON) this.#state = State.extensionNameStart;
    else this.#fail(code === LF ? 'bareLineFeed' : 'chunkExtension');
  }

  #startTrailers(code: number): void {
    this.#trailer = new PartialHead(limits.trailerBytesMax);
    this.#state = State.trailerLines;
    this.#takeTrailers(Buffer.of(code), 0, 1);
  }

  #takeTrailers(bytes: Buffer, start: number, end: number): number {
    const trailer = this.#trailer!;
    const taken = trailer.take(bytes, start, end);
    if (trailer.isComplete) this.#readTrailers(trailer);
    else if (trailer.isTooLarge) this.#fail('trailersTooLarge');
    return start + taken;
  }

  #readTrailers(trailer: PartialHead): void {
    // What rules a connection or a route lands in the head's own slots and is dropped with it.
    const head = new MessageHead();
    const fault = readFields(head, toHeadSource(trailer.toText(), trailer.endsInEmptyLine), 0, this.#fieldCountMax);
    // A section that stopped at a byte it cannot hold always has a fault of its own.
    if (fault !== undefined || !trailer.endsInEmptyLine) return this.#fail(fault ?? 'fieldValue');
    // RFC 9112 §7.1.2: framing that comes after the frame. Parsers that would obey it, or stop at it, must never see it.
    if (head.isChunked || head.contentLengthBytes >= 0) return this.#fail('framingTrailer');
    this.#state = State.done;
    this.trailers = keepTrailerFields(head.fields, this.#connectionNames);
  }
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  if (code >= 65 && code <= 70) return code - 55;
  return -1;
}
