/**
 * One stream of an HTTP/2 connection to an endpoint: one request and its answer. The answer is checked as strictly as one over
 * HTTP/1, and its end counts only when the upstream itself has sent it.
 */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { ErrorCode, toHttp2CodeName } from '#wire/http2/error-codes.ts';
import type { Exchange } from './exchange.ts';
import { readHttp2AnswerHead, readHttp2AnswerTrailers } from './http2-answer-head.ts';
import type { WindowedStream } from './http2-answer-windows.ts';
import { asksForWebSocket, toWebSocketAccept, writeHttp2AttemptHead } from './http2-attempt-head.ts';
import type { CallCarrier, Http2UpstreamServices } from './http2-call-carrier.ts';
import { keepHttp2Trailers } from './http2-fields.ts';
import { type BodyTaker, Http2IncomingBody } from './http2-incoming-body.ts';
import type { ReceiveWindow } from './http2-receive-window.ts';
import type { ReceivingStream } from './http2-receiver.ts';
import { SendingStream } from './http2-sending-stream.ts';
import { Http2Tunnel, type TunnelledStream } from './http2-tunnel.ts';
import { hasResponseBody } from './response.ts';
import {
  type AnswerEvents,
  type AnswerHead,
  type AttemptHead,
  toTimeoutDetail,
  type UpstreamCall,
  type UpstreamTunnel,
} from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

