/** One request of an HTTP/2 connection, with its answer: the client's side of an exchange. */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { clientErrors } from './client-errors.ts';
import { type ClientSide, Exchange, type TunnelSide } from './exchange.ts';
import type { Http2ClientRequest } from './http2-client-request.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import type { ServerServices, ServerSettings } from './server-settings.ts';

/** What a stream needs of its connection. */
export interface StreamHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  describeClient(): ProxiedClient;
  onStreamClosed(stream: Http2ClientStream): void;
}

/** A stream that knows its exchange, so that its listeners can be shared functions instead of closures for each request. */
interface OwnedStream extends ServerHttp2Stream {
  gatehouseStream?: Http2ClientStream;
}

const Waiting = { nothing: 0, body: 1, reader: 2 } as const;
type Waiting = (typeof Waiting)[keyof typeof Waiting];

export class Http2ClientStream extends WheelTimer implements ClientSide {
  readonly #stream: ServerHttp2Stream;
  readonly #home: StreamHome;
  readonly #hasRequestBody: boolean;
  #exchange: Exchange | undefined;
  #waiting: Waiting = Waiting.nothing;
  #isRequestWhole: boolean;
  #readsBody = false;
  #requestTrailers: string[] | undefined = undefined;
  #sendsBody = false;
  #answerTrailers: readonly string[] | undefined = undefined;
  #awaitsDrain = false;

  constructor(stream: ServerHttp2Stream, request: Http2ClientRequest, home: StreamHome) {
    super();
    const { services } = home;
    this.#stream = stream;
    this.#home = home;
    this.#hasRequestBody = request.hasBody;
    this.#isRequestWhole = !request.hasBody;
    (stream as OwnedStream).gatehouseStream = this;
    stream.on('error', onError);
    stream.on('close', onClose);
    const requestId = request.trustedRequestId ?? services.nextRequestId();
    const exchange = new Exchange(this, services.owner, request, { requestId, startedMs: services.clock.monotonicMs() });
    this.#exchange = exchange;
    if (request.fault === undefined) services.owner.onExchange(exchange);
    else services.owner.onRefusedRequest(exchange, request.fault);
  }

  describeClient(): ProxiedClient {
    return this.#home.describeClient();
  }

