/**
 * One stream of an HTTP/2 connection to an endpoint: one request and its answer. The session (`node:http2`) checks what the
 * upstream sends; what it tells wrongly is told right here: it ends a stream whose connection is lost as if the answer were
 * whole, so the end counts only when the upstream itself has sent it.
 */
import { type ClientHttp2Stream, type ClientSessionRequestOptions, constants } from 'node:http2';
import { Readable } from 'node:stream';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { getField } from '#wire/fields/field-list.ts';
import { keepTrailerFields } from '#wire/http1/trailer-fields.ts';
import { toHttp2CodeName } from '#wire/http2/error-codes.ts';
import type { LossSituation } from './connect-loss.ts';
import type { Exchange } from './exchange.ts';
import { readHttp2AnswerHead } from './http2-answer-head.ts';
import { asksForWebSocket, toHttp2RequestFields, toWebSocketAccept } from './http2-attempt-head.ts';
import { maySendTrailers, toTrailerMap } from './http2-request-trailers.ts';
import type { StreamMemory } from './http2-session-memory.ts';
import { toTunnelStream } from './http2-stream-tunnel.ts';
import { hasResponseBody } from './response.ts';
import {
  type AnswerEvents,
  type AnswerHead,
  type AttemptHead,
  type TimeLimit,
  toTimeoutDetail,
  type UpstreamCall,
  type UpstreamTunnel,
} from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

export interface Http2UpstreamServices {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly connectLimit: TimeLimit;
  /** How long a connection without calls is kept. */
  readonly idleMs: number;
  /** How long a call waits on an open connection for one of the streams that the upstream allows. */
  readonly roomTimeoutMs: number;
}

/** What a call needs of the connection that carries it. */
export interface CallCarrier {
  readonly scheme: 'http' | 'https';
  readonly answerCount: number;
  readonly isLost: boolean;
  readonly lossReason: string | undefined;
  beginOrWait(call: Http2UpstreamCall): void;
  openStream(fields: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream;
  memoryOf(stream: ClientHttp2Stream): StreamMemory;
  /** A stream has closed while something was still being sent over it. */
  keepSessionFor(memory: StreamMemory): void;
  markDirty(call: Http2UpstreamCall): void;
  /** Nobody needs the stream any more. */
  resetSoon(stream: ClientHttp2Stream): void;
  /** The head of an answer has come. */
  onAnswer(): void;
  /** The upstream has not looked at the request. */
  onRefused(): void;
  /** A stream has closed before its answer was whole. */
  onBrokenStream(): void;
  isBeyondLast(streamId: number | undefined): boolean;
  toLoss(streamError: Error | undefined, situation: LossSituation): GatewayError;
  /** The call comes from another connection. */
  adopt(call: Http2UpstreamCall): void;
  /** The call has ended, or goes elsewhere. */
  forget(call: Http2UpstreamCall): void;
}

/** A stream that knows its call, so that its listeners can be shared functions instead of closures per call. */
interface OwnedStream extends ClientHttp2Stream {
  gatehouseCall?: Http2UpstreamCall;
}

const Waiting = { nothing: 0, stream: 1, answer: 2, more: 3 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_PROTOCOL_ERROR } = constants;
const { NGHTTP2_REFUSED_STREAM } = constants;
/** Smaller pieces of a request body are copied, so that whoever reads them need not stop until they have left. */
const COPIED_BYTES_MAX = 16 * 1024;

export class Http2UpstreamCall extends WheelTimer implements UpstreamCall {
  readonly #services: Http2UpstreamServices;
  #connection: CallCarrier;
  #events: AnswerEvents | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #attempt: AttemptHead | undefined = undefined;
  #stream: OwnedStream | undefined = undefined;
  #memory: StreamMemory = undefined;
  #waiting: Waiting = Waiting.nothing;
  /** Pieces of the request body from before there was a stream. */
  #early: Buffer[] | undefined = undefined;
  #requestTrailers: readonly string[] | undefined = undefined;
  #isRequestEnded = false;
  #isWritePending = false;
  /** The client waits for leave to send its body. */
  #awaitsContinue = false;
  #informationalCount = 0;
  #hasAnswerBegun = false;
  /** The upstream has sent the end, behind which trailers may still have to be told. */
  #hasSeenEnd = false;
  #hasAnswerEnded = false;
  #isPaused = false;
  /** The session reads no more for this stream until it is asked to. */
  #isReadStopped = true;
  /** Pieces of the answer that came while it was paused. The window of the stream bounds them. */
  #held: Buffer[] | undefined = undefined;
  #trailers: string[] | undefined = undefined;
  #streamError: Error | undefined = undefined;
  /** The stream belongs to a tunnel. */
  #isTunnel = false;
  isGone = false;
  /** RFC 9113 §8.7. */
  readonly mayRefuse = true;
  /** RFC 8441: the stream becomes one of bytes when the upstream agrees. */
  isWebSocket = false;
  /** It was given to another connection than the first one. */
  hasMoved = false;
  /** In the connection's list of calls whose client is still to be flushed. */
  isDirty = false;

