/**
 * The client side of one HTTP/1.1 connection to an endpoint: one request at a time, reused while both sides agree. Answers
 * are checked as strictly as requests: an upstream may be broken or hostile too.
 */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { ByteStream, type SocketMaker, type StreamOwner } from '#net/byte-stream.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { encodeLastChunk } from '#wire/http1/encode.ts';
import { type Fault, faults } from '#wire/http1/faults.ts';
import { ResponseDecoder, type ResponseEvents } from '#wire/http1/response-decoder.ts';
import type { UpstreamResponseHead } from '#wire/http1/response-head.ts';
import { toCallLoss, toConnectLoss } from './connect-loss.ts';
import type { Exchange } from './exchange.ts';
import { encodeHttp1AttemptHead } from './http1-attempt-head.ts';
import { JoinedWriter } from './joined-writer.ts';
import {
  type AnswerEvents,
  type AnswerTimeouts,
  type AttemptHead,
  type TimeLimit,
  toTimeoutDetail,
  type UpstreamCall,
  type UpstreamTunnel,
} from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';

/** Where a connection goes when nobody uses it. */
export interface ConnectionHome {
  onConnectionFree(connection: Http1UpstreamConnection): void;
  onConnectionGone(connection: Http1UpstreamConnection): void;
}

export interface UpstreamConnectionServices {
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly connectLimit: TimeLimit;
  /** How long an unused connection is kept when the upstream gives no hint. */
  readonly idleMs: number;
}

