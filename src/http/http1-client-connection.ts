import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import { ByteStream, type StreamOwner } from '#net/byte-stream.ts';
import type { AcceptedConnection } from '#net/listener.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { type Fault, faults } from '#wire/http1/faults.ts';
import { RequestDecoder, type RequestEvents } from '#wire/http1/request-decoder.ts';
import type { RequestHead } from '#wire/http1/request-head.ts';
import type { ClientConnection } from './client-connection.ts';
import { clientErrors } from './client-errors.ts';
import { ClientFacts } from './client-facts.ts';
import { type ClientSide, Exchange, type TunnelSide } from './exchange.ts';
import { HalfClosedClient, PROBE_EVERY_MS } from './half-closed-client.ts';
import { Http1AnswerWriter } from './http1-answer-writer.ts';
import { Http1ClientRequest } from './http1-request.ts';
import { type Http1ReceiverHome, Http1RequestReceiver } from './http1-request-receiver.ts';
import { Http2Preface } from './http2-preface.ts';
import type { ResponseHead } from './response.ts';
import type { ServerServices, ServerSettings } from './server-settings.ts';
import { upstreamErrors } from './upstream-errors.ts';

/**
 * What the connection's one timer is for. `reader`: the client has to read what is written, whether or not an exchange
 * runs. `probe`: the answer is still to come, and the client, which has closed its side, may be gone.
 */
