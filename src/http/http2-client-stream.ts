/** One request of an HTTP/2 connection, with its answer: the client's side of an exchange. */
import type { GatewayError } from '#base/errors.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { getField, hasField } from '#wire/fields/field-list.ts';
import { ErrorCode, toHttp2CodeName } from '#wire/http2/error-codes.ts';
import { clientErrors } from './client-errors.ts';
import { type ClientRequest, type ClientSide, Exchange, type TunnelSide } from './exchange.ts';
import { toWebSocketAccept } from './http2-attempt-head.ts';
import type { Http2ClientRequest } from './http2-client-request.ts';
import { type BodyTaker, Http2IncomingBody } from './http2-incoming-body.ts';
import { ReceiveWindow } from './http2-receive-window.ts';
import type { ReceivingStream } from './http2-receiver.ts';
import { SendingStream } from './http2-sending-stream.ts';
import type { StreamHome } from './http2-stream-home.ts';
import { Http2Tunnel } from './http2-tunnel.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import { upstreamErrors } from './upstream-errors.ts';

const Waiting = { nothing: 0, body: 1, reader: 2 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const NOT_ANNOUNCED = -1;
const ACCEPT = 'sec-websocket-accept';

export class Http2ClientStream extends SendingStream implements ClientSide, BodyTaker, ReceivingStream {
  readonly id: number;
  isEnded = false;
  readonly #home: StreamHome;
  readonly #fault: GatewayError | undefined;
  #exchange: Exchange | undefined;
  /** `undefined`: the request came whole. */
  readonly #body: Http2IncomingBody | undefined;
  #tunnel: Http2Tunnel | undefined = undefined;
  #waiting: Waiting = Waiting.nothing;
  /** What the client had not taken when it was last looked at. */
  #unsentBytes = 0;
  #sendsBody = false;
  #mayHaveTrailers = false;
  /** What `content-length` of the answer says. */
  #announcedBytes = NOT_ANNOUNCED;
  #answerTrailers: readonly string[] | undefined = undefined;
  /** Nothing follows what has been sent, or waits. */
  #hasAnswerEnded = false;
  /** The last frame has been written. */
  #isAnswerWhole = false;

  /** `isWhole`: the request has no body. */
  constructor(id: number, request: Http2ClientRequest, isWhole: boolean, home: StreamHome) {
    super();
    const { services, settings, sender } = home;
    this.id = id;
    this.#home = home;
    this.sendWindowBytes = sender.streamWindowBytes;
    this.#body = isWhole ? undefined : toBody(this, settings.http2!.windowBytes, request.contentLengthBytes);
    const requestId = request.trustedRequestId ?? services.nextRequestId();
    const start = { requestId, startedMs: services.clock.monotonicMs() };
    this.#fault = request.fault;
    this.#exchange = new Exchange(this, services.owner, request, start);
  }

  get isReceived(): boolean {
    return this.#body?.isWhole ?? true;
  }

  describeClient(): ProxiedClient {
    return this.#home.describeClient();
  }

  /** Once, when everything has been handled that was read with it: a request that has been broken off by then is passed over. */
  begin(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const { owner } = this.#home.services;
    if (this.#fault === undefined) owner.onExchange(exchange);
    else owner.onRefusedRequest(exchange, this.#fault);
  }

  override onDeadline(): void {
    const { unsentBytes, settings } = this.#home;
    const timeoutMs = settings.bodyIdleTimeoutMs;
    if (this.#waiting === Waiting.body) return this.#fail(clientErrors.bodyTimeout({ timeoutMs }));
    // A client that is only slow has taken some of what waits.
    if (unsentBytes < this.#unsentBytes) this.#wait(Waiting.reader);
    else this.#fail(clientErrors.replyTimeout({ timeoutMs }));
  }

  // What the exchange wants done

  sendInformational(status: number, fields: readonly string[]): void {
    if (this.isEnded || this.#exchange?.hasResponseBegun !== false) return;
    const { sender } = this.#home;
    sender.endHead(this, sender.beginHead(status, fields));
  }

  sendHead(response: ResponseHead): void {
    if (this.isEnded) return;
    const { request } = this.#exchange!;
    const { status, contentLengthBytes } = response;
    // RFC 9110 §15.3.6: a 205 has no content.
    this.#sendsBody = hasResponseBody(request.method, status) && status !== 205 && contentLengthBytes !== 0;
    const lengthBytes = status === 204 || status === 205 ? undefined : contentLengthBytes;
    this.#announcedBytes = this.#sendsBody && lengthBytes !== undefined ? lengthBytes : NOT_ANNOUNCED;
    this.#mayHaveTrailers = this.#sendsBody && lengthBytes === undefined && wantsTrailers(request);
    this.#writeHead(response, lengthBytes);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#sendsBody || view.length === 0 || this.isEnded) return true;
    if (this.#exceedsLength(view.length)) return this.#failLength();
    return this.#waitForReader(this.#home.sender.send(this, view));
  }

  sendText(text: string): boolean {
    if (!this.#sendsBody || text === '' || this.isEnded) return true;
    if (this.#exceedsLength(text.length)) return this.#failLength();
    return this.#waitForReader(this.#home.sender.sendText(this, text));
  }

  /** The end of the turn sends what has come together by then. */
  flush(): boolean {
    return !this.isLent;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#announcedBytes !== NOT_ANNOUNCED && exchange.responseBytes !== this.#announcedBytes) {
      this.#failLength();
      return;
    }
    if (this.#mayHaveTrailers) {
      this.#answerTrailers = trailers;
      if (exchange.keepsSentFields) exchange.sentTrailers = trailers;
    }
    this.#exchange = undefined;
    this.#endAnswer();
    this.#finish(exchange);
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    this.#breakOff(ErrorCode.internalError, false);
    this.#finish(exchange);
  }

  resumeRequestBody(): void {
    const body = this.#body;
    if (body === undefined || this.#exchange === undefined || body.isFlowing) return;
    if (this.#waiting === Waiting.nothing && !body.isWhole) this.#wait(Waiting.body);
    body.resume();
  }

  pauseRequestBody(): void {
    this.#body?.pause();
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    const exchange = this.#exchange!;
    if (this.isEnded) return undefined;
    // The client has no key that it could compare this with.
    if (getField(response.fields, ACCEPT) !== toWebSocketAccept(exchange.request)) {
      exchange.error ??= upstreamErrors.unexpectedUpgrade();
      this.abort();
      return undefined;
    }
    exchange.isTunnel = true;
    this.#wait(Waiting.nothing);
    // What the answer to the handshake has over HTTP/1 only is left out.
    const fields = response.fields.filter((_, at) => response.fields[at - (at % 2)] !== ACCEPT);
    this.#writeHead({ status: 200, fields, contentLengthBytes: undefined }, undefined);
    const tunnel = new Http2Tunnel(this, this.#body === undefined);
    this.#tunnel = tunnel;
    const { tunnelIdleMs } = this.#home.settings;
    const onTunnelClosed = () => this.#finishTunnel(exchange);
    return { stream: tunnel, pendingBytes: undefined, idleMs: tunnelIdleMs, onTunnelClosed };
  }

  // From the client

  /** RFC 9113 §5.2. False: a frame of so many bytes is more than the client may send. */
  takeWindow(frameBytes: number): boolean {
    return this.#body!.window.take(frameBytes);
  }

  /** How much more the client may be told that it may send, when so much has been used. */
  useWindow(bytes: number): number {
    return this.isEnded || this.isReceived ? 0 : this.#body!.window.use(bytes);
  }

  onData(view: Buffer): void {
    const body = this.#body!;
    const fits = body.count(view.length);
    if (fits && this.#exchange !== undefined) return body.take(view);
    // Nobody uses it: the answer is there already, and waits for its reader, or more has come than was announced.
    this.#home.onBodyUsed(view.length, undefined);
    if (!fits) this.breakRules(ErrorCode.protocolError);
  }

  /** What one read brought has been said. */
  onReadEnd(): void {
    const body = this.#body!;
    if (body.isFlowing && !body.isWhole) this.onBodyFlush();
  }

  onReceived(trailers: string[] | undefined): void {
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
    if (!this.#body!.end(trailers)) this.breakRules(ErrorCode.protocolError);
  }

  /** The client wants no answer any more. */
  onReset(code: number): void {
    this.#loseClient(clientErrors.gone(code === ErrorCode.noError ? undefined : { reason: toHttp2CodeName(code) }));
    this.#end(!this.#isAnswerWhole, false);
  }

  onConnectionLost(): void {
    this.#loseClient(clientErrors.gone());
    this.#end(false, false);
  }

  /** RFC 9113 §5.4.2: the client has done what it may not, and its stream alone has to end for it. */
  breakRules(code: ErrorCode): void {
    this.#loseClient(clientErrors.gone({ reason: toHttp2CodeName(code) }));
    this.#breakOff(code, true);
  }

  // From the body

  onBodyChunk(view: Buffer): void {
    if (this.#tunnel !== undefined) this.#tunnel.owner.onBytes(view, view.length);
    else this.#handOn(this.#exchange!, view);
    this.#home.onBodyUsed(view.length, this);
  }

  onBodyFlush(): void {
    this.#exchange?.flushRequest();
  }

  onBodyEnd(trailers: string[] | undefined): void {
    if (this.#tunnel === undefined) {
      if (this.#exchange?.request.hasBody) this.#exchange.endRequest(trailers);
      return;
    }
    this.#tunnel.owner.onEof();
    if (this.#isAnswerWhole) this.#end(false, false);
  }

  // From the sender

  onRestMoved(): void {
    this.#home.onProgress();
    if (this.#waiting === Waiting.reader) this.#wait(Waiting.reader);
  }

  onRestSent(wasLent: boolean): void {
    this.#home.onProgress();
    const body = this.#body;
    const awaitsBody = this.#exchange !== undefined && body?.isFlowing === true && !body.isWhole;
    if (this.#waiting === Waiting.reader) this.#wait(awaitsBody ? Waiting.body : Waiting.nothing);
    if (this.#hasAnswerEnded) this.#writeEnd();
    else if (!wasLent) return;
    else if (this.#tunnel !== undefined) this.#tunnel.owner.onDrained();
    else this.#exchange?.onClientDrained();
  }

  // For the tunnel

  sendBytes(bytes: Buffer): boolean {
    return this.isEnded || this.#home.sender.send(this, bytes);
  }

  get unsentBytes(): number {
    return this.#home.unsentBytes + this.restBytes;
  }

  setFlowing(isFlowing: boolean): void {
    if (!isFlowing) this.#body?.pause();
    else if (this.#body?.isFlowing === false) this.#body.resume();
  }

  endTunnel(): void {
    if (!this.isEnded && !this.#hasAnswerEnded) this.#endAnswer();
  }

  /** RFC 8441 §5: what resets a connection cancels a stream. */
  breakTunnelOff(code: ErrorCode): void {
    this.#breakOff(code, false);
  }

  get hasSentEnd(): boolean {
    return this.#hasAnswerEnded;
  }

  // Inside

  #writeHead(response: ResponseHead, lengthBytes: number | undefined): void {
    const { sender, services } = this.#home;
    const { fields } = response;
    const blockStart = sender.beginHead(response.status, fields);
    if (lengthBytes !== undefined) sender.field('content-length', String(lengthBytes));
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    if (!(response.hasDate ?? hasField(fields, 'date'))) sender.field('date', services.date.now());
    sender.field('x-request-id', this.#exchange!.requestId);
    sender.endHead(this, blockStart);
  }

  #exceedsLength(bytes: number): boolean {
    const exchange = this.#exchange!;
    this.#home.onProgress();
    exchange.responseBytes += bytes;
    return exchange.responseBytes > this.#announcedBytes && this.#announcedBytes !== NOT_ANNOUNCED;
  }

  /** More or less than was announced is malformed (RFC 9113 §8.1.1): the client must not take it for whole. */
  #failLength(): true {
    const { responseBytes } = this.#exchange!;
    this.#fail(upstreamErrors.truncatedBody({ announcedBytes: this.#announcedBytes, responseBytes }));
    return true;
  }

  #handOn(exchange: Exchange, view: Buffer): void {
    if (this.#waiting === Waiting.body) this.#wait(Waiting.body);
    const refusal = exchange.takeRequestChunk(view);
    if (refusal !== undefined) this.#fail(refusal);
  }

  #endAnswer(): void {
    this.#hasAnswerEnded = true;
    if (this.rest === undefined) this.#writeEnd();
  }

  #writeEnd(): void {
    const { sender } = this.#home;
    const trailers = this.#answerTrailers;
    if (trailers === undefined) sender.end(this);
    else sender.endWith(this, trailers);
    this.#isAnswerWhole = true;
    if (this.#tunnel !== undefined) {
      if (this.#body === undefined || this.#body.isTaken) this.#end(false, false);
      return;
    }
    if (this.isReceived) return this.#end(false, false);
    // RFC 9113 §8.1: an answer that came before the request was whole; the client is asked not to go on.
    this.#breakOff(ErrorCode.noError, false);
  }

  #breakOff(code: ErrorCode, isBrokenOff: boolean): void {
    if (this.isEnded) return;
    this.#home.sender.reset(this.id, code);
    this.#end(isBrokenOff, !this.isReceived);
  }

  /** Says whether what has been sent may be forgotten; what waits in any case is for the reader to take. */
  #waitForReader(isTaken: boolean): boolean {
    if (this.rest !== undefined && this.#waiting !== Waiting.reader) this.#wait(Waiting.reader);
    return isTaken;
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { services, settings, unsentBytes } = this.#home;
    if (waiting === Waiting.nothing) return services.wheel.disarm(this);
    if (waiting === Waiting.reader) this.#unsentBytes = unsentBytes;
    services.wheel.arm(this, settings.bodyIdleTimeoutMs);
  }

  #finish(exchange: Exchange): void {
    if (this.#body !== undefined) this.#dropBody(this.#body);
    // What is written may still have to be read.
    if (!this.isEnded) this.#wait(Waiting.reader);
    exchange.finish(this.#home.services.clock.monotonicMs());
  }

  #dropBody(body: Http2IncomingBody): void {
    const bytes = body.drop();
    if (bytes > 0) this.#home.onBodyUsed(bytes, undefined);
  }

  #fail(error: GatewayError): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#breakOff(ErrorCode.internalError, false);
    const { source } = exchange;
    exchange.source = undefined;
    exchange.error ??= error;
    source?.onClientGone();
    if (this.#exchange !== exchange) return;
    if (exchange.hasResponseBegun) this.abort();
    else this.#home.services.owner.onRefusedRequest(exchange, error);
  }

  /** Nobody waits for the answer any more. */
  #loseClient(error: GatewayError): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    // The tunnel's own end finishes it.
    if (this.#tunnel !== undefined) return this.#tunnel.close(error);
    this.#exchange = undefined;
    exchange.error ??= error;
    if (!exchange.hasResponseBegun) exchange.status = error.status;
    const { source } = exchange;
    exchange.source = undefined;
    source?.onClientGone();
    exchange.finish(this.#home.services.clock.monotonicMs());
  }

  #end(isBrokenOff: boolean, isLeft: boolean): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#home.sender.drop(this);
    this.#home.services.wheel.remove(this);
    if (this.#body !== undefined) this.#dropBody(this.#body);
    this.#home.onStreamEnded(this, isBrokenOff, isLeft);
    this.#tunnel?.close(undefined);
  }

  #finishTunnel(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    exchange.finish(this.#home.services.clock.monotonicMs());
  }
}

/** They cost a frame of their own, so they are for clients that say they know them, and for gRPC, which is nothing without. */
function wantsTrailers({ acceptsTrailers, fields }: ClientRequest): boolean {
  return acceptsTrailers || getField(fields, 'content-type')?.startsWith('application/grpc') === true;
}

function toBody(taker: BodyTaker, windowBytes: number, announcedBytes: number): Http2IncomingBody {
  return new Http2IncomingBody(taker, new ReceiveWindow(windowBytes), announcedBytes);
}