const Waiting = { nothing: 0, connection: 1, answer: 2, more: 3, use: 4 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const decoderLimits = { headBytesMax: limits.headBytesMax, fieldCountMax: limits.fieldCountMax };
/** An upstream that closes idle connections after N seconds must not find us writing just then. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class Http1UpstreamConnection extends WheelTimer implements UpstreamCall, StreamOwner, ResponseEvents {
  readonly stream: ByteStream;
  readonly #out: JoinedWriter;
  readonly #services: UpstreamConnectionServices;
  readonly #home: ConnectionHome;
  readonly #decoder = new ResponseDecoder(decoderLimits, this);
  #events: AnswerEvents | undefined = undefined;
  /** Of the request under way. */
  #timeouts: AnswerTimeouts | undefined = undefined;
  #waiting: Waiting = Waiting.connection;
  #pending: Buffer | undefined = undefined;
  #sendsChunked = false;
  #isRequestSent = false;
  #hasAnswerBegun = false;
  #hasAnswerEnded = false;
  #trailers: string[] | undefined = undefined;
  #allowsReuse = false;
  #informationalCount = 0;
  #isDecoding = false;
  #hasEof = false;
  /** The client waits for leave to send its body. */
  #awaitsContinue = false;
  /** Answers that came over this connection so far. */
  answerCount = 0;
  isConnected = false;
  isGone = false;
  readonly mayRefuse = false;

  constructor(makeSocket: SocketMaker, services: UpstreamConnectionServices, home: ConnectionHome) {
    super();
    this.#services = services;
    this.#home = home;
    this.stream = new ByteStream(this, services.buffers, makeSocket);
    this.#out = new JoinedWriter(this.stream);
    const { socket } = this.stream;
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => this.#onConnected());
    services.wheel.arm(this, services.connectLimit.ms);
  }

  /** The idle time to use for the next wait: the upstream's `Keep-Alive` hint less a margin, at most ours. */
  idleMs = 0;

  get isReused(): boolean {
    return this.answerCount > 0;
  }

  send(events: AnswerEvents, exchange: Exchange, attempt: AttemptHead): void {
    const { request } = exchange;
    this.#events = events;
    this.#timeouts = attempt.timeouts;
    this.#awaitsContinue = request.expectsContinue;
    this.#sendsChunked = request.hasBody && request.contentLengthBytes < 0;
    this.#isRequestSent = false;
    this.#hasAnswerBegun = false;
    this.#hasAnswerEnded = false;
    this.#informationalCount = 0;
    this.#decoder.expect(attempt.method);
    this.#out.append(encodeHttp1AttemptHead(exchange, attempt, this.#sendsChunked));
    if (this.isConnected) this.#wait(Waiting.nothing);
  }

  sendChunk(view: Buffer): boolean {
    this.#awaitsContinue = false;
    const isTaken = this.#out.writeBody(view, this.#sendsChunked);
    this.#waitWhileSending();
    return isTaken;
  }

  flush(): boolean {
    const isTaken = this.#out.flush();
    this.#waitWhileSending();
    return isTaken;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    this.#isRequestSent = true;
    if (this.#sendsChunked) this.#out.append(encodeLastChunk(trailers));
    this.#out.flush();
    this.#waitWhileSending();
  }

  pauseAnswer(): void {
    this.#decoder.isHeld = true;
    this.stream.pause();
    if (this.#waiting === Waiting.more) this.#wait(Waiting.nothing);
  }

  resumeAnswer(): void {
    if (!this.#decoder.isHeld) return;
    this.#decoder.isHeld = false;
    if (this.#waiting === Waiting.nothing && this.#hasAnswerBegun) this.#wait(Waiting.more);
    if (this.#isDecoding) return;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) this.#decode(pending, pending.length);
    else if (this.#hasAnswerEnded) this.#finishAnswer(true);
    if (this.#decoder.isHeld || this.stream.isClosed) return;
    if (this.#hasEof) this.#finishAtEof();
    else this.stream.resume();
  }

  cancel(): void {
    this.#events = undefined;
    this.close();
  }

  /** Ends the connection. Its place in the pool is free at once, so that nobody is given it while it closes. */
  close(): void {
    this.stream.destroy();
    this.#leave();
  }

  takeTunnel(): UpstreamTunnel {
    this.#events = undefined;
    this.#services.wheel.remove(this);
    const pendingBytes = this.#pending;
    this.#pending = undefined;
    return { stream: this.stream, pendingBytes, onTunnelClosed: () => this.#leave() };
  }

  // Bytes from the upstream

  onBytes(bytes: Buffer, end: number): void {
    if (this.#events === undefined) return this.close();
    if (this.#pending !== undefined) this.#keepPending(bytes.subarray(0, end));
    else this.#decode(bytes, end);
  }

  onEof(): void {
    this.#hasEof = true;
    if (this.#pending !== undefined || this.#decoder.isHeld) return;
    this.#finishAtEof();
  }

  onDrained(): void {
    this.#waitWhileSending();
    this.#events?.onUpstreamDrained();
  }

  onClosed(error: Error | undefined): void {
    // First, so that a request which is repeated finds the place free.
    this.#leave();
    if (this.#events !== undefined) this.#fail(this.#toLoss(error));
  }

  override onDeadline(): void {
    switch (this.#waiting) {
      case Waiting.connection:
        return this.#failAndClose(upstreamErrors.connectTimeout(toTimeoutDetail(this.#services.connectLimit)));
      case Waiting.answer:
        return this.#failAndClose(upstreamErrors.firstByteTimeout(toTimeoutDetail(this.#timeouts!.firstByte)));
      case Waiting.more:
        return this.#failAndClose(upstreamErrors.idleTimeout(toTimeoutDetail(this.#timeouts!.idle)));
      default:
        this.close();
    }
  }

  // What the bytes mean

  onInformationalHead(head: UpstreamResponseHead): void {
    if (++this.#informationalCount > limits.informationalCountMax)
      return this.#failAndClose(upstreamErrors.tooManyInformational());
    if (head.status === 100) this.#awaitsContinue = false;
    this.#waitWhileSending();
    this.#events?.onInformational(head);
  }

  onResponseHead(head: UpstreamResponseHead): void {
    this.#hasAnswerBegun = true;
    this.answerCount += 1;
    this.#allowsReuse = head.allowsReuse && (head.isChunked || this.#decoder.remainingBytes !== Number.POSITIVE_INFINITY);
    this.idleMs = this.#toIdleMs(head.keepAlive);
    this.#wait(Waiting.more);
    if (this.#decoder.remainingBytes > limits.bodyBufferFromBytes) this.stream.startBodyBuffer();
    this.#events?.onUpstreamHead(head);
  }

  onBodyChunk(view: Buffer): void {
    if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
    this.#events?.onUpstreamChunk(view);
  }

  onBodyText(text: string): void {
    this.#events?.onUpstreamText(text);
  }

  onResponseEnd(trailers: string[] | undefined): void {
    this.#hasAnswerEnded = true;
    this.#trailers = trailers;
    this.stream.stopBodyBuffer('kept');
    this.#wait(Waiting.nothing);
  }

  onResponseFault(fault: Fault): void {
    const isSize = fault === 'headTooLarge' || fault === 'tooManyFields';
    const detail = { fault, meaning: faults[fault] };
    this.#failAndClose(isSize ? upstreamErrors.headTooLarge(detail) : upstreamErrors.malformedAnswer(detail));
  }

  // Inside

  #onConnected(): void {
    this.isConnected = true;
    if (this.#events === undefined) return;
    this.#events.onUpstreamConnected();
    this.#wait(Waiting.nothing);
    this.#waitWhileSending();
  }

  /**
   * The upstream has time from the last byte of the request on. Before that, the client is who is waited for, unless the
   * upstream does not take what is sent or has to say first whether it wants the body. An answer that streams beside its
   * request may stand still for as long as the request moves.
   */
  #waitWhileSending(): void {
    if (this.#waiting === Waiting.connection) return;
    if (this.#hasAnswerBegun) {
      if (this.#waiting === Waiting.more) this.#wait(Waiting.more);
    } else if (this.#isRequestSent || this.#awaitsContinue || this.stream.isWritePending) this.#wait(Waiting.answer);
    else if (this.#waiting === Waiting.answer) this.#wait(Waiting.nothing);
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { wheel } = this.#services;
    if (waiting === Waiting.nothing) wheel.disarm(this);
    else if (waiting === Waiting.answer) wheel.arm(this, this.#timeouts!.firstByte.ms);
    else if (waiting === Waiting.more) wheel.arm(this, this.#timeouts!.idle.ms);
    else if (waiting === Waiting.use) wheel.arm(this, this.idleMs);
  }

  #decode(bytes: Buffer, end: number): void {
    this.#isDecoding = true;
    const taken = this.#decoder.decode(bytes, 0, end);
    this.#isDecoding = false;
    if (this.#decoder.isHeld && !this.#hasAnswerEnded) {
      if (taken < end) this.#keepPending(bytes.subarray(taken, end));
      return;
    }
    if (this.#decoder.hasSwitched && taken < end) this.#pending = Buffer.from(bytes.subarray(taken, end));
    if (this.#hasAnswerEnded) this.#finishAnswer(taken === end);
    else this.#events?.onUpstreamFlush();
  }

  /** A view into our own body buffer stays as it is while reading is paused; one into the shared buffer must be copied. */
  #keepPending(rest: Buffer): void {
    if (this.#pending !== undefined) this.#pending = Buffer.concat([this.#pending, rest]);
    else this.#pending = this.#services.buffers.isShared(rest) ? Buffer.from(rest) : rest;
    this.stream.pause();
  }

  /** `isClean`: nothing came behind the answer. Bytes that belong to no request make the connection unusable. */
  #finishAnswer(isClean: boolean): void {
    const events = this.#events;
    this.#events = undefined;
    this.#hasAnswerEnded = false;
    // The client still has to take what lies in our read buffer, and the next read would go there.
    const isBufferInUse = this.#decoder.isHeld && !this.stream.isReading;
    this.#decoder.isHeld = false;
    const mayReuse = !isBufferInUse && isClean && this.#allowsReuse && this.#isRequestSent && !this.isGone && !this.#hasEof;
    if (mayReuse) {
      if (this.stream.isPaused) this.stream.resume();
      this.#wait(Waiting.use);
      this.#home.onConnectionFree(this);
    } else this.close();
    events?.onUpstreamEnd(this.#trailers);
  }

  #finishAtEof(): void {
    // The tunnel that is about to be made passes the end on.
    if (this.#decoder.hasSwitched) return;
    const fault = this.#decoder.finish();
    if (fault !== undefined) return this.#failAndClose(this.#toLoss(undefined));
    if (this.#hasAnswerEnded) this.#finishAnswer(true);
    else this.close();
  }

  #toIdleMs(hint: string | undefined): number {
    const { idleMs } = this.#services;
    const seconds = hint === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})/i.exec(hint)?.[1];
    if (seconds === undefined) return idleMs;
    const hintMs = Number(seconds) * 1000;
    return Math.min(idleMs, Math.max(hintMs - KEEP_ALIVE_MARGIN_MS, hintMs / 2));
  }

  #toLoss(error: Error | undefined): GatewayError {
    if (!this.isConnected) return toConnectLoss(error, { isSecure: 'encrypted' in this.stream.socket });
    const isBeingAnswered = this.#decoder.hasBegunHead || this.#informationalCount > 0;
    return toCallLoss(error, { hasAnswerBegun: this.#hasAnswerBegun, isBeingAnswered });
  }

  #failAndClose(error: GatewayError): void {
    this.close();
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onUpstreamError(error);
  }

  #leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#services.wheel.remove(this);
    this.#home.onConnectionGone(this);
  }
}