const Waiting = { nothing: 0, request: 1, head: 2, body: 3, reader: 4, linger: 5, probe: 6 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const noFields: readonly string[] = [];

export class Http1ClientConnection
  extends WheelTimer
  implements ClientConnection, StreamOwner, Http1ReceiverHome, RequestEvents, ClientSide
{
  readonly settings: ServerSettings;
  readonly facts: ClientFacts;
  readonly stream: ByteStream;
  readonly #services: ServerServices;
  readonly #decoder: RequestDecoder;
  readonly #receiver: Http1RequestReceiver;
  readonly #writer: Http1AnswerWriter;
  #exchange: Exchange | undefined = undefined;
  #waiting: Waiting = Waiting.request;
  #keepsAlive = true;
  #isDraining = false;
  #isRequestWhole = true;
  /** Bytes of a body that nobody wanted, read so that the connection can be kept. */
  #discardedBytes = 0;
  /** What the client had not taken when it was last looked at. */
  #unsentBytes = 0;
  /** From the client's last byte on. */
  #halfClosed: HalfClosedClient | undefined = undefined;
  /** No request is taken any more: what still comes is thrown away. */
  isEnding = false;
  #isHandedOver = false;
  /** Until the first bytes are there, on listeners where HTTP/2 is spoken without TLS. */
  #preface: Http2Preface | undefined;

  constructor(accepted: AcceptedConnection, settings: ServerSettings, services: ServerServices) {
    super();
    this.settings = settings;
    this.#services = services;
    this.facts = new ClientFacts(accepted, settings.forwarding);
    this.#preface = settings.http2 !== undefined && !accepted.isSecure ? new Http2Preface(accepted) : undefined;
    this.stream = new ByteStream(this, services.buffers, accepted.makeSocket);
    this.#decoder = new RequestDecoder(settings.decoderLimits, this);
    this.#receiver = new Http1RequestReceiver(this, this.stream, this.#decoder);
    this.#writer = new Http1AnswerWriter(this.stream, services.date);
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
    if (this.isEnding) return;
    if (this.#preface !== undefined && this.#takePreface(this.#preface, bytes, end)) return;
    this.#receiver.take(bytes, end);
  }

  onEof(): void {
    const halfClosed = new HalfClosedClient();
    this.#halfClosed = halfClosed;
    const exchange = this.#exchange;
    if (this.isEnding) return;
    if (exchange === undefined) {
      if (!this.#receiver.hasPending && !this.stream.isWritePending) this.#endAtEof();
    } else if (!this.#isRequestWhole) {
      if (!this.#receiver.hasPending) this.#loseClient(exchange);
    } else this.#endRequests(exchange, halfClosed);
  }

  onDrained(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      if (this.#waiting === Waiting.reader) this.#waitForAnswer();
      exchange.onClientDrained();
    } else if (this.isEnding) this.#linger();
    else if (!this.#receiver.isDecoding) this.#goOn();
  }

  onClosed(_error: Error | undefined): void {
    this.#services.wheel.remove(this);
    const exchange = this.#exchange;
    this.#receiver.releasePending();
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
        return this.#lookForClient();
      default:
    }
  }

  // From the receiver

  get isAnswering(): boolean {
    return this.#exchange !== undefined;
  }

  onDecoded(): void {
    if (this.#exchange === undefined) {
      if (!this.isEnding) this.#waitForMore();
    } else if (!this.#isRequestWhole) this.#exchange.flushRequest();
  }

  // What the bytes mean

  onRequestHead(head: RequestHead): void {
    const { settings, facts } = this;
    this.#keepsAlive = head.allowsReuse && !this.#isDraining;
    this.#isRequestWhole = !head.hasBody;
    this.#discardedBytes = 0;
    this.#writer.follow(head.minorVersion);
    const request = new Http1ClientRequest(head, facts, settings.listener);
    const { clock, nextRequestId, owner } = this.#services;
    const requestId = facts.trustedRequestId(head) ?? nextRequestId();
    const exchange = new Exchange(this, owner, request, { requestId, startedMs: clock.monotonicMs() });
    this.#exchange = exchange;
    if (head.hasBody) this.#decoder.isHeld = true;
    this.#halfClosed?.beginExchange();
    this.#wait(this.#halfClosed !== undefined ? Waiting.probe : Waiting.nothing);
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
    this.#writer.writeInformational(status, fields);
  }

  sendHead(response: ResponseHead): void {
    const exchange = this.#exchange!;
    const writer = this.#writer;
    writer.frame(response, exchange.request.method);
    if (writer.isCloseDelimited || this.#isDraining || this.#leavesRest(exchange)) this.#keepsAlive = false;
    writer.writeHead(response, exchange.requestId, this.#keepsAlive);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#writer.sendsBody || view.length === 0) return true;
    if (this.#exceedsLength(view.length)) return this.#failLength();
    return this.#writer.writeBody(view) || this.#waitForReader();
  }

  sendText(text: string): boolean {
    if (!this.#writer.sendsBody || text === '') return true;
    if (this.#exceedsLength(text.length)) return this.#failLength();
    this.#writer.appendBody(text);
    return true;
  }

  flush(): boolean {
    return this.#writer.flush() || this.#waitForReader();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    if (!this.#writer.mayEnd(this.#exchange!.responseBytes)) {
      this.#failLength();
      return;
    }
    this.#writer.appendEnd(trailers);
    this.flush();
    this.#finishExchange();
  }

  #exceedsLength(bytes: number): boolean {
    const exchange = this.#exchange!;
    exchange.responseBytes += bytes;
    return !this.#writer.mayWrite(exchange.responseBytes);
  }

  /** More or less than was announced would be taken for another answer, or keep the client waiting: the connection ends. */
  #failLength(): true {
    const { responseBytes } = this.#exchange!;
    this.#failExchange(upstreamErrors.truncatedBody({ announcedBytes: this.#writer.announcedBytes, responseBytes }));
    return true;
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#stopTaking();
    if (this.#writer.isCloseDelimited) this.stream.reset();
    else {
      this.flush();
      this.stream.destroy();
    }
    exchange.finish(this.#services.clock.monotonicMs());
  }

  pauseRequestBody(): void {
    this.#decoder.isHeld = true;
    this.stream.pause();
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
  }

  resumeRequestBody(): void {
    if (!this.#decoder.isHeld) return;
    this.#decoder.isHeld = false;
    if (this.#waiting === Waiting.nothing && !this.#isRequestWhole) this.#wait(Waiting.body);
    if (this.#decoder.remainingBytes > limits.bodyBufferFromBytes) this.stream.startBodyBuffer();
    if (this.#receiver.isDecoding) return;
    if (!this.#receiver.hasPending) this.#exchange?.flushRequest();
    this.#takePending();
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    const exchange = this.#exchange!;
    this.#isHandedOver = true;
    exchange.isTunnel = true;
    this.#services.wheel.remove(this);
    this.#writer.writeUpgrade(response, exchange.requestId);
    return {
      stream: this.stream,
      pendingBytes: this.#receiver.releasePending(),
      idleMs: this.settings.tunnelIdleMs,
      onTunnelClosed: () => this.#endTunnel(exchange),
    };
  }

  describeClient(): ProxiedClient {
    return this.facts.describe(this.stream.socket);
  }

  // Inside

  /** True: there is no request in the bytes. */
  #takePreface(preface: Http2Preface, bytes: Buffer, end: number): boolean {
    const said = preface.read(bytes, end);
    if (said === 'begun') return true;
    this.#preface = undefined;
    if (said === 'other') {
      const { earlier } = preface;
      if (earlier.length > 0) this.onBytes(earlier, earlier.length);
      return this.isEnding;
    }
    this.#isHandedOver = true;
    this.#stopTaking();
    this.#services.wheel.remove(this);
    this.#services.owner.onHttp2(this, preface.toHttp2(this.stream.socket, bytes, end));
    return true;
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
    if (!this.#isRequestWhole && !this.#decoder.isHeld) this.#wait(Waiting.body);
    else this.#wait(this.#halfClosed !== undefined ? Waiting.probe : Waiting.nothing);
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

  #takePending(): void {
    if (!this.#receiver.takePending() || this.#decoder.isHeld) return;
    const exchange = this.#exchange;
    if (this.#halfClosed === undefined) this.stream.resume();
    else if (exchange === undefined) this.#goOn();
    else if (!this.#isRequestWhole) this.#loseClient(exchange);
  }

  #finishExchange(): void {
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    this.#decoder.isHeld = false;
    exchange.finish(this.#services.clock.monotonicMs());
    if (!this.#keepsAlive || this.#isDraining || !this.#mayDiscardRest(exchange)) this.#lingerThenClose();
    else if (!this.#receiver.isDecoding) this.#goOn();
  }

  /** An answer is complete and the connection stays: go on with what the client has sent behind the request, or wait for it. */
  #goOn(): void {
    this.#waitForMore();
    if (this.stream.isWritePending || this.isEnding) return;
    if (this.#receiver.hasPending) this.#takePending();
    else if (this.#halfClosed !== undefined) this.#endAtEof();
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
    if (this.stream.isClosed || this.isEnding) return;
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
    this.isEnding = true;
    this.#keepsAlive = false;
    this.#receiver.releasePending();
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

  /** The client has closed its side with a whole request behind it. */
  #endRequests(exchange: Exchange, halfClosed: HalfClosedClient): void {
    if (!this.#receiver.hasPending) this.#keepsAlive = false;
    if (halfClosed.beginLooking(exchange)) this.sendInformational(100, noFields);
    if (this.#waiting !== Waiting.reader) this.#wait(Waiting.probe);
  }

  #lookForClient(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const found = this.#halfClosed?.look(exchange, this.stream);
    if (found === 'gone') return this.#loseClient(exchange);
    if (found === 'ask') this.sendInformational(100, noFields);
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
