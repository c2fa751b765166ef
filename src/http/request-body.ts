/** The body of a request, for whoever has to see it as a whole or to change it before the service is asked. */
import { ByteCollector } from '#base/byte-collector.ts';
import { GatewayError } from '#base/errors.ts';
import type { RequestBodyStage } from './body-stage.ts';
import { clientErrors } from './client-errors.ts';
import type { AnswerSource, ClientRequest, Exchange } from './exchange.ts';

/**
 * The whole body, if it is at most `bytesMax` long; otherwise the refusal. It is there again for whoever takes the request next,
 * the service above all. Empty when there is none. Never rejects; when the exchange ends first, the outcome is not to be looked at.
 */
export function readRequestBody(exchange: Exchange, bytesMax: number): Promise<Buffer | GatewayError> {
  const { request, bodyStage } = exchange;
  if (bodyStage instanceof HeldBody) return Promise.resolve(withinBytes(bodyStage.bytes, bytesMax));
  if (!request.hasBody) return Promise.resolve(noBytes);
  if (request.contentLengthBytes > bytesMax) return Promise.resolve(tooLong(bytesMax));
  return new Promise((resolve) => new BodyReader(exchange, bytesMax, resolve).start());
}

/** The body is this one from now on. Only once it has been read as a whole, or where there is none. */
export function replaceRequestBody(exchange: Exchange, bytes: Buffer): void {
  const trailers = exchange.bodyStage instanceof HeldBody ? exchange.bodyStage.trailers : undefined;
  exchange.bodyStage = new HeldBody(exchange, bytes, trailers);
  exchange.request = withBody(exchange.request, bytes.length);
}

/**
 * What makes the body can make no more of it: whoever reads it as a whole is told. False: nobody does, so the exchange is for
 * the caller to end.
 */
export function failRequestBody({ source }: Exchange, error: GatewayError): boolean {
  if (!(source instanceof BodyReader)) return false;
  source.fail(error);
  return true;
}

/** The same request with other fields, for a body that changes while it streams: nothing has been read of it yet. */
export function withStreamedBody(request: ClientRequest, fields: readonly string[]): ClientRequest {
  return { ...copyRequest(request), contentLengthBytes: LENGTH_UNKNOWN, hasBody: true, fields, fieldText: undefined };
}

/** The same request with other fields. */
export function withFields(request: ClientRequest, fields: readonly string[]): ClientRequest {
  return { ...copyRequest(request), fields, fieldText: undefined };
}

/** The same request with another body. */
function withBody(request: ClientRequest, contentLengthBytes: number): ClientRequest {
  // Whoever has read of the body has told the client to send it.
  return { ...copyRequest(request), contentLengthBytes, hasBody: contentLengthBytes !== 0, expectsContinue: false };
}

/** What it says as a whole HTTP/1 message is left out, because something is about to be different. */
export function copyRequest(request: ClientRequest): ClientRequest {
  return {
    listener: request.listener,
    protocol: request.protocol,
    method: request.method,
    path: request.path,
    query: request.query,
    target: request.target,
    authority: request.authority,
    host: request.host,
    fields: request.fields,
    fieldText: request.fieldText,
    contentLengthBytes: request.contentLengthBytes,
    hasBody: request.hasBody,
    acceptsTrailers: request.acceptsTrailers,
    expectsContinue: request.expectsContinue,
    upgrade: request.upgrade,
    clientAddress: request.clientAddress,
    peerAddress: request.peerAddress,
    clientPort: request.clientPort,
    scheme: request.scheme,
    forwardingFields: request.forwardingFields,
    clientCertificate: request.clientCertificate,
  };
}

/** RFC 9110 §10.1.1: a client that waits for leave to send its body is given it. */
function allowRequestBody({ request, client, requestBytes }: Exchange): void {
  if (request.expectsContinue && requestBytes === 0) client.sendInformational(100, noFields);
}

const LENGTH_UNKNOWN = -1;
const noBytes = Buffer.alloc(0);
const noFields: readonly string[] = Object.freeze([]);

function withinBytes(bytes: Buffer, bytesMax: number): Buffer | GatewayError {
  return bytes.length > bytesMax ? tooLong(bytesMax) : bytes;
}

function tooLong(bytesMax: number): GatewayError {
  return clientErrors.bodyTooLong({ bytesMax }, { publicDetail: `at most ${bytesMax} bytes are taken` });
}

class BodyReader implements AnswerSource {
  readonly #exchange: Exchange;
  readonly #bytesMax: number;
  readonly #onRead: (outcome: Buffer | GatewayError) => void;
  readonly #collected = new ByteCollector();

  constructor(exchange: Exchange, bytesMax: number, onRead: (outcome: Buffer | GatewayError) => void) {
    this.#exchange = exchange;
    this.#bytesMax = bytesMax;
    this.#onRead = onRead;
  }

  start(): void {
    this.#exchange.source = this;
    allowRequestBody(this.#exchange);
    this.#exchange.resumeRequestBody();
  }

  onRequestChunk(view: Buffer): void {
    if (this.#collected.byteLength + view.length <= this.#bytesMax) this.#collected.add(view);
    else if (this.#exchange.source === this) this.#end(tooLong(this.#bytesMax));
  }

  onRequestFlush(): void {
    // It is looked at when it is whole.
  }

  onRequestEnd(trailers: readonly string[] | undefined): void {
    const exchange = this.#exchange;
    if (exchange.source !== this) return;
    const bytes = this.#collected.take();
    exchange.bodyStage = new HeldBody(exchange, bytes, trailers);
    exchange.request = withBody(exchange.request, bytes.length);
    this.#end(bytes);
  }

  onClientDrained(): void {
    // Nothing has been answered.
  }

  onClientGone(): void {
    this.#collected.clear();
    this.#onRead(clientErrors.gone());
  }

  /** Nothing more comes that could be read. */
  fail(error: GatewayError): void {
    this.#end(error);
  }

  #end(outcome: Buffer | GatewayError): void {
    this.#collected.clear();
    this.#exchange.source = undefined;
    if (outcome instanceof GatewayError) this.#exchange.pauseRequestBody();
    this.#onRead(outcome);
  }
}

/** A body that has come as a whole, for the next one who takes it. */
class HeldBody implements RequestBodyStage {
  readonly bytes: Buffer;
  readonly trailers: readonly string[] | undefined;
  readonly #exchange: Exchange;
  #isGiven = false;

  constructor(exchange: Exchange, bytes: Buffer, trailers: readonly string[] | undefined) {
    this.bytes = bytes;
    this.trailers = trailers;
    this.#exchange = exchange;
  }

  onRequestChunk(): void {
    // What the client still sends belongs to a body that another one has replaced.
  }

  onRequestFlush(): void {
    // As for pieces.
  }

  onRequestEnd(): void {
    // As for pieces.
  }

  /** The source has all of it at once; what it does not take yet it keeps, and these bytes stay as they are. No body has no end either. */
  resumeRequestBody(): void {
    if (this.#isGiven || this.bytes.length === 0) return;
    this.#isGiven = true;
    const { source } = this.#exchange;
    source?.onRequestChunk(this.bytes);
    source?.onRequestEnd(this.trailers);
  }

  pauseRequestBody(): void {
    // It has been given, or nobody has asked for it.
  }

  abandon(): void {
    // Nothing is under way.
  }
}