const Waiting = { nothing: 0, stream: 1, answer: 2, more: 3 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const NOT_ANNOUNCED = -1;

export class Http2UpstreamCall
  extends SendingStream
  implements UpstreamCall, BodyTaker, ReceivingStream, TunnelledStream, WindowedStream
{
  /** 0 until the request is sent. */
  id = 0;
  readonly #services: Http2UpstreamServices;
  #connection: CallCarrier<Http2UpstreamCall>;
  #events: AnswerEvents | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #attempt: AttemptHead | undefined = undefined;
  #waiting: Waiting = Waiting.nothing;
  /** Pieces of the request body from before there was a stream. */
  #early: Buffer[] | undefined = undefined;
  #requestTrailers: readonly string[] | undefined = undefined;
  #isRequestEnded = false;
  /** Nothing follows what has been sent, or waits. */
  #isEndDue = false;
  /** The client waits for leave to send its body. */
  #awaitsContinue = false;
  #informationalCount = 0;
  #isPaused = false;
  #window: ReceiveWindow | undefined = undefined;
  /** From the head of the answer on. */
  #body: Http2IncomingBody | undefined = undefined;
  #tunnel: Http2Tunnel | undefined = undefined;
  hasAnswerBegun = false;
  /** The last frame of the request has been written. */
  hasSentEnd = false;
  /** Its stream is over. */
  isEnded = false;
  isGone = false;
  /** RFC 9113 §8.7. */
  readonly mayRefuse = true;
  /** RFC 8441: the stream becomes one of bytes when the upstream agrees. */
  isWebSocket = false;
  /** It was given to another connection than the first one. */
  hasMoved = false;

  constructor(connection: CallCarrier<Http2UpstreamCall>, services: Http2UpstreamServices) {
    super();
    this.#connection = connection;
    this.#services = services;
  }

  get isReused(): boolean {
    return this.#connection.answerCount > 0;
  }

  /** It holds one of the streams that the upstream allows. */
  get hasBegun(): boolean {
    return this.id > 0;
  }

  /** The upstream has ended its side. */
  get isReceived(): boolean {
    return this.#body?.isWhole === true;
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
    if (this.isGone || this.isEnded || view.length === 0) return true;
    if (!this.hasBegun) {
      this.#early ??= [];
      this.#early.push(Buffer.from(view));
      return false;
    }
    this.#connection.onProgress();
    const isTaken = this.#connection.sender.send(this, view);
    this.#waitWhileSending();
    return isTaken;
  }

  /** The end of the turn sends what has come together by then. */
  flush(): boolean {
    this.#waitWhileSending();
    return !this.isLent && this.#early === undefined;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.#isRequestEnded = true;
    this.#requestTrailers = trailers;
    if (this.isGone || this.isEnded) return;
    // Without a body, the head was the end.
    if (this.#exchange!.request.hasBody) this.#endBehindRest();
    this.#waitWhileSending();
  }

  pauseAnswer(): void {
    this.#isPaused = true;
    this.#body?.pause();
    if (this.#waiting === Waiting.more) this.#wait(Waiting.nothing);
  }

  resumeAnswer(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#waiting === Waiting.nothing && this.hasAnswerBegun && !this.isReceived && !this.isGone) this.#wait(Waiting.more);
    this.#body?.resume();
  }

  cancel(): void {
    this.#events = undefined;
    this.#leave(ErrorCode.cancel);
  }

  takeTunnel(): UpstreamTunnel {
    this.#events = undefined;
    this.#wait(Waiting.nothing);
    // What has come already, an end included, is told when the tunnel goes on.
    const tunnel = new Http2Tunnel(this, false);
    this.#tunnel = tunnel;
    return { stream: tunnel, pendingBytes: undefined, onTunnelClosed: () => this.#leave(ErrorCode.cancel) };
  }

  override onDeadline(): void {
    switch (this.#waiting) {
      case Waiting.stream:
        return this.#fail(upstreamErrors.queueTimeout({ timeoutMs: this.#services.roomTimeoutMs }), ErrorCode.cancel);
      case Waiting.answer:
        return this.#fail(upstreamErrors.firstByteTimeout(toTimeoutDetail(this.#attempt!.timeouts.firstByte)), ErrorCode.cancel);
      default:
        return this.#fail(upstreamErrors.idleTimeout(toTimeoutDetail(this.#attempt!.timeouts.idle)), ErrorCode.cancel);
    }
  }

  // From the connection

  /** There is room for it: the request is sent. */
  begin(id: number, window: ReceiveWindow): void {
    const { sender, scheme } = this.#connection;
    this.id = id;
    this.#events?.onUpstreamConnected();
    this.sendWindowBytes = sender.streamWindowBytes;
    this.#window = window;
    const blockStart = sender.beginHead(0, noFields);
    writeHttp2AttemptHead(sender, this.#exchange!, this.#attempt!, scheme);
    sender.endHead(this, blockStart);
    if (!this.#exchange!.request.hasBody && !this.isWebSocket) this.#isEndDue = true;
    this.#wait(Waiting.nothing);
    const early = this.#early;
    this.#early = undefined;
    for (const chunk of early ?? noChunks) sender.send(this, chunk);
    if (this.#isEndDue) this.#endBehindRest();
    // Whoever sent them has been waiting since.
    else if (early !== undefined && !this.isLent) this.#events?.onUpstreamDrained();
    this.#waitWhileSending();
  }

  /** The connection is open, and there is no room on it for now. */
  waitForRoom(): void {
    if (this.#waiting === Waiting.stream) return;
    this.#waiting = Waiting.stream;
    this.#services.wheel.arm(this, this.#services.roomTimeoutMs);
  }

  moveTo(connection: CallCarrier<Http2UpstreamCall>): void {
    this.#connection.forget(this);
    this.#connection = connection;
    this.hasMoved = true;
    this.#wait(Waiting.nothing);
    connection.adopt(this);
  }

  /** The connection was not made, or takes no more requests. */
  fail(error: GatewayError): void {
    this.#fail(error, ErrorCode.cancel);
  }

  /** What one round of reading brought has been said. */
  onReadEnd(): void {
    if (!this.#isPaused) this.#events?.onUpstreamFlush();
  }

  /** RFC 9113 §8.7: the upstream has not looked at the request. */
  onRefused(reason: string): void {
    this.#endStream(false);
    this.#connection.onRefused();
    this.#fail(upstreamErrors.unprocessed({ reason }), ErrorCode.cancel);
  }

  onConnectionLost(): void {
    const situation = { hasAnswerBegun: this.hasAnswerBegun, isBeingAnswered: this.#informationalCount > 0 };
    this.#onLost(this.#connection.toLoss(situation));
  }

  // From the upstream

  onFields(list: readonly string[], isTooLarge: boolean, isLast: boolean): void {
    if (this.hasAnswerBegun) return this.#takeTrailers(list, isLast && !isTooLarge);
    const head = isTooLarge ? 'too-large' : readHttp2AnswerHead(list);
    if (head === 'too-large') return this.#fail(upstreamErrors.headTooLarge(), ErrorCode.cancel);
    if (head === 'malformed') return this.breakRules(ErrorCode.protocolError);
    if (head.status >= 200) this.#takeHead(head, isLast);
    // RFC 9113 §8.6: HTTP/2 changes no protocols.
    else if (isLast || head.status === 101) this.breakRules(ErrorCode.protocolError);
    else this.#takeInformational(head);
  }

  takeWindow(frameBytes: number): boolean {
    return this.#window!.take(frameBytes);
  }

  useWindow(bytes: number): number {
    return this.isEnded || this.isReceived ? 0 : this.#window!.use(bytes);
  }

  resizeWindow(bytesMax: number): number {
    const increment = this.#window!.resize(bytesMax);
    return this.isEnded || this.isReceived ? 0 : increment;
  }

  shiftWindow(bytes: number): void {
    this.#window!.shift(bytes);
  }

  onData(view: Buffer): void {
    const body = this.#body!;
    if (body.count(view.length)) return body.take(view);
    this.#connection.onBodyUsed(view.length, undefined);
    this.breakRules(ErrorCode.protocolError);
  }

  onReceived(trailers: string[] | undefined): void {
    this.#wait(Waiting.nothing);
    if (!this.#body!.end(trailers)) this.breakRules(ErrorCode.protocolError);
  }

  onReset(code: number): void {
    const isRefused = code === ErrorCode.refusedStream && !this.hasAnswerBegun && this.#informationalCount === 0;
    if (isRefused) this.onRefused('REFUSED_STREAM');
    else this.#onLost(this.#toResetError(code));
  }

  breakRules(code: ErrorCode): void {
    const reason = toHttp2CodeName(code);
    const error = this.hasAnswerBegun ? upstreamErrors.truncatedBody({ reason }) : upstreamErrors.malformedAnswer({ reason });
    if (this.#tunnel === undefined) return this.#fail(error, code);
    this.#connection.resetStream(this.id, code);
    this.#endTunnelStream(error);
  }

  // From the body

  onBodyChunk(view: Buffer): void {
    if (this.#tunnel !== undefined) this.#tunnel.owner.onBytes(view, view.length);
    else {
      if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
      this.#events?.onUpstreamChunk(view);
    }
    this.#connection.onBodyUsed(view.length, this);
  }

  onBodyFlush(): void {
    this.#events?.onUpstreamFlush();
  }

  onBodyEnd(trailers: string[] | undefined): void {
    if (this.#tunnel === undefined) return this.#finishAnswer(trailers);
    this.#tunnel.owner.onEof();
    if (this.hasSentEnd) this.#endTunnelStream(undefined);
  }

  // From the sender

  onRestMoved(): void {
    this.#connection.onProgress();
    this.#waitWhileSending();
  }

  onRestSent(wasLent: boolean): void {
    this.#connection.onProgress();
    if (this.#isEndDue) this.#writeEnd();
    this.#waitWhileSending();
    if (!wasLent) return;
    if (this.#tunnel !== undefined) this.#tunnel.owner.onDrained();
    else this.#events?.onUpstreamDrained();
  }

  // For the tunnel

  get unsentBytes(): number {
    return this.#connection.unsentBytes + this.restBytes;
  }

  sendBytes(bytes: Buffer): boolean {
    return this.isEnded || this.#connection.sender.send(this, bytes);
  }

  setFlowing(isFlowing: boolean): void {
    const body = this.#body!;
    if (!isFlowing) body.pause();
    else if (!body.isFlowing) body.resume();
  }

  endTunnel(): void {
    if (!this.isEnded && !this.#isEndDue) this.#endBehindRest();
  }

  /** RFC 8441 §5: what resets a connection cancels a stream. */
  breakTunnelOff(code: ErrorCode): void {
    if (!this.isEnded) this.#connection.resetStream(this.id, code);
    this.#endTunnelStream(undefined);
  }

  // Inside

  #takeInformational(head: AnswerHead): void {
    if (++this.#informationalCount > limits.informationalCountMax)
      return this.#fail(upstreamErrors.tooManyInformational(), ErrorCode.cancel);
    if (head.status === 100) this.#awaitsContinue = false;
    this.#waitWhileSending();
    this.#events?.onInformational(head);
  }

  #takeHead(given: AnswerHead, isLast: boolean): void {
    const { status } = given;
    const isTunnel = this.isWebSocket && status < 300;
    const hasBody = hasResponseBody(this.#attempt!.method, status);
    const head = toPassedHead(given, isLast && hasBody && !isTunnel);
    // RFC 9113 §8.1.1: what has no body may announce one (RFC 9110 §8.6), and nothing of it comes.
    const announcedBytes = isTunnel ? NOT_ANNOUNCED : hasBody ? head.contentLengthBytes : 0;
    if (isLast && announcedBytes > 0) return this.breakRules(ErrorCode.protocolError);
    this.hasAnswerBegun = true;
    this.#body = new Http2IncomingBody(this, this.#window!, announcedBytes);
    this.#connection.onAnswer();
    if (isTunnel) this.#changeProtocol(head);
    else {
      this.#body.isFlowing = !this.#isPaused;
      this.#wait(Waiting.more);
      this.#events?.onUpstreamHead(head);
    }
    if (isLast && !this.isGone) this.onReceived(undefined);
  }

  /** The upstream agrees with a 200; what the client is told of is a 101, as over HTTP/1. */
  #changeProtocol(head: AnswerHead): void {
    const accept = toWebSocketAccept(this.#exchange!.request);
    const fields = accept === undefined ? head.fields : [...head.fields, 'sec-websocket-accept', accept];
    this.#wait(Waiting.nothing);
    // What comes before the tunnel is taken waits for it.
    this.#isPaused = true;
    this.#events?.onUpstreamHead({ ...head, status: 101, fields, contentLengthBytes: NOT_ANNOUNCED, upgrade: 'websocket' });
  }

  #takeTrailers(list: readonly string[], isWellFormed: boolean): void {
    const trailers = isWellFormed ? readHttp2AnswerTrailers(list) : undefined;
    if (trailers === undefined) this.breakRules(ErrorCode.protocolError);
    else this.onReceived(keepHttp2Trailers(trailers));
  }

  #endBehindRest(): void {
    this.#isEndDue = true;
    if (this.hasBegun && this.rest === undefined) this.#writeEnd();
  }

  #writeEnd(): void {
    const { sender } = this.#connection;
    const trailers = this.#requestTrailers;
    this.hasSentEnd = true;
    if (trailers === undefined || trailers.length === 0) sender.end(this);
    else sender.endWith(this, trailers);
    if (this.#tunnel !== undefined && this.#body!.isTaken) this.#endTunnelStream(undefined);
  }

  #finishAnswer(trailers: readonly string[] | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    // RFC 9113 §8.1: an answer may be whole before its request is. Nobody reads the rest any more.
    this.#leave(ErrorCode.cancel);
    events?.onUpstreamEnd(trailers);
  }

  /** As for HTTP/1: the upstream has time from the last byte of the request on, and while it does not take what is sent. */
  #waitWhileSending(): void {
    if (!this.hasBegun || this.isGone || this.#tunnel !== undefined) return;
    if (this.hasAnswerBegun) {
      if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
    } else if (this.#isRequestEnded || this.#awaitsContinue || this.rest !== undefined) this.#wait(Waiting.answer);
    else if (this.#waiting === Waiting.answer) this.#wait(Waiting.nothing);
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { wheel } = this.#services;
    if (waiting === Waiting.nothing) return wheel.disarm(this);
    const { firstByte, idle } = this.#attempt!.timeouts;
    wheel.arm(this, waiting === Waiting.answer ? firstByte.ms : idle.ms);
  }

  #toResetError(code: number): GatewayError {
    const reason = toHttp2CodeName(code);
    if (this.hasAnswerBegun) return upstreamErrors.truncatedBody({ reason });
    return code === ErrorCode.http11Required ? upstreamErrors.noHttp2({ reason }) : upstreamErrors.truncatedHead({ reason });
  }

  /** The stream is over, not by us. What has come of an answer that is whole is still passed on. */
  #onLost(error: GatewayError): void {
    const { isLent, isReceived } = this;
    this.#endStream(false);
    if (this.#tunnel !== undefined) return this.#endTunnelStream(error);
    if (!isReceived) return this.#fail(error, ErrorCode.cancel);
    // RFC 9113 §8.1: nobody reads the rest of the request.
    if (isLent) this.#events?.onUpstreamDrained();
  }

  #fail(error: GatewayError, code: ErrorCode): void {
    const events = this.#events;
    this.#events = undefined;
    // First, so that a request which is repeated does not come back here.
    this.#leave(code);
    events?.onUpstreamError(error);
  }

  #endTunnelStream(error: GatewayError | undefined): void {
    this.#endStream(!this.isReceived);
    this.#tunnel?.close(error);
  }

  #endStream(isLeft: boolean): void {
    if (this.isEnded || !this.hasBegun) return;
    this.isEnded = true;
    this.#connection.sender.drop(this);
    this.#connection.onStreamEnded(this.id, isLeft);
  }

  /** `code`: why the stream is broken off, if it is not over. */
  #leave(code: ErrorCode): void {
    if (this.isGone) return;
    this.isGone = true;
    if (this.hasBegun && !this.isEnded) {
      if (!this.hasSentEnd || !this.isReceived) this.#connection.resetStream(this.id, code);
      this.#endStream(!this.isReceived);
    }
    const unused = this.#body?.drop() ?? 0;
    if (unused > 0) this.#connection.onBodyUsed(unused, undefined);
    this.#early = undefined;
    this.#services.wheel.remove(this);
    this.#connection.forget(this);
  }
}

const noFields: readonly string[] = [];
const noChunks: readonly Buffer[] = [];

/** The head as it goes on. `isEmpty`: no body follows although there could be one. */
function toPassedHead(head: AnswerHead, isEmpty: boolean): AnswerHead {
  // RFC 9110 §8.6: a 204 says no length.
  if (head.status === 204 && head.contentLengthBytes >= 0) return { ...head, contentLengthBytes: NOT_ANNOUNCED };
  return isEmpty && head.contentLengthBytes < 0 ? { ...head, contentLengthBytes: 0 } : head;
}
