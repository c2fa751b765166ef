import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import { takeOverSocket } from '#net/accept.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { encodeFields, encodeLastChunk, encodeStatusLine } from '#wire/http1/encode.ts';
import { type Fault, faults } from '#wire/http1/faults.ts';
import { RequestDecoder, type RequestEvents } from '#wire/http1/request-decoder.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import { PREFACE } from '#wire/http2/frame-types.ts';
import type { ClientConnection } from './client-connection.ts';
import { clientErrors } from './client-errors.ts';
import { ClientFacts } from './client-facts.ts';
import { type ClientSide, Exchange, type TunnelSide } from './exchange.ts';
import { Http1ClientRequest } from './http1-request.ts';
import { JoinedWriter } from './joined-writer.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import type { ServerServices, ServerSettings } from './server-settings.ts';
import { upstreamErrors } from './upstream-errors.ts';

/**
 * What the connection's one timer is for. `reader`: the client has to read what is written, whether or not an exchange
 * runs. `probe`: the answer is still to come, and the client, which has closed its side, may be gone.
 */
const Waiting = { nothing: 0, request: 1, head: 2, body: 3, reader: 4, linger: 5, probe: 6 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const noFields: readonly string[] = [];
const HTTP2_PREFACE = Buffer.from(PREFACE, 'latin1');

/** A client that is gone answers a probe with a reset, which takes one round trip to come. */
const PROBE_EVERY_MS = 250;
const NOT_ANNOUNCED = -1;
const NOT_BEGUN = -1;
const NOT_BEGUN_ASKED_AGAIN = -2;

export class Http1ClientConnection extends WheelTimer implements ClientConnection, StreamOwner, RequestEvents, ClientSide {
  readonly settings: ServerSettings;
  readonly facts: ClientFacts;
  readonly stream: ByteStream;
  readonly #out: JoinedWriter;
  readonly #services: ServerServices;
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
  /** What `content-length` of the answer says. */
  #announcedBytes = NOT_ANNOUNCED;
  #sendsBody = false;
  #isCloseDelimited = false;
  #hasEof = false;
  #isBodyHeld = false;
  #isRequestWhole = true;
  /** Bytes of a body that nobody wanted, read so that the connection can be kept. */
  #discardedBytes = 0;
  /** What the answer had come to when a half-closed client was last looked for. */
  #probedBytes = NOT_BEGUN;
  /** What the client had not taken when it was last looked at. */
  #unsentBytes = 0;
  /** No request is taken any more: what still comes is thrown away. */
  #isEnding = false;
  #isHandedOver = false;
  /** Until the first bytes are there, on listeners where HTTP/2 is spoken without TLS. */
  #mayBeHttp2: AcceptedConnection | undefined;
  /** The beginning of what may become the preface of HTTP/2. */
  #preface: Buffer | undefined = undefined;

  constructor(accepted: AcceptedConnection, settings: ServerSettings, services: ServerServices) {
    super();
    this.settings = settings;
    this.#services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    this.#mayBeHttp2 = settings.http2 !== undefined && !accepted.isSecure ? accepted : undefined;
    this.#decoder = new RequestDecoder(settings.decoderLimits, this);
    this.stream = new ByteStream(this, services.buffers, accepted.makeSocket);
    this.#out = new JoinedWriter(this.stream);
    services.wheel.arm(this, settings.headTimeoutMs);
  }

  get isIdle(): boolean {
    return this.#exchange === undefined && this.#waiting === Waiting.request;
  }

  drain(): void {
    this.#isDraining = true;
    if (this.isIdle && this.#decoder.isBetweenRequests) this.#lingerThenClose();
  }

  close(): void {
    this.stream.destroy();
  }

  // Bytes from the client

  onBytes(bytes: Buffer, end: number): void {
    if (this.#isEnding) return;
    if (this.#mayBeHttp2 !== undefined && this.#takePreface(this.#mayBeHttp2, bytes, end)) return;
    if (this.#pending !== undefined || this.#isDecoding) return this.#keepPending(bytes.subarray(0, end));
    const taken = this.#decode(bytes, end);
    if (taken < end && !this.#isEnding) this.#keepPending(bytes.subarray(taken, end));
  }

  onEof(): void {
    this.#hasEof = true;
    const exchange = this.#exchange;
    if (this.#isEnding) return;
    if (exchange === undefined) {
      if (this.#pending === undefined && !this.stream.isWritePending) this.#endAtEof();
    } else if (!this.#isRequestWhole) {
      if (this.#pending === undefined) this.#loseClient(exchange);
    } else this.#endRequests(exchange);
  }

  onDrained(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      if (this.#waiting === Waiting.reader) this.#waitForAnswer();
      exchange.onClientDrained();
    } else if (this.#isEnding) this.#linger();
    else if (!this.#isDecoding) this.#goOn();
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
        return this.#checkReader();
      case Waiting.linger:
        this.stream.destroy();
        return;
      case Waiting.probe:
        return this.#probe();
      default:
    }
  }

  // What the bytes mean

  onRequestHead(head: RequestHead): void {
    const { settings, facts } = this;
    this.#keepsAlive = head.allowsReuse && !this.#isDraining;
    this.#isRequestWhole = !head.hasBody;
    this.#discardedBytes = 0;
    this.#minorVersion = head.minorVersion;
    const request = new Http1ClientRequest(head, facts, settings.listener);
    const { clock, nextRequestId, owner } = this.#services;
    const requestId = facts.trustedRequestId(head) ?? nextRequestId();
    const exchange = new Exchange(this, owner, request, { requestId, startedMs: clock.monotonicMs() });
    this.#exchange = exchange;
    if (head.hasBody) this.#decoder.isHeld = this.#isBodyHeld = true;
    this.#probedBytes = NOT_BEGUN;
    this.#wait(this.#hasEof ? Waiting.probe : Waiting.nothing);
    const error = request.fault;
    if (error !== undefined) {
      this.#keepsAlive = false;
      owner.onRefusedRequest(exchange, error);
    } else owner.onExchange(exchange);
  }

  onBodyChunk(view: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#discardBody(view.length);
    if (this.#waiting === Waiting.body) this.#services.wheel.arm(this, this.settings.bodyIdleTimeoutMs);
    const refusal = exchange.takeRequestChunk(view);
    if (refusal !== undefined) this.#failExchange(refusal);
  }

  onRequestEnd(trailers: string[] | undefined): void {
    this.#isRequestWhole = true;
    // The next request may stand in the same read, and its body may be written while others read: the buffer goes with it.
    this.stream.stopBodyBuffer('in-use');
    const exchange = this.#exchange;
    if (exchange !== undefined && this.#waiting === Waiting.body) this.#waitForAnswer();
    if (exchange?.request.hasBody) exchange.endRequest(trailers);
  }

  onRequestFault(fault: Fault): void {
    if (this.#exchange === undefined) {
      // The request has had its answer; another would be taken for the next request's.
      return this.#isRequestWhole ? this.#refuse(undefined, fault) : this.#lingerThenClose();
    }
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
    // RFC 9110 §8.6: a 204 has no length.
    const whole = status === 204 ? undefined : response.messageText;
    let text = whole ?? encodeStatusLine(status) + (response.fieldText ?? encodeFields(response.fields));
    this.#announcedBytes = this.#sendsBody && contentLengthBytes !== undefined ? contentLengthBytes : NOT_ANNOUNCED;
    if (contentLengthBytes !== undefined) {
      if (whole === undefined && status !== 204) text += `content-length: ${contentLengthBytes}\r\n`;
      if (contentLengthBytes === 0) this.#sendsBody = false;
      this.#sendsChunked = false;
    } else {
      this.#sendsChunked = this.#sendsBody && minorVersion === 1;
      if (this.#sendsChunked) text += 'transfer-encoding: chunked\r\n';
    }
    this.#isCloseDelimited = this.#sendsBody && contentLengthBytes === undefined && !this.#sendsChunked;
    if (this.#isCloseDelimited || this.#isDraining || this.#leavesRest(exchange)) this.#keepsAlive = false;
    text += this.#encodeOwnFields(response) + exchange.requestId;
    if (!this.#keepsAlive) text += '\r\nconnection: close\r\n\r\n';
    else text += minorVersion === 0 ? '\r\nconnection: keep-alive\r\n\r\n' : '\r\n\r\n';
    this.#out.append(text);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#sendsBody || view.length === 0) return true;
    if (this.#exceedsLength(view.length)) return this.#failLength();
    return this.#out.writeBody(view, this.#sendsChunked) || this.#waitForReader();
  }

  sendText(text: string): boolean {
    if (!this.#sendsBody || text === '') return true;
    if (this.#exceedsLength(text.length)) return this.#failLength();
    this.#out.appendBody(text, this.#sendsChunked);
    return true;
  }

  flush(): boolean {
    return this.#out.flush() || this.#waitForReader();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const { responseBytes } = this.#exchange!;
    if (this.#announcedBytes !== NOT_ANNOUNCED && responseBytes !== this.#announcedBytes) {
      this.#failLength();
      return;
    }
    if (this.#sendsChunked) this.#out.append(encodeLastChunk(trailers));
    this.flush();
    this.#finishExchange();
  }

  #exceedsLength(bytes: number): boolean {
    const exchange = this.#exchange!;
    exchange.responseBytes += bytes;
    return exchange.responseBytes > this.#announcedBytes && this.#announcedBytes !== NOT_ANNOUNCED;
  }

  /** More or less than was announced would be taken for another answer, or keep the client waiting: the connection ends. */
  #failLength(): true {
    const { responseBytes } = this.#exchange!;
    this.#failExchange(upstreamErrors.truncatedBody({ announcedBytes: this.#announcedBytes, responseBytes }));
    return true;
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#stopTaking();
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
    if (this.#isDecoding) return;
    if (this.#pending === undefined) this.#exchange?.flushRequest();
    this.#decodePending();
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    const exchange = this.#exchange!;
    this.#isHandedOver = true;
    exchange.isTunnel = true;
    this.#services.wheel.remove(this);
    const text = encodeStatusLine(response.status) + encodeFields(response.fields) + this.#encodeOwnFields(response);
    this.stream.write(`${text}${exchange.requestId}\r\nconnection: upgrade\r\n\r\n`);
    const pendingBytes = this.#pending;
    this.#pending = undefined;
    return {
      stream: this.stream,
      pendingBytes,
      idleMs: this.settings.tunnelIdleMs,
      onTunnelClosed: () => this.#endTunnel(exchange),
    };
  }

  describeClient(): ProxiedClient {
    return this.facts.describe(this.stream.socket);
  }

  // Inside

  /** RFC 9113 §3.4: what a client says first that knows HTTP/2 to be spoken here. */
  #takePreface(accepted: AcceptedConnection, bytes: Buffer, end: number): boolean {
    const early = this.#preface === undefined ? bytes.subarray(0, end) : Buffer.concat([this.#preface, bytes.subarray(0, end)]);
    const length = Math.min(early.length, HTTP2_PREFACE.length);
    const isPreface = early.compare(HTTP2_PREFACE, 0, length, 0, length) === 0;
    if (isPreface && length < HTTP2_PREFACE.length) {
      this.#preface = Buffer.from(early);
      return true;
    }
    this.#mayBeHttp2 = undefined;
    this.#preface = undefined;
    if (!isPreface) {
      if (early.length === end) return false;
      this.onBytes(early, early.length);
      return true;
    }
    this.#isHandedOver = true;
    this.#stopTaking();
    this.#services.wheel.remove(this);
    const makeSocket = takeOverSocket(this.stream.socket, Buffer.from(early));
    this.#services.owner.onHttp2(this, { ...accepted, protocol: 'http2', makeSocket });
    return true;
  }

  /** The gateway's own fields, up to the request id. */
  #encodeOwnFields(response: ResponseHead): string {
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    const hasDate = response.hasDate ?? hasField(response.fields, 'date');
    return hasDate ? 'x-request-id: ' : `date: ${this.#services.date.now()}\r\nx-request-id: `;
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    if (waiting === Waiting.reader) this.#unsentBytes = this.stream.unsentBytes;
    const { wheel } = this.#services;
    const { settings } = this;
    if (waiting === Waiting.nothing) wheel.disarm(this);
    else if (waiting === Waiting.request) wheel.arm(this, settings.keepAliveTimeoutMs);
    else if (waiting === Waiting.head) wheel.arm(this, settings.headTimeoutMs);
    else if (waiting === Waiting.linger) wheel.arm(this, settings.lingerMs);
    else if (waiting === Waiting.probe) wheel.arm(this, this.#exchange?.hasResponseBegun ? settings.lingerMs : PROBE_EVERY_MS);
    else wheel.arm(this, settings.bodyIdleTimeoutMs);
  }

  #waitForReader(): false {
    this.#wait(Waiting.reader);
    return false;
  }

  /** A client that is only slow has taken some of what waits. */
  #checkReader(): void {
    if (this.stream.unsentBytes < this.#unsentBytes) this.#wait(Waiting.reader);
    else if (this.#exchange === undefined) this.stream.destroy();
    else this.#failExchange(clientErrors.replyTimeout({ timeoutMs: this.settings.bodyIdleTimeoutMs }));
  }

  /** The client has read everything, and the answer is not complete. */
  #waitForAnswer(): void {
    if (!this.#isRequestWhole && !this.#isBodyHeld) this.#wait(Waiting.body);
    else this.#wait(this.#hasEof ? Waiting.probe : Waiting.nothing);
  }

  /** Decodes as much as may be decoded now and returns how many bytes were taken. */
  #decode(bytes: Buffer, end: number): number {
    this.#isDecoding = true;
    let position = this.#decoder.decode(bytes, 0, end);
    while (position < end && this.#mayStartNext()) position = this.#decoder.decode(bytes, position, end);
    this.#isDecoding = false;
    if (this.#exchange === undefined) {
      if (!this.#isEnding) this.#waitForMore();
    } else if (!this.#isRequestWhole) this.#exchange.flushRequest();
    return position;
  }

  #mayStartNext(): boolean {
    if (this.#exchange !== undefined || this.#isEnding || !this.#decoder.isComplete) return false;
    // A client that does not read its answers gets no more of them: what is written stays bounded.
    if (this.stream.isWritePending) return false;
    this.#decoder.startNext();
    return true;
  }

  /** Nothing is being answered: wait until the last answer is read, then for a request or for the rest of one. */
  #waitForMore(): void {
    if (this.stream.isWritePending) {
      if (this.#waiting !== Waiting.reader) this.#wait(Waiting.reader);
      return;
    }
    if (this.#decoder.isComplete) this.#decoder.startNext();
    if (this.#decoder.isBetweenRequests) {
      if (this.#isDraining) this.#lingerThenClose();
      else if (this.#waiting !== Waiting.request) this.#wait(Waiting.request);
    } else if (this.#decoder.isReadingBody) {
      if (this.#waiting !== Waiting.body) this.#wait(Waiting.body);
    } else if (this.#waiting !== Waiting.head) this.#wait(Waiting.head);
  }

  #keepPending(rest: Buffer): void {
    this.#pending = this.#pending === undefined ? Buffer.from(rest) : Buffer.concat([this.#pending, rest]);
    if (this.#pending.length >= limits.pipelinedBytesMax || this.#isBodyHeld) this.stream.pause();
  }

  #decodePending(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) {
      const taken = this.#decode(pending, pending.length);
      if (this.#isEnding) return;
      if (taken < pending.length) {
        this.#pending = pending.subarray(taken);
        return;
      }
    }
    if (this.#isBodyHeld) return;
    const exchange = this.#exchange;
    if (!this.#hasEof) this.stream.resume();
    else if (exchange === undefined) this.#goOn();
    else if (!this.#isRequestWhole) this.#loseClient(exchange);
  }

  #finishExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#isBodyHeld = this.#decoder.isHeld = false;
    exchange.finish(this.#services.clock.monotonicMs());
    if (!this.#keepsAlive || this.#isDraining || !this.#mayDiscardRest(exchange)) this.#lingerThenClose();
    else if (!this.#isDecoding) this.#goOn();
  }

  /** An answer is complete and the connection stays: go on with what the client has sent behind the request, or wait for it. */
  #goOn(): void {
    this.#waitForMore();
    if (this.stream.isWritePending || this.#isEnding) return;
    if (this.#pending !== undefined) this.#decodePending();
    else if (this.#hasEof) this.#endAtEof();
    else this.stream.resume();
  }

  /** The answer begins, the request is not whole, and it is plain that nobody will read the rest. */
  #leavesRest(exchange: Exchange): boolean {
    const isUndecided = exchange.source !== undefined && (exchange.requestBytes > 0 || !exchange.request.expectsContinue);
    return !isUndecided && !this.#mayDiscardRest(exchange);
  }

  /**
   * An early answer leaves a body unread. A short one is read to its end, and one of unknown length for as long as it is
   * short; not one that the client may have chosen not to send.
   */
  #mayDiscardRest({ request, requestBytes }: Exchange): boolean {
    if (this.#isRequestWhole) return true;
    if (request.expectsContinue && requestBytes === 0) return false;
    return request.contentLengthBytes - requestBytes <= limits.discardedBodyBytesMax;
  }

  #discardBody(bytes: number): void {
    this.#discardedBytes += bytes;
    if (this.#discardedBytes > limits.discardedBodyBytesMax) this.#lingerThenClose();
  }

  /** The client has sent its end, and no request of it is open: it may have been cut short in the middle of one. */
  #endAtEof(): void {
    const fault = this.#decoder.finish();
    // The rest of a body whose request has had its answer is missed by nobody.
    if (fault === undefined || !this.#isRequestWhole) this.#lingerThenClose();
    else this.#refuse(undefined, fault);
  }

  /**
   * RFC 9112 §9.6: closing while the client still sends would reset the connection and could destroy the answer on its
   * way. So our side ends first, once the client has taken the answer, and what still comes is thrown away for a while.
   */
  #lingerThenClose(): void {
    if (this.stream.isClosed || this.#isEnding) return;
    this.#stopTaking();
    this.stream.stopBodyBuffer('in-use');
    this.stream.resume();
    if (this.stream.isWritePending) this.#wait(Waiting.reader);
    else this.#linger();
  }

  #linger(): void {
    this.stream.end();
    this.#wait(Waiting.linger);
  }

  #stopTaking(): void {
    this.#isEnding = true;
    this.#keepsAlive = false;
    this.#pending = undefined;
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
    source?.onClientGone();
    if (this.#exchange !== exchange) return;
    if (exchange.hasResponseBegun || error.status === 499) this.abort();
    else this.#services.owner.onRefusedRequest(exchange, error);
  }

  /**
   * The client has closed its side with a whole request behind it. Whether it still reads shows only when we write
   * something that means nothing (docs/decisions/0004-half-closed-clients.md).
   */
  #endRequests(exchange: Exchange): void {
    if (this.#pending === undefined) this.#keepsAlive = false;
    if (exchange.hasResponseBegun) this.#probedBytes = exchange.responseBytes;
    else this.sendInformational(100, noFields);
    if (this.#waiting !== Waiting.reader) this.#wait(Waiting.probe);
  }

  /** An answer that flows finds out by itself whether somebody reads it; one that stands still is given up. */
  #probe(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const { hasResponseBegun, responseBytes } = exchange;
    if (hasResponseBegun && responseBytes === this.#probedBytes) return this.#loseClient(exchange);
    if (!this.stream.probe() && !hasResponseBegun && this.#probedBytes === NOT_BEGUN) {
      // Over TLS a reset shows only to who sends something again. Once: the rest is for the answer to find out.
      this.sendInformational(100, noFields);
      this.#probedBytes = NOT_BEGUN_ASKED_AGAIN;
    }
    if (hasResponseBegun) this.#probedBytes = responseBytes;
    this.#wait(Waiting.probe);
  }

  #loseClient(exchange: Exchange): void {
    this.#exchange = undefined;
    this.#stopTaking();
    const error = clientErrors.gone();
    exchange.error ??= error;
    if (!exchange.hasResponseBegun) exchange.status = error.status;
    const source = exchange.source;
    exchange.source = undefined;
    source?.onClientGone();
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
