/**
 * What the HTTP/1 decoders make of bytes, as plain objects that two readings can be compared by. Each reading also holds
 * the decoders to their contract: events in order, nothing after a fault, positions within the piece, and no view of a
 * piece kept beyond the call (the pieces are overwritten behind the decoder's back).
 */
import assert from 'node:assert/strict';
import { limits } from '#base/limits.ts';
import type { Fault } from '#wire/http1/faults.ts';
import { RequestDecoder, type RequestDecoderLimits, type RequestEvents } from '#wire/http1/request-decoder.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { ResponseDecoder, type ResponseDecoderLimits, type ResponseEvents } from '#wire/http1/response-decoder.ts';
import type { UpstreamResponseHead } from '#wire/http1/response-head.ts';

export interface ReadMessage<Head> {
  readonly head: Head;
  /** One character per byte. */
  body: string;
  trailers: string[] | undefined;
  isComplete: boolean;
}

export interface RequestReading {
  readonly requests: readonly ReadMessage<RequestHead>[];
  /** `close`: the last request does not let the connection go on. `whole`: the bytes end where a request ends. */
  readonly end: Fault | 'whole' | 'close';
  /** Bytes up to the end of the last request that is complete. */
  readonly completeBytes: number;
}

export interface ResponseReading {
  readonly informational: readonly UpstreamResponseHead[];
  readonly response: ReadMessage<UpstreamResponseHead> | undefined;
  readonly end: Fault | 'whole' | 'switched';
  /** Bytes behind the answer, which belong to nothing; 0 after a fault. */
  readonly restBytes: number;
}

type CreateRequestDecoder = (limits: RequestDecoderLimits, events: RequestEvents) => RequestDecoder;

interface RequestReadingOptions {
  readonly limits?: Partial<RequestDecoderLimits>;
  /** Holds the decoder at every head and body chunk, as a slow receiver does. */
  readonly isSlow?: boolean;
  readonly createDecoder?: CreateRequestDecoder;
}

interface ResponseReadingOptions {
  readonly limits?: Partial<ResponseDecoderLimits>;
  readonly isSlow?: boolean;
  /** Of the request that is answered. */
  readonly method?: string;
}

/** Head, chunks, end, in this order; shared by both directions. */
class MessageRecorder<Head> {
  readonly messages: ReadMessage<Head>[] = [];
  fault: Fault | undefined;
  onHeld: (() => void) | undefined;

  protected begin(head: Head): void {
    this.#assertUnbroken();
    assert.notEqual(this.messages.at(-1)?.isComplete, false, 'a head comes when the message before it has ended');
    this.messages.push({ head, body: '', trailers: undefined, isComplete: false });
    this.onHeld?.();
  }

  onBodyChunk(view: Buffer): void {
    assert.ok(view.length > 0, 'a chunk is never empty');
    this.#open().body += view.latin1Slice();
    this.onHeld?.();
  }

  onBodyText(text: string): void {
    assert.ok(text.length > 0, 'a body that is there is not empty');
    this.#open().body += text;
    this.onHeld?.();
  }

  protected complete(trailers: string[] | undefined): void {
    const message = this.#open();
    message.trailers = trailers;
    message.isComplete = true;
  }

  protected fail(fault: Fault): void {
    this.#assertUnbroken();
    this.fault = fault;
  }

  #open(): ReadMessage<Head> {
    this.#assertUnbroken();
    const message = this.messages.at(-1);
    assert.ok(message !== undefined && !message.isComplete, 'chunks and ends belong to a message that has begun');
    return message;
  }

  #assertUnbroken(): void {
    assert.equal(this.fault, undefined, 'nothing comes after a fault');
  }
}

class RequestRecorder extends MessageRecorder<RequestHead> implements RequestEvents {
  onRequestHead(head: RequestHead): void {
    this.begin(head);
  }
  onRequestEnd(trailers: string[] | undefined): void {
    this.complete(trailers);
  }
  onRequestFault(fault: Fault): void {
    this.fail(fault);
  }
}

class ResponseRecorder extends MessageRecorder<UpstreamResponseHead> implements ResponseEvents {
  readonly informational: UpstreamResponseHead[] = [];

