/**
 * The server side of one HTTP/1.1 connection: requests in, one at a time and in order, answers out. An answer's head waits
 * for the first piece of its body, so that a small answer is one write. Everything that arrives is attacker-controlled.
 */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ReadBuffers } from '#net/read-buffers.ts';
import { encodeFields, encodeLastChunk, encodeStatusLine } from '#wire/http1/encode.ts';
import { type Fault, faults } from '#wire/http1/faults.ts';
import { RequestDecoder, type RequestDecoderLimits, type RequestEvents } from '#wire/http1/request-decoder.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { clientErrors } from './client-errors.ts';
import { ClientFacts, type ForwardingSettings } from './client-facts.ts';
import { type ClientSide, Exchange, type ExchangeObserver, type TunnelSide } from './exchange.ts';
import type { HttpDate } from './http-date.ts';
import { toClientRequest } from './http1-request.ts';
import { JoinedWriter } from './joined-writer.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';

/** What the connections of one listener and thread share. */
export interface Http1ServerSettings {
  readonly listener: string;
  readonly decoderLimits: RequestDecoderLimits;
  readonly forwarding: ForwardingSettings;
  /** From the first byte of a head to its last. */
  readonly headTimeoutMs: number;
  /** Between two pieces of a body, in either direction, while the client is the one who is waited for. */
  readonly bodyIdleTimeoutMs: number;
  /** Between two requests. */
  readonly keepAliveTimeoutMs: number;
  /** A tunnel in which nothing moves for this long is ended. */
  readonly tunnelIdleMs: number;
  /** After an answer that came before the request was whole: how long the rest is read and thrown away. */
  readonly lingerMs: number;
}

export interface Http1ServerServices {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly buffers: ReadBuffers;
  readonly date: HttpDate;
  readonly nextRequestId: () => string;
  readonly owner: ConnectionOwner;
}

/** Who is told what happens on a connection. */
export interface ConnectionOwner extends ExchangeObserver {
  /** A request's head is there. Its answer may be given at once or later. */
  onExchange(exchange: Exchange): void;
  /** A request that never became an exchange was refused; `exchange` is only for the reply and the log. */
  onRefusedRequest(exchange: Exchange, error: GatewayError): void;
  onConnectionClosed(connection: Http1ClientConnection): void;
}