  constructor(connection: CallCarrier, services: Http2UpstreamServices) {
    super();
    this.#connection = connection;
    this.#services = services;
  }

  get isReused(): boolean {
    return this.#connection.answerCount > 0;
  }

  /** It holds one of the streams that the upstream allows. */
  get hasBegun(): boolean {
    return this.#stream !== undefined;
  }

  send(events: AnswerEvents, exchange: Exchange, attempt: AttemptHead): void {
    this.#events = events;
    this.#exchange = exchange;
    this.#attempt = attempt;
    this.#awaitsContinue = exchange.request.expectsContinue;
    this.isWebSocket = asksForWebSocket(exchange.request);
    this.#connection.beginOrWait(this);
  }

  sendChunk(view: Buffer): boolean {
    this.#awaitsContinue = false;
    if (this.isGone || view.length === 0) return true;
    const stream = this.#stream;
    if (stream === undefined) {
      this.#early ??= [];
      this.#early.push(Buffer.from(view));
      this.#isWritePending = true;
      return false;
    }
    const isCopied = view.length <= COPIED_BYTES_MAX || this.#services.buffers.isShared(view);
    const hasRoom = stream.write(isCopied ? Buffer.from(view) : view, this.#onWritten);
    if (isCopied && hasRoom) return true;
    this.#isWritePending = true;
    this.#waitWhileSending();
    return false;
  }

  /** The session joins by itself what is written in one go. */
  flush(): boolean {
    this.#waitWhileSending();
    return !this.#isWritePending;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.#isRequestEnded = true;
    this.#requestTrailers = trailers;
    if (this.isGone) return;
    // Without a body, the head was the end.
    if (this.#stream !== undefined && this.#exchange!.request.hasBody) this.#stream.end();
    this.#waitWhileSending();
  }

  pauseAnswer(): void {
    this.#isPaused = true;
    if (this.#waiting === Waiting.more) this.#wait(Waiting.nothing);
  }

  resumeAnswer(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#waiting === Waiting.nothing && this.#hasAnswerBegun && !this.#hasSeenEnd) this.#wait(Waiting.more);
    if (this.#hasAnswerBegun) this.#goOn();
  }

  cancel(): void {
    this.#events = undefined;
    this.#reset();
  }

  takeTunnel(): UpstreamTunnel {
    const stream = this.#stream!;
    this.#events = undefined;
    this.#services.wheel.remove(this);
    const pendingBytes = this.#held === undefined ? undefined : Buffer.concat(this.#held);
    this.#held = undefined;
    for (const [event, listener] of listeners) if (event !== 'close') stream.off(event, listener);
    this.#isTunnel = true;
    return {
      stream: toTunnelStream(stream, this.#services.buffers, upstreamErrors.truncatedBody()),
      pendingBytes,
      onTunnelClosed: () => this.#leave(),
    };
  }

  override onDeadline(): void {
    switch (this.#waiting) {
      case Waiting.stream:
        return this.#failAndReset(upstreamErrors.queueTimeout({ timeoutMs: this.#services.roomTimeoutMs }));
      case Waiting.answer:
        return this.#failAndReset(upstreamErrors.firstByteTimeout(toTimeoutDetail(this.#attempt!.timeouts.firstByte)));
      default:
        return this.#failAndReset(upstreamErrors.idleTimeout(toTimeoutDetail(this.#attempt!.timeouts.idle)));
    }
  }

  // From the connection

  /** There is room for it. */
  begin(): void {
    const exchange = this.#exchange!;
    const { request } = exchange;
    const connection = this.#connection;
    const fields = toHttp2RequestFields(exchange, this.#attempt!, connection.scheme);
    const stream: OwnedStream = connection.openStream(fields, {
      endStream: !request.hasBody && !this.isWebSocket,
      waitForTrailers: maySendTrailers(exchange),
    });
    this.#stream = stream;
    this.#memory = connection.memoryOf(stream);
    stream.gatehouseCall = this;
    stream.push = pushToCall;
    for (const [event, listener] of listeners) stream.on(event, listener);
    this.#wait(Waiting.nothing);
    if (request.hasBody) this.#sendEarly(stream);
    this.#waitWhileSending();
  }

  /** The connection is open, and there is no room on it for now. */
  waitForRoom(): void {
    if (this.#waiting === Waiting.stream) return;
    this.#waiting = Waiting.stream;
    this.#services.wheel.arm(this, this.#services.roomTimeoutMs);
  }

  moveTo(connection: CallCarrier): void {
    this.#connection.forget(this);
    this.#connection = connection;
    this.hasMoved = true;
    this.#wait(Waiting.nothing);
    connection.adopt(this);
  }

  /** The connection was not made, or takes no more requests. */
  fail(error: GatewayError): void {
    const events = this.#events;
    this.#events = undefined;
    this.#leave();
    events?.onUpstreamError(error);
  }

  /** What one round of reading brought has been said. */
  flushAnswer(): void {
    this.isDirty = false;
    this.#events?.onUpstreamFlush();
  }

  // From the stream

  onInformational(list: readonly string[]): void {
    if (this.isGone) return;
    const head = readHttp2AnswerHead(list, false);
    if (typeof head === 'string') return this.#failAndReset(toHeadError(head));
    if (++this.#informationalCount > limits.informationalCountMax)
      return this.#failAndReset(upstreamErrors.tooManyInformational());
    if (head.status === 100) this.#awaitsContinue = false;
    this.#waitWhileSending();
    this.#events?.onInformational(head);
  }

  onResponse(list: readonly string[], flags: number): void {
    if (this.isGone) return;
    const isWhole = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    const status = Number(getField(list, ':status'));
    const head = readHttp2AnswerHead(list, isWhole && hasResponseBody(this.#attempt!.method, status));
    if (typeof head === 'string' || status < 200)
      return this.#failAndReset(toHeadError(typeof head === 'string' ? head : 'malformed'));
    this.#hasAnswerBegun = true;
    this.#connection.onAnswer();
    if (this.isWebSocket && status < 300) return this.#changeProtocol(head);
    this.#wait(Waiting.more);
    this.#events?.onUpstreamHead(head);
    this.#markDirty();
    this.#goOn();
  }

  /** False: the session should read no more for this stream. */
  onPush(chunk: Buffer | null): boolean {
    if (this.isGone) return true;
    if (chunk === null) this.#onEnd();
    else if (this.#isPaused || !this.#hasAnswerBegun) {
      this.#held ??= [];
      this.#held.push(chunk);
    } else this.#deliver(chunk);
    this.#isReadStopped = this.#isPaused || !this.#hasAnswerBegun;
    return !this.#isReadStopped;
  }

  onTrailers(list: readonly string[]): void {
    this.#trailers = keepTrailerFields(list, undefined);
  }

  onWantTrailers(): void {
    const stream = this.#stream;
    if (stream !== undefined && !stream.destroyed && !stream.closed) stream.sendTrailers(toTrailerMap(this.#requestTrailers));
  }

  onStreamError(error: Error): void {
    this.#streamError = error;
  }

  /** The end of every stream, whatever led to it. */
  onStreamClose(): void {
    if (!this.#stream!.writableFinished) this.#connection.keepSessionFor(this.#memory);
    if (this.isGone || this.#hasSeenEnd || this.#isTunnel) return;
    this.#connection.onBrokenStream();
    const error = this.#toLoss();
    const events = this.#events;
    this.#events = undefined;
    // First, so that a request which is repeated does not come back here.
    this.#leave();
    events?.onUpstreamError(error);
  }

  /** Everything that belongs to the answer has been read. */
  endAnswer(): void {
    this.#hasAnswerEnded = true;
    if (!this.#isPaused) this.#goOn();
  }

  // Inside

  /** The upstream agrees with a 200; what the client is told of is a 101, as over HTTP/1. */
  #changeProtocol(head: AnswerHead): void {
    const accept = toWebSocketAccept(this.#exchange!.request);
    const fields = accept === undefined ? head.fields : [...head.fields, 'sec-websocket-accept', accept];
    this.#wait(Waiting.nothing);
    // What comes before the tunnel is taken waits for it.
    this.#isPaused = true;
    this.#events?.onUpstreamHead({ ...head, status: 101, fields, contentLengthBytes: -1, upgrade: 'websocket' });
  }

  #sendEarly(stream: OwnedStream): void {
    const early = this.#early;
    this.#early = undefined;
    for (const chunk of early ?? []) stream.write(chunk, this.#onWritten);
    if (this.#isRequestEnded) stream.end();
    else if (early === undefined) this.#isWritePending = false;
  }

  #deliver(chunk: Buffer): void {
    if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
    this.#events?.onUpstreamChunk(chunk);
    this.#markDirty();
  }

  /** Hands on what was held back, until somebody pauses again, and then goes on to read. */
  #goOn(): void {
    const held = this.#held;
    this.#held = undefined;
    let given = 0;
    while (held !== undefined && given < held.length && !this.#isPaused && !this.isGone) this.#deliver(held[given++]!);
    if (held !== undefined && given < held.length && !this.isGone) this.#held = held.slice(given);
    if (this.#isPaused || this.isGone) return;
    if (this.#hasAnswerEnded) return this.#finishAnswer();
    const stream = this.#stream!;
    if (!this.#isReadStopped || stream.destroyed) return;
    this.#isReadStopped = false;
    stream._read(0);
  }

  /** The session ends a stream with the same call whether the upstream has ended it or the connection was lost. */
  #onEnd(): void {
    const stream = this.#stream!;
    if (stream.closed || stream.destroyed) return;
    this.#hasSeenEnd = true;
    this.#wait(Waiting.nothing);
    // A head or trailers that came with the end are told in the next tick; this is said behind them.
    process.nextTick(endAnswer, this);
  }

  #finishAnswer(): void {
    const events = this.#events;
    this.#events = undefined;
    // RFC 9113 §8.1: an answer may be whole before its request is. Nobody reads the rest any more.
    if (!this.#isRequestEnded) this.#connection.resetSoon(this.#stream!);
    this.#leave();
    events?.onUpstreamEnd(this.#trailers);
  }

  /** What was written has left. */
  readonly #onWritten = (): void => {
    if (!this.#isWritePending || this.isGone || this.#stream!.writableLength > 0) return;
    this.#isWritePending = false;
    this.#waitWhileSending();
    this.#events?.onUpstreamDrained();
  };

  #markDirty(): void {
    if (!this.isDirty && this.#events !== undefined) this.#connection.markDirty(this);
  }

  /** As for HTTP/1: the upstream has time from the last byte of the request on, and while it does not take what is sent. */
  #waitWhileSending(): void {
    if (this.#stream === undefined || this.isGone) return;
    if (this.#hasAnswerBegun) {
      if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
    } else if (this.#isRequestEnded || this.#awaitsContinue || this.#isWritePending) this.#wait(Waiting.answer);
    else if (this.#waiting === Waiting.answer) this.#wait(Waiting.nothing);
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { wheel } = this.#services;
    if (waiting === Waiting.nothing) return wheel.disarm(this);
    const { firstByte, idle } = this.#attempt!.timeouts;
    wheel.arm(this, waiting === Waiting.answer ? firstByte.ms : idle.ms);
  }

  #toLoss(): GatewayError {
    const stream = this.#stream!;
    const connection = this.#connection;
    const { rstCode } = stream;
    if (rstCode === NGHTTP2_REFUSED_STREAM || connection.isBeyondLast(stream.id)) {
      connection.onRefused();
      return upstreamErrors.unprocessed({ reason: connection.lossReason ?? 'REFUSED_STREAM' });
    }
    const isBeingAnswered = this.#informationalCount > 0;
    const situation = { hasAnswerBegun: this.#hasAnswerBegun, isBeingAnswered };
    if (connection.isLost) return connection.toLoss(this.#streamError, situation);
    const reason = toHttp2CodeName(rstCode);
    if (rstCode === NGHTTP2_HTTP_1_1_REQUIRED) return upstreamErrors.noHttp2({ reason });
    if (this.#hasAnswerBegun) return upstreamErrors.truncatedBody({ reason });
    return rstCode === NGHTTP2_PROTOCOL_ERROR
      ? upstreamErrors.malformedAnswer({ reason })
      : upstreamErrors.truncatedHead({ reason });
  }

  #failAndReset(error: GatewayError): void {
    const events = this.#events;
    this.#events = undefined;
    this.#reset();
    events?.onUpstreamError(error);
  }

  #reset(): void {
    if (this.#stream !== undefined) this.#connection.resetSoon(this.#stream);
    this.#leave();
  }

  #leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#held = undefined;
    this.#early = undefined;
    this.#services.wheel.remove(this);
    this.#connection.forget(this);
  }
}

function toHeadError(problem: 'malformed' | 'too-large'): GatewayError {
  return problem === 'malformed' ? upstreamErrors.malformedAnswer({ reason: 'status' }) : upstreamErrors.headTooLarge();
}

/** Stands in for the stream's own `push`, whose buffering and events are of no use here. */
function pushToCall(this: OwnedStream, chunk: Buffer | null): boolean {
  const mayReadOn = this.gatehouseCall!.onPush(chunk);
  if (chunk !== null) return mayReadOn;
  // So that the stream cleans up after itself.
  this.resume();
  return Readable.prototype.push.call(this, null);
}

function onHeaders(this: OwnedStream, _headers: unknown, _flags: number, list: readonly string[]): void {
  this.gatehouseCall!.onInformational(list);
}

function onResponse(this: OwnedStream, _headers: unknown, flags: number, list: readonly string[]): void {
  this.gatehouseCall!.onResponse(list, flags);
}

function onTrailers(this: OwnedStream, _headers: unknown, _flags: number, list: readonly string[]): void {
  this.gatehouseCall!.onTrailers(list);
}

function onWantTrailers(this: OwnedStream): void {
  this.gatehouseCall!.onWantTrailers();
}

function onError(this: OwnedStream, error: Error): void {
  this.gatehouseCall!.onStreamError(error);
}

function onClose(this: OwnedStream): void {
  this.gatehouseCall!.onStreamClose();
}

const listeners = [
  ['headers', onHeaders],
  ['response', onResponse],
  ['trailers', onTrailers],
  ['wantTrailers', onWantTrailers],
  ['error', onError],
  ['close', onClose],
] as const satisfies readonly (readonly [string, (this: OwnedStream, ...facts: never[]) => void])[];

function endAnswer(call: Http2UpstreamCall): void {
  call.endAnswer();
}
