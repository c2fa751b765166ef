/** One request of an HTTP/2 connection, with its answer: the client's side of an exchange. */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { getField, hasField } from '#wire/fields/field-list.ts';
import { clientErrors } from './client-errors.ts';
import { type ClientRequest, type ClientSide, Exchange, type TunnelSide } from './exchange.ts';
import { isConnectionSpecific, toWebSocketAccept } from './http2-attempt-head.ts';
import { type Http2ClientRequest, keepHttp2Trailers } from './http2-client-request.ts';
import { toHttp2CodeName } from './http2-codes.ts';
import { toTrailerMap } from './http2-request-trailers.ts';
import type { SessionKeeper, StreamMemory } from './http2-session-memory.ts';
import { toTunnelStream } from './http2-stream-tunnel.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import type { ServerServices, ServerSettings } from './server-settings.ts';
import { upstreamErrors } from './upstream-errors.ts';

/** What a stream needs of its connection. */
export interface StreamHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  readonly keeper: SessionKeeper;
  describeClient(): ProxiedClient;
  /** Something has been read or written that a request or an answer is made of. */
  onProgress(): void;
  /** Ends a stream when the session does not read: an answer is broken off with an error, the rest of a request without one. */
  endSoon(stream: ServerHttp2Stream, error: Error | undefined): void;
  /** `isBrokenOff`: the client did not wait for the whole answer. */
  onStreamClosed(isBrokenOff: boolean): void;
}

/** A stream that knows its exchange, so that its listeners can be shared functions instead of closures for each request. */
interface OwnedStream extends ServerHttp2Stream {
  gatehouseStream?: Http2ClientStream;
}