  /** Ends the request, whatever it does. */
  close(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  override onDeadline(): void {
    const timeoutMs = this.#home.settings.bodyIdleTimeoutMs;
    const error =
      this.#waiting === Waiting.body ? clientErrors.bodyTimeout({ timeoutMs }) : clientErrors.replyTimeout({ timeoutMs });
    this.#fail(error);
  }

  // What the exchange wants done

  sendInformational(status: number, fields: readonly string[]): void {
    if (this.#isGone || this.#stream.headersSent) return;
    const headers: OutgoingHttpHeaders = { ':status': status };
    for (let i = 0; i < fields.length; i += 2) addValue(headers, fields[i]!, fields[i + 1]!);
    this.#stream.additionalHeaders(headers);
  }

  sendHead(response: ResponseHead): void {
    if (this.#isGone) return;
    const exchange = this.#exchange!;
    const { status, contentLengthBytes } = response;
    const list: string[] = [':status', String(status)];
    for (const text of response.fields) list.push(text);
    if (contentLengthBytes !== undefined && status !== 204) list.push('content-length', String(contentLengthBytes));
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    if (!(response.hasDate ?? hasField(response.fields, 'date'))) list.push('date', this.#home.services.date.now());
    list.push('x-request-id', exchange.requestId);
    this.#sendsBody = hasResponseBody(exchange.request.method, status) && contentLengthBytes !== 0;
    const options = {
      endStream: !this.#sendsBody,
      // Trailers may come where nobody knows how long the body is.
      waitForTrailers: this.#sendsBody && contentLengthBytes === undefined,
      sendDate: false,
    };
    if (options.waitForTrailers) this.#stream.on('wantTrailers', onWantTrailers);
    // The types do not know lists yet.
    this.#stream.respond(list as unknown as OutgoingHttpHeaders, options);
  }

  sendChunk(view: Buffer): boolean {
    if (!this.#sendsBody || view.length === 0 || this.#isGone) return true;
    this.#exchange!.responseBytes += view.length;
    if (view.length <= limits.joinedWriteBytesMax) return this.#write(Buffer.from(view));
    // Not copied: whoever lent it keeps it as it is until it has left.
    this.#stream.write(view, () => this.#onDrained());
    return this.#waitForReader();
  }

  sendText(text: string): boolean {
    if (!this.#sendsBody || text === '' || this.#isGone) return true;
    this.#exchange!.responseBytes += text.length;
    return this.#write(Buffer.from(text, 'latin1'));
  }

  /** The session sends together what comes together. */
  flush(): boolean {
    return true;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#answerTrailers = trailers;
    if (this.#sendsBody) this.#stream.end();
    this.#finish(exchange);
    if (!this.#isRequestWhole) this.#leaveRest();
  }

  abort(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#finish(exchange);
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  resumeRequestBody(): void {
    if (this.#isRequestWhole) return;
    this.#wait(Waiting.body);
    if (this.#readsBody) {
      this.#stream.resume();
      return;
    }
    this.#readsBody = true;
    this.#stream.on('trailers', onTrailers);
    this.#stream.on('end', onEnd);
    this.#stream.on('data', onData);
    this.#exchange?.source?.onRequestFlush();
  }

  pauseRequestBody(): void {
    this.#stream.pause();
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
  }

  /** What HTTP/1 does by an upgrade is another request here. */
  openTunnel(): TunnelSide | undefined {
    return undefined;
  }

  // From the stream

  onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.requestBytes += bytes.length;
    this.#wait(Waiting.body);
    const shape = exchange.plan?.shapeRequestChunk;
    const shaped = shape === undefined ? bytes : shape.call(exchange.plan, exchange, bytes);
    if (!Buffer.isBuffer(shaped)) return this.#fail(shaped);
    exchange.source?.onRequestChunk(shaped);
    exchange.source?.onRequestFlush();
  }

  onTrailers(raw: readonly string[]): void {
    this.#requestTrailers = raw.filter((_, i) => raw[i - (i % 2)]!.charCodeAt(0) !== COLON);
  }

  onEnd(): void {
    this.#isRequestWhole = true;
    if (this.#waiting === Waiting.body) this.#wait(Waiting.nothing);
    this.#exchange?.source?.onRequestEnd(this.#requestTrailers);
  }

  onWantTrailers(): void {
    const trailers = this.#answerTrailers;
    if (trailers === undefined || trailers.length === 0) {
      // Without a field it sends the end alone; `close` would leave a large answer without one.
      this.#stream.sendTrailers({});
      return;
    }
    const headers: OutgoingHttpHeaders = {};
    for (let i = 0; i < trailers.length; i += 2) addValue(headers, trailers[i]!, trailers[i + 1]!);
    this.#stream.sendTrailers(headers);
  }

  onDrained(): void {
    this.#onDrained();
  }

  onClosed(): void {
    this.#home.services.wheel.remove(this);
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      const error = clientErrors.gone();
      exchange.error ??= error;
      if (!exchange.hasResponseBegun) exchange.status = error.status;
      const { source } = exchange;
      exchange.source = undefined;
      source?.onClientGone(error);
      this.#finish(exchange);
    }
    this.#home.onStreamClosed(this);
  }

  // Inside

  get #isGone(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  #write(bytes: Buffer): boolean {
    if (this.#stream.write(bytes)) return true;
    this.#stream.once('drain', onDrain);
    return this.#waitForReader();
  }

  #waitForReader(): false {
    this.#awaitsDrain = true;
    this.#wait(Waiting.reader);
    return false;
  }

  #onDrained(): void {
    if (!this.#awaitsDrain) return;
    this.#awaitsDrain = false;
    if (this.#exchange === undefined) return;
    this.#wait(this.#isRequestWhole || !this.#readsBody ? Waiting.nothing : Waiting.body);
    this.#exchange.source?.onClientDrained();
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
    else this.#wait(Waiting.nothing);
    exchange.finish(this.#home.services.clock.monotonicMs());
  }

  /** RFC 9113 §8.1: an answer that came before the request was whole; the client is asked not to go on. */
  #leaveRest(): void {
    const stream = this.#stream;
    if (stream.writableFinished) stream.close(constants.NGHTTP2_NO_ERROR);
    else stream.once('finish', onFinish);
  }

  #fail(error: GatewayError): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.#stream.close(constants.NGHTTP2_CANCEL);
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

  get hasRequestBody(): boolean {
    return this.#hasRequestBody;
  }
}

const COLON = 58;

function addValue(headers: OutgoingHttpHeaders, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = [String(before), value];
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
  this.close(constants.NGHTTP2_NO_ERROR);
}

function onError(this: OwnedStream): void {
  // The stream's end follows, and says all that matters.
}

function onClose(this: OwnedStream): void {
  this.gatehouseStream!.onClosed();
}