const Waiting = { nothing: 0, request: 1, head: 2, body: 3, reader: 4, linger: 5 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const LINGER_BYTES_MAX = 1024 * 1024;

export class Http1ClientConnection extends WheelTimer implements StreamOwner, RequestEvents, ClientSide {
  readonly settings: Http1ServerSettings;
  readonly facts: ClientFacts;
  readonly stream: ByteStream;
  readonly #out: JoinedWriter;
  readonly #services: Http1ServerServices;
  readonly #decoder: RequestDecoder;
  #exchange: Exchange | undefined = undefined;
  #waiting: Waiting = Waiting.request;
  /** Bytes that came before they could be decoded: pipelined requests, or a body whose taker is not ready. */
  #pending: Buffer | undefined = undefined;
  #minorVersion = 1;
  #keepsAlive = true;
  #isDraining = false;
  #isDecoding = false;
  #sendsChunked = false;
  #sendsBody = false;
  #isCloseDelimited = false;
  #hasEof = false;
  #isBodyHeld = false;
  #isRequestWhole = false;
  #lingerBytes = 0;
  #isHandedOver = false;

  constructor(accepted: AcceptedConnection, settings: Http1ServerSettings, services: Http1ServerServices) {
    super();
    this.settings = settings;
    this.#services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    this.#decoder = new RequestDecoder(settings.decoderLimits, this);
    this.stream = new ByteStream(this, services.buffers, accepted.makeSocket);
    this.#out = new JoinedWriter(this.stream);
    services.wheel.arm(this, settings.headTimeoutMs);
  }

  get isIdle(): boolean {
    return this.#exchange === undefined && this.#waiting === Waiting.request;
  }

  /** Finishes what runs, then closes; an idle connection closes now. */
  drain(): void {
    this.#isDraining = true;
    if (this.isIdle && this.#decoder.isBetweenRequests) this.#lingerThenClose();
  }

  /** Ends the connection whatever it does. */
  close(): void {
    this.stream.destroy();
  }

  // Bytes from the client

  onBytes(view: Buffer): void {
    if (this.#waiting === Waiting.linger) return this.#discard(view.length);
    if (this.#pending !== undefined || this.#isDecoding) return this.#keepPending(view, 0);
    const taken = this.#decode(view);
    if (taken < view.length && !this.stream.isClosed) this.#keepPending(view, taken);
  }

  onEof(): void {
    this.#hasEof = true;
    const exchange = this.#exchange;
    if (this.#waiting === Waiting.linger || exchange === undefined) {
      const fault = this.#decoder.finish();
      if (fault !== undefined && this.#waiting !== Waiting.linger) this.#refuse(undefined, fault);
      else this.stream.end();
      return;
    }
    if (!this.#isRequestWhole && this.#pending === undefined) return this.#loseClient(exchange);
    // The client has closed its side with a whole request behind it. Whether it still reads shows only when we write
    // (docs/decisions/0004-half-closed-clients.md).
    this.#keepsAlive = false;
    if (exchange.hasResponseBegun || this.#isHandedOver) this.#loseClient(exchange);
    else if (this.#minorVersion === 1) this.stream.write(`${encodeStatusLine(100)}\r\n`);
  }

  onDrained(): void {
    if (this.#waiting === Waiting.reader) this.#wait(Waiting.nothing);
    this.#exchange?.source?.onClientDrained();
  }

  onClosed(_error: Error | undefined): void {
    this.#services.wheel.remove(this);
    const exchange = this.#exchange;
    this.#pending = undefined;
    if (exchange !== undefined && !this.#isHandedOver) this.#loseClient(exchange);
    if (!this.#isHandedOver) this.#services.owner.onConnectionClosed(this);
  }

  override onDeadline(): void {
    switch (this.#waiting) {
      case Waiting.request:
      case Waiting.head:
        // RFC 9110 §15.5.9: a client that has begun to speak is told; one that is only idle is not.
        if (this.#decoder.isBetweenRequests) this.stream.destroy();
        else this.#refuse(clientErrors.headTimeout({ timeoutMs: this.settings.headTimeoutMs }), undefined);
        return;
      case Waiting.body:
        if (this.#exchange === undefined) return this.stream.destroy();
        return this.#failExchange(clientErrors.bodyTimeout({ timeoutMs: this.settings.bodyIdleTimeoutMs }));
      case Waiting.reader:
        return this.#failExchange(clientErrors.replyTimeout({ timeoutMs: this.settings.bodyIdleTimeoutMs }));
      case Waiting.linger:
        this.stream.destroy();
        return;
      default:
    }
  }

  // What the bytes mean

  onRequestHead(head: RequestHead): void {
    const { settings, facts } = this;
    this.#keepsAlive = head.allowsReuse && !this.#isDraining && !this.#hasEof;
    this.#isRequestWhole = !head.hasBody;
    this.#minorVersion = head.minorVersion;
    const request = toClientRequest(head, facts, settings);
    const { clock, nextRequestId, owner } = this.#services;
    const requestId = facts.trustedRequestId(head) ?? nextRequestId();
    const exchange = new Exchange(this, owner, request, { requestId, startedMs: clock.monotonicMs() });
    this.#exchange = exchange;
    if (head.hasBody) this.#decoder.isHeld = this.#isBodyHeld = true;
    this.#wait(Waiting.nothing);
    const error = request.fault;
    if (error !== undefined) {
      this.#keepsAlive = false;
      owner.onRefusedRequest(exchange, error);
    } else owner.onExchange(exchange);
  }

  onBodyChunk(view: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.requestBytes += view.length;
    if (this.#waiting === Waiting.body) this.#services.wheel.arm(this, this.settings.bodyIdleTimeoutMs);
    const shape = exchange.plan?.shapeRequestChunk;
    if (shape === undefined) {
      exchange.source?.onRequestChunk(view);
      return;
    }
    const shaped = shape.call(exchange.plan, exchange, view);
    if (Buffer.isBuffer(shaped)) exchange.source?.onRequestChunk(shaped);
    else this.#failExchange(shaped);
  }

  onRequestEnd(trailers: string[] | undefined): void {
    this.#isRequestWhole = true;
    this.stream.stopBodyBuffer(false);
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
    const exchange = this.#exchange;
    if (exchange?.request.hasBody) exchange.source?.onRequestEnd(trailers);
  }

  onRequestFault(fault: Fault): void {
    if (this.#exchange === undefined) return this.#refuse(undefined, fault);
    this.#failExchange(clientErrors.malformedBody({ fault }, { publicDetail: faults[fault] }));
  }

  // What the exchange wants done

  sendInformational(status: number, fields: readonly string[]): void {
    if (this.#minorVersion !== 1 || this.stream.isClosed) return;
    this.stream.write(`${encodeStatusLine(status)}${encodeFields(fields)}\r\n`);
  }

  sendHead(response: ResponseHead): void {
    const exchange = this.#exchange!;
    const minorVersion = this.#minorVersion;
    const { status, contentLengthBytes } = response;
    this.#sendsBody = hasResponseBody(exchange.request.method, status);
    let text = encodeStatusLine(status) + this.#encodeEndToEnd(response, exchange.requestId);
    if (contentLengthBytes !== undefined) {
      if (status !== 204) text += `content-length: ${contentLengthBytes}\r\n`;
      if (contentLengthBytes === 0) this.#sendsBody = false;
      this.#sendsChunked = false;
    } else {
      this.#sendsChunked = this.#sendsBody && minorVersion === 1;
      if (this.#sendsChunked) text += 'transfer-encoding: chunked\r\n';
    }
    this.#isCloseDelimited = this.#sendsBody && contentLengthBytes === undefined && !this.#sendsChunked;
    // The request is not whole and nobody reads the rest: the connection cannot be used again.
    if (this.#isCloseDelimited || (exchange.source === undefined && !this.#isRequestWhole && exchange.request.hasBody))
      this.#keepsAlive = false;
    if (this.#isDraining) this.#keepsAlive = false;
    if (!this.#keepsAlive) text += 'connection: close\r\n\r\n';
    else text += minorVersion === 0 ? 'connection: keep-alive\r\n\r\n' : '\r\n';
    this.#out.append(text);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#sendsBody || view.length === 0) return true;
    this.#exchange!.responseBytes += view.length;
    return this.#out.writeBody(view, this.#sendsChunked) || this.#waitForReader();
  }

  flush(): boolean {
    return this.#out.flush() || this.#waitForReader();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (this.#sendsChunked) this.#out.append(encodeLastChunk(trailers));
    this.flush();
    this.#finishExchange();
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    if (this.#isCloseDelimited) this.stream.reset();
    else {
      this.flush();
      this.stream.destroy();
    }
    exchange.finish(this.#services.clock.monotonicMs());
  }

  pauseRequestBody(): void {
    this.#isBodyHeld = this.#decoder.isHeld = true;
    this.stream.pause();
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
  }

  resumeRequestBody(): void {
    if (!this.#isBodyHeld) return;
    this.#isBodyHeld = this.#decoder.isHeld = false;
    if (this.#waiting === Waiting.nothing && !this.#isRequestWhole) this.#wait(Waiting.body);
    if (this.#decoder.remainingBytes > limits.bodyBufferFromBytes) this.stream.startBodyBuffer();
    if (!this.#isDecoding) this.#decodePending();
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    const exchange = this.#exchange!;
    this.#isHandedOver = true;
    exchange.isTunnel = true;
    this.#services.wheel.remove(this);
    const text = encodeStatusLine(response.status) + this.#encodeEndToEnd(response, exchange.requestId);
    this.stream.write(`${text}connection: upgrade\r\n\r\n`);
    const pendingBytes = this.#pending;
    this.#pending = undefined;
    return {
      stream: this.stream,
      pendingBytes,
      idleMs: this.settings.tunnelIdleMs,
      onTunnelClosed: () => this.#endTunnel(exchange),
    };
  }

  // Inside

  #encodeEndToEnd(response: ResponseHead, requestId: string): string {
    const { fields } = response;
    let text = '';
    let hasDate = false;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (name === 'date') hasDate = true;
      text += `${name}: ${fields[i + 1]}\r\n`;
    }
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    if (!hasDate) text += `date: ${this.#services.date.now()}\r\n`;
    return `${text}x-request-id: ${requestId}\r\n`;
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { wheel } = this.#services;
    const { settings } = this;
    if (waiting === Waiting.nothing) wheel.disarm(this);
    else if (waiting === Waiting.request) wheel.arm(this, settings.keepAliveTimeoutMs);
    else if (waiting === Waiting.head) wheel.arm(this, settings.headTimeoutMs);
    else if (waiting === Waiting.linger) wheel.arm(this, settings.lingerMs);
    else wheel.arm(this, settings.bodyIdleTimeoutMs);
  }

  #waitForReader(): false {
    if (this.#waiting !== Waiting.linger) this.#wait(Waiting.reader);
    return false;
  }

  /** Decodes as much as may be decoded now and returns how many bytes were taken. */
  #decode(bytes: Buffer): number {
    this.#isDecoding = true;
    let position = this.#decoder.decode(bytes, 0, bytes.length);
    while (position < bytes.length && this.#mayStartNext()) position = this.#decoder.decode(bytes, position, bytes.length);
    this.#isDecoding = false;
    if (this.#exchange === undefined && !this.stream.isClosed) this.#restOrWaitForHead();
    return position;
  }

  #mayStartNext(): boolean {
    if (this.#exchange !== undefined || !this.#keepsAlive || !this.#decoder.isComplete) return false;
    this.#decoder.startNext();
    return true;
  }

  /** Nothing is being answered: wait for a request, or for the rest of one that has begun. */
  #restOrWaitForHead(): void {
    if (this.#waiting === Waiting.linger) return;
    if (this.#decoder.isComplete && this.#keepsAlive) this.#decoder.startNext();
    if (this.#decoder.isBetweenRequests) {
      if (this.#waiting !== Waiting.request) this.#wait(Waiting.request);
    } else if (this.#waiting !== Waiting.head && !this.#decoder.hasFailed) this.#wait(Waiting.head);
  }

  #keepPending(view: Buffer, start: number): void {
    const rest = view.subarray(start);
    this.#pending = this.#pending === undefined ? Buffer.from(rest) : Buffer.concat([this.#pending, rest]);
    if (this.#pending.length >= limits.pipelinedBytesMax || this.#isBodyHeld) this.stream.pause();
  }

  #decodePending(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) {
      const taken = this.#decode(pending);
      if (taken < pending.length) {
        this.#keepPending(pending, taken);
        return;
      }
    }
    if (this.stream.isClosed || this.#isBodyHeld) return;
    if (!this.#hasEof) this.stream.resume();
    else if (this.#exchange === undefined) this.stream.end();
    else if (!this.#isRequestWhole) this.#loseClient(this.#exchange);
  }

  #finishExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#isBodyHeld = this.#decoder.isHeld = false;
    exchange.finish(this.#services.clock.monotonicMs());
    if (!this.#keepsAlive || this.stream.isClosed || !this.#mayDiscardRest(exchange)) return this.#lingerThenClose();
    if (!this.#isRequestWhole) this.#wait(Waiting.body);
    if (this.#isDecoding) return;
    if (!this.#isRequestWhole) return this.#decodePending();
    this.#decoder.startNext();
    this.#wait(Waiting.request);
    if (this.#pending !== undefined) this.#decodePending();
    else if (this.#hasEof) this.stream.end();
    else if (this.stream.isPaused) this.stream.resume();
  }

  /** An early answer leaves a body unread. A short one is read to its end, unless the client may have chosen not to send it. */
  #mayDiscardRest(exchange: Exchange): boolean {
    if (this.#isRequestWhole) return true;
    const { contentLengthBytes, expectsContinue } = exchange.request;
    return (
      !expectsContinue && contentLengthBytes >= 0 && contentLengthBytes - exchange.requestBytes <= limits.discardedBodyBytesMax
    );
  }

  /**
   * RFC 9112 §9.6: closing while the client still sends would reset the connection and could destroy the answer on its
   * way. So our side ends first, and what still comes is thrown away for a while.
   */
  #lingerThenClose(): void {
    if (this.stream.isClosed) return;
    this.stream.end();
    this.stream.stopBodyBuffer(false);
    this.#pending = undefined;
    if (this.#hasEof) return;
    this.#wait(Waiting.linger);
    this.stream.resume();
  }

  #discard(bytes: number): void {
    this.#lingerBytes += bytes;
    if (this.#lingerBytes > LINGER_BYTES_MAX) this.stream.destroy();
  }

  /** Answers bytes that are no request, as far as a request can be made out at all. */
  #refuse(error: GatewayError | undefined, fault: Fault | undefined): void {
    this.#keepsAlive = false;
    this.#isRequestWhole = false;
    const { clock, nextRequestId, owner } = this.#services;
    const request = this.facts.unknownRequest(this.settings.listener);
    const exchange = new Exchange(this, owner, request, { requestId: nextRequestId(), startedMs: clock.monotonicMs() });
    this.#exchange = exchange;
    owner.onRefusedRequest(exchange, error ?? toRefusal(fault!));
  }

  #failExchange(error: GatewayError): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#keepsAlive = false;
    const source = exchange.source;
    exchange.source = undefined;
    exchange.error ??= error;
    source?.onClientGone(error);
    if (this.#exchange !== exchange) return;
    if (exchange.hasResponseBegun || error.status === 499) this.abort();
    else this.#services.owner.onRefusedRequest(exchange, error);
  }

  #loseClient(exchange: Exchange): void {
    this.#exchange = undefined;
    const error = clientErrors.gone();
    exchange.error ??= error;
    const source = exchange.source;
    exchange.source = undefined;
    source?.onClientGone(error);
    this.stream.destroy();
    exchange.finish(this.#services.clock.monotonicMs());
  }

  #endTunnel(exchange: Exchange): void {
    this.#exchange = undefined;
    exchange.finish(this.#services.clock.monotonicMs());
    this.#services.owner.onConnectionClosed(this);
  }
}

function toRefusal(fault: Fault): GatewayError {
  const options = { publicDetail: faults[fault] };
  if (fault === 'headTooLarge' || fault === 'tooManyFields') return clientErrors.headTooLarge({ fault }, options);
  if (fault === 'targetTooLong') return clientErrors.targetTooLong({ fault });
  if (fault === 'transferEncoding') return clientErrors.transferCoding({ fault });
  if (fault === 'version') return clientErrors.version({ fault });
  return clientErrors.malformedRequest({ fault }, options);
}