const Waiting = { nothing: 0, body: 1, reader: 2 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

const NOT_ANNOUNCED = -1;

/** Read by `respond`, never changed. */
const withoutBody = Object.freeze({ endStream: true, sendDate: false });
const withBody = Object.freeze({ sendDate: false });
const withTrailers = Object.freeze({ waitForTrailers: true, sendDate: false });

export class Http2ClientStream extends WheelTimer implements ClientSide {
  readonly #stream: ServerHttp2Stream;
  readonly #memory: StreamMemory;
  readonly #home: StreamHome;
  readonly #fault: GatewayError | undefined;
  #exchange: Exchange | undefined;
  #waiting: Waiting = Waiting.nothing;
  #isRequestWhole: boolean;
  #readsBody = false;
  #requestTrailers: string[] | undefined = undefined;
  #sendsBody = false;
  /** What `content-length` of the answer says. */
  #announcedBytes = NOT_ANNOUNCED;
  #answerTrailers: readonly string[] | undefined = undefined;
  #awaitsDrain = false;
  #listensForDrain = false;
  /** Of a large piece of the answer, what is still to be written. */
  #rest: Buffer | undefined = undefined;
  #endsBehindRest = false;
  /** A slice of something large has not left yet. */
  #isSlicing = false;
  /** Made for answers with large pieces only. */
  #onWritten: (() => void) | undefined = undefined;

  constructor(stream: ServerHttp2Stream, request: Http2ClientRequest, home: StreamHome) {
    super();
    const { services } = home;
    this.#stream = stream;
    this.#memory = home.keeper.memoryOf(stream);
    this.#home = home;
    this.#isRequestWhole = !request.hasBody;
    (stream as OwnedStream).gatehouseStream = this;
    stream.on('error', onError);
    stream.on('close', onClose);
    // They may come before anybody has asked for the body.
    if (request.hasBody) stream.on('trailers', onTrailers);
    const requestId = request.trustedRequestId ?? services.nextRequestId();
    const start = { requestId, startedMs: services.clock.monotonicMs() };
    this.#fault = request.fault;
    this.#exchange = new Exchange(this, services.owner, request, start);
  }

  describeClient(): ProxiedClient {
    return this.#home.describeClient();
  }

  /** Once. A request that has been broken off already is passed over. */
  begin(): void {
    if (this.#isGone) return;
    const { owner } = this.#home.services;
    if (this.#fault === undefined) owner.onExchange(this.#exchange!);
    else owner.onRefusedRequest(this.#exchange!, this.#fault);
  }

  override onDeadline(): void {
    const timeoutMs = this.#home.settings.bodyIdleTimeoutMs;
    this.#fail(
      this.#waiting === Waiting.body ? clientErrors.bodyTimeout({ timeoutMs }) : clientErrors.replyTimeout({ timeoutMs }),
    );
  }

  // What the exchange wants done

  sendInformational(status: number, fields: readonly string[]): void {
    if (this.#isGone || this.#stream.headersSent) return;
    const headers: OutgoingHttpHeaders = toTrailerMap(withoutConnectionFields(fields));
    headers[':status'] = status;
    this.#stream.additionalHeaders(headers);
  }

  sendHead(response: ResponseHead): void {
    if (this.#isGone) return;
    const exchange = this.#exchange!;
    const { status } = response;
    const { request } = exchange;
    // RFC 9110 §15.3.6: a 205 has no content, and the session sends none.
    this.#sendsBody = hasResponseBody(request.method, status) && status !== 205 && response.contentLengthBytes !== 0;
    const lengthBytes = status === 204 || status === 205 ? undefined : response.contentLengthBytes;
    this.#announcedBytes = this.#sendsBody && lengthBytes !== undefined ? lengthBytes : NOT_ANNOUNCED;
    const mayHaveTrailers = this.#sendsBody && lengthBytes === undefined && wantsTrailers(request);
    if (mayHaveTrailers) this.#stream.on('wantTrailers', onWantTrailers);
    this.#respond(response, lengthBytes, mayHaveTrailers ? withTrailers : this.#sendsBody ? withBody : withoutBody);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#sendsBody || view.length === 0 || this.#isGone) return true;
    if (this.#exceedsLength(view.length)) return this.#failLength();
    const { buffers } = this.#home.services;
    // The session keeps what it is given until the client has room for it. What is small is copied, so that it may wait.
    if (view.length <= limits.joinedWriteBytesMax || buffers.isShared(view)) return this.#write(Buffer.from(view));
    // Whoever lent the rest keeps it as it is until it has left.
    while (this.#rest !== undefined) this.#writeRest();
    this.#rest = view;
    this.#isSlicing = true;
    this.#onWritten ??= () => this.onWritten();
    this.#writeRest();
    return this.#waitForReader();
  }

  sendText(text: string): boolean {
    if (!this.#sendsBody || text === '' || this.#isGone) return true;
    if (this.#exceedsLength(text.length)) return this.#failLength();
    return this.#write(Buffer.from(text, 'latin1'));
  }

  /** The session sends together what comes together. */
  flush(): boolean {
    return !this.#awaitsDrain;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#announcedBytes !== NOT_ANNOUNCED && exchange.responseBytes !== this.#announcedBytes && !this.#isGone) {
      this.#failLength();
      return;
    }
    this.#answerTrailers = trailers;
    if (this.#rest !== undefined) this.#endsBehindRest = true;
    else if (this.#sendsBody) this.#stream.end();
    this.#finish(exchange);
    if (!this.#isRequestWhole) this.#leaveRest();
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#rest = undefined;
    this.#finish(exchange);
    this.#home.endSoon(this.#stream, exchange.error ?? clientErrors.gone());
  }

  resumeRequestBody(): void {
    if (this.#isRequestWhole || this.#exchange === undefined) return;
    if (this.#waiting === Waiting.nothing) this.#wait(Waiting.body);
    if (this.#readsBody) this.#stream.resume();
    else {
      this.#readsBody = true;
      this.#stream.on('end', onEnd);
      this.#stream.on('data', onData);
    }
    // What came together with the head is told first, so that both leave in one piece.
    setImmediate(flushRequest, this);
  }

  pauseRequestBody(): void {
    this.#stream.pause();
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
  }

  openTunnel(response: ResponseHead): TunnelSide | undefined {
    const exchange = this.#exchange!;
    if (this.#isGone) return undefined;
    const { services, settings } = this.#home;
    // The client has no key that it could compare this with.
    if (getField(response.fields, ACCEPT) !== toWebSocketAccept(exchange.request)) {
      exchange.error ??= upstreamErrors.unexpectedUpgrade();
      this.abort();
      return undefined;
    }
    exchange.isTunnel = true;
    services.wheel.remove(this);
    const fields = withoutHandshake(response.fields);
    this.#respond({ status: 200, fields, contentLengthBytes: undefined }, undefined, withBody);
    this.#stream.off('error', onError);
    this.#stream.off('close', onClose);
    return {
      stream: toTunnelStream(this.#stream, services.buffers, clientErrors.gone()),
      pendingBytes: undefined,
      idleMs: settings.tunnelIdleMs,
      onTunnelClosed: () => this.#endTunnel(exchange),
    };
  }

  // From the stream

  onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#home.onProgress();
    exchange.requestBytes += bytes.length;
    if (this.#waiting !== Waiting.reader) this.#wait(Waiting.body);
    const shape = exchange.plan?.shapeRequestChunk;
    const shaped = shape === undefined ? bytes : shape.call(exchange.plan, exchange, bytes);
    if (!Buffer.isBuffer(shaped)) return this.#fail(shaped);
    exchange.source?.onRequestChunk(shaped);
    exchange.source?.onRequestFlush();
  }

  onTrailers(raw: readonly string[]): void {
    this.#requestTrailers = keepHttp2Trailers(raw);
  }

  onEnd(): void {
    // Node ends what can be read of a stream with the same event when the client has broken it off.
    if (this.#stream.closed || this.#stream.destroyed) return;
    this.#isRequestWhole = true;
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
    this.#exchange?.source?.onRequestEnd(this.#requestTrailers);
  }

  flushRequest(): void {
    this.#exchange?.source?.onRequestFlush();
  }

  onWantTrailers(): void {
    if (!this.#isGone) this.#stream.sendTrailers(toTrailerMap(withoutConnectionFields(this.#answerTrailers ?? noFields)));
  }

  onDrained(): void {
    if (!this.#awaitsDrain || this.#isSlicing) return;
    this.#awaitsDrain = false;
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#wait(this.#stream.writableLength > 0 ? Waiting.reader : Waiting.nothing);
    this.#wait(this.#isRequestWhole || !this.#readsBody || this.#stream.isPaused() ? Waiting.nothing : Waiting.body);
    exchange.source?.onClientDrained();
  }

  /** A slice of something large has left: the client reads, however slowly. */
  onWritten(): void {
    this.#home.onProgress();
    if (this.#rest === undefined) {
      this.#isSlicing = false;
      return this.onDrained();
    }
    this.#wait(Waiting.reader);
    if (!this.#isGone) this.#writeRest();
  }

  onClosed(): void {
    this.#home.services.wheel.remove(this);
    this.#keepSession();
    this.#rest = undefined;
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      const { rstCode } = this.#stream;
      const error =
        rstCode === constants.NGHTTP2_NO_ERROR ? clientErrors.gone() : clientErrors.gone({ reason: toHttp2CodeName(rstCode) });
      exchange.error ??= error;
      if (!exchange.hasResponseBegun) exchange.status = error.status;
      const { source } = exchange;
      exchange.source = undefined;
      source?.onClientGone(error);
      this.#finish(exchange);
    }
    this.#home.onStreamClosed(exchange !== undefined);
  }

  // Inside

  #keepSession(): void {
    if (!this.#stream.writableFinished) this.#home.keeper.keepFor(this.#memory);
  }

  get #isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  #respond(response: ResponseHead, lengthBytes: number | undefined, options: object): void {
    const { fields } = response;
    const list: string[] = [':status', String(response.status)];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      if (!isConnectionSpecific(name)) list.push(name, fields[i + 1]!);
    }
    if (lengthBytes !== undefined) list.push('content-length', String(lengthBytes));
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    if (!(response.hasDate ?? hasField(fields, 'date'))) list.push('date', this.#home.services.date.now());
    list.push('x-request-id', this.#exchange!.requestId);
    // The types do not know lists yet.
    this.#stream.respond(list as unknown as OutgoingHttpHeaders, options);
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

  #write(bytes: Buffer): boolean {
    // Nobody should have written more; but what comes must not overtake what waits.
    while (this.#rest !== undefined) this.#writeRest();
    if (this.#stream.write(bytes)) return true;
    if (!this.#listensForDrain) this.#stream.on('drain', onDrain);
    this.#listensForDrain = true;
    return this.#waitForReader();
  }

  /** In slices, so that the end of each shows that a slow client still reads. */
  #writeRest(): void {
    const rest = this.#rest!;
    const isLast = rest.length <= limits.http2WriteBytesMax;
    this.#rest = isLast ? undefined : rest.subarray(limits.http2WriteBytesMax);
    this.#stream.write(isLast ? rest : rest.subarray(0, limits.http2WriteBytesMax), this.#onWritten);
    if (isLast && this.#endsBehindRest) this.#stream.end();
  }

  #waitForReader(): false {
    this.#awaitsDrain = true;
    this.#wait(Waiting.reader);
    return false;
  }

  #wait(waiting: Waiting): void {
    this.#waiting = waiting;
    const { wheel } = this.#home.services;
    if (waiting === Waiting.nothing) wheel.disarm(this);
    else wheel.arm(this, this.#home.settings.bodyIdleTimeoutMs);
  }

  #finish(exchange: Exchange): void {
    this.#exchange = undefined;
    // What is written may still have to be read.
    if (this.#stream.writableLength > 0) this.#wait(Waiting.reader);
    else if (this.#waiting !== Waiting.nothing) this.#wait(Waiting.nothing);
    exchange.finish(this.#home.services.clock.monotonicMs());
  }

  /** RFC 9113 §8.1: an answer that came before the request was whole; the client is asked not to go on. */
  #leaveRest(): void {
    const stream = this.#stream;
    if (stream.writableFinished) this.#home.endSoon(stream, undefined);
    else stream.once('finish', onFinish);
  }

  onFinished(): void {
    this.#home.endSoon(this.#stream, undefined);
  }

  #fail(error: GatewayError): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#rest = undefined;
      this.#home.endSoon(this.#stream, error);
      return;
    }
    const { source } = exchange;
    exchange.source = undefined;
    exchange.error ??= error;
    source?.onClientGone(error);
    if (this.#exchange !== exchange) return;
    if (exchange.hasResponseBegun) this.abort();
    else this.#home.services.owner.onRefusedRequest(exchange, error);
  }

  #endTunnel(exchange: Exchange): void {
    this.#keepSession();
    this.#exchange = undefined;
    exchange.finish(this.#home.services.clock.monotonicMs());
    this.#home.onStreamClosed(false);
  }
}

const noFields: readonly string[] = [];

/** They cost a frame of their own, so they are for clients that say they know them, and for gRPC, which is nothing without. */
function wantsTrailers({ acceptsTrailers, fields }: ClientRequest): boolean {
  return acceptsTrailers || getField(fields, 'content-type')?.startsWith('application/grpc') === true;
}
const ACCEPT = 'sec-websocket-accept';

function withoutConnectionFields(fields: readonly string[]): readonly string[] {
  for (let i = 0; i < fields.length; i += 2)
    if (isConnectionSpecific(fields[i]!)) return fields.filter((_, at) => !isConnectionSpecific(fields[at - (at % 2)]!));
  return fields;
}

/** What the answer to the handshake has over HTTP/1 only. */
function withoutHandshake(fields: readonly string[]): string[] {
  return fields.filter((_, at) => fields[at - (at % 2)] !== ACCEPT);
}

function onData(this: OwnedStream, bytes: Buffer): void {
  this.gatehouseStream!.onData(bytes);
}

function onTrailers(this: OwnedStream, _headers: unknown, _flags: number, raw: readonly string[]): void {
  this.gatehouseStream!.onTrailers(raw);
}

function onEnd(this: OwnedStream): void {
  this.gatehouseStream!.onEnd();
}

function onDrain(this: OwnedStream): void {
  this.gatehouseStream!.onDrained();
}

function onWantTrailers(this: OwnedStream): void {
  this.gatehouseStream!.onWantTrailers();
}

function onFinish(this: OwnedStream): void {
  this.gatehouseStream!.onFinished();
}

function flushRequest(stream: Http2ClientStream): void {
  stream.flushRequest();
}

function onError(this: OwnedStream): void {
  // The stream's end follows, and says all that matters.
}

function onClose(this: OwnedStream): void {
  this.gatehouseStream!.onClosed();
}