  onInformationalHead(head: UpstreamResponseHead): void {
    assert.equal(this.messages.length, 0, 'informational heads come before the answer');
    this.informational.push(head);
    this.onHeld?.();
  }
  onResponseHead(head: UpstreamResponseHead): void {
    this.begin(head);
  }
  onResponseEnd(trailers: string[] | undefined): void {
    this.complete(trailers);
  }
  onResponseFault(fault: Fault): void {
    this.fail(fault);
  }
}

/** Reads the bytes of a client connection as a server would that answers each request at once. */
export function readRequests(pieces: readonly Buffer[], options: RequestReadingOptions = {}): RequestReading {
  const recorder = new RequestRecorder();
  const create: CreateRequestDecoder = options.createDecoder ?? ((given, events) => new RequestDecoder(given, events));
  const decoder = create({ ...limits, ...options.limits }, recorder);
  if (options.isSlow === true) recorder.onHeld = () => (decoder.isHeld = true);
  let [takenBytes, completeBytes] = [0, 0];
  const mayGoOn = (positionInPiece: number) => {
    decoder.isHeld = false;
    if (decoder.hasFailed) return false;
    if (!decoder.isComplete) return true;
    completeBytes = takenBytes + positionInPiece;
    if (!recorder.messages.at(-1)!.head.allowsReuse) return false;
    decoder.startNext();
    return true;
  };
  const isThrough = pieces.every((piece) => {
    const taken = feed(decoder, piece, mayGoOn);
    takenBytes += taken;
    return taken === piece.length;
  });
  const mayEnd = isThrough && mayGoOn(0);
  const end = recorder.fault ?? (mayEnd ? (decoder.finish() ?? 'whole') : 'close');
  return { requests: recorder.messages, end, completeBytes };
}

/** Reads what an upstream sends on a connection until its answer has ended or the bytes have. */
export function readResponse(pieces: readonly Buffer[], options: ResponseReadingOptions = {}): ResponseReading {
  const recorder = new ResponseRecorder();
  const decoder = new ResponseDecoder({ ...limits, ...options.limits }, recorder);
  if (options.isSlow === true) recorder.onHeld = () => (decoder.isHeld = true);
  decoder.expect(options.method ?? 'GET');
  const mayGoOn = () => {
    decoder.isHeld = false;
    return recorder.fault === undefined && !decoder.isIdle && !decoder.hasSwitched;
  };
  let restBytes = 0;
  for (const piece of pieces) restBytes += piece.length - feed(decoder, piece, mayGoOn);
  const end = recorder.fault ?? (decoder.hasSwitched ? 'switched' : (decoder.finish() ?? 'whole'));
  if (recorder.fault !== undefined) restBytes = 0;
  return { informational: recorder.informational, response: recorder.messages[0], end, restBytes };
}

/** Bytes around each piece, so that a decoder that looks beyond it finds what would mislead it. */
const MARGIN_BYTES = 8;

interface Decoder {
  decode(bytes: Buffer, start: number, end: number): number;
}

/** Gives one piece to a decoder and returns how many bytes it took before `mayGoOn` said no. */
function feed(decoder: Decoder, piece: Buffer, mayGoOn: (positionInPiece: number) => boolean): number {
  const buffer = Buffer.alloc(piece.length + 2 * MARGIN_BYTES, '\r\n0');
  piece.copy(buffer, MARGIN_BYTES);
  const end = MARGIN_BYTES + piece.length;
  let position = MARGIN_BYTES;
  while (mayGoOn(position - MARGIN_BYTES) && position < end) {
    const next = decoder.decode(buffer, position, end);
    assert.ok(next >= position && next <= end, 'the position stays within the piece');
    assert.ok(next > position || !mayGoOn(next - MARGIN_BYTES), 'a decoder that may go on takes something');
    position = next;
  }
  buffer.fill(0xff);
  return position - MARGIN_BYTES;
}

export function toBytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** The pieces between the given positions; positions outside and repeated ones make no piece. */
export function splitAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = [...new Set(positions)].filter((position) => position > 0 && position < bytes.length).sort((a, b) => a - b);
  return [0, ...sorted].map((start, index) => bytes.subarray(start, sorted[index] ?? bytes.length));
}

/** Every way to split in two, and the split into single bytes. */
export function everySplit(bytes: Buffer): Buffer[][] {
  const positions = Array.from({ length: Math.max(bytes.length - 1, 0) }, (_, index) => index + 1);
  return [...positions.map((position) => splitAt(bytes, [position])), splitAt(bytes, positions)];
}
