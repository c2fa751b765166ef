/**
 * Upstreams that are not there: whoever rehearses requests says what each of them would have answered. No socket is opened, and
 * whatever is sent is handed over as a whole.
 */
import { ByteCollector } from '#base/byte-collector.ts';
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from './exchange.ts';
import type { AnswerEvents, AnswerHead, AnswerTimeouts, AttemptHead, UpstreamCall, UpstreamTunnel } from './upstream-call.ts';
import { upstreamErrors } from './upstream-errors.ts';
import type { CallTaker, UpstreamPool } from './upstream-pool.ts';

/** A request as an endpoint would have got it. */
export interface StubbedRequest {
  readonly service: string;
  /** As a user would write it. */
  readonly endpoint: string;
  /** That it is sent for: the client's, or one that the gateway has made for a call of its own, with the same id. */
  readonly exchange: Exchange;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** End-to-end fields, names and values alternating; without those that tell where the request came from. */
  readonly fields: readonly string[];
  readonly body: Buffer;
  /** How long the endpoint may take; whoever answers for it keeps to them. */
  readonly timeouts: AnswerTimeouts;
}

export interface StubbedAnswer {
  readonly status: number;
  /** Names in lower case and values, alternating, without `content-length` and what belongs to a connection. */
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly trailers?: readonly string[] | undefined;
  /** Where it is another one than that of the body: of an answer to HEAD, or of one whose body is not there as a whole. */
  readonly contentLengthBytes?: number | undefined;
  /** The connection is lost behind the body. */
  readonly breaksOff?: boolean | undefined;
}

export interface UpstreamStub {
  /** What the endpoint answers, or how the attempt fails. */
  answer(request: StubbedRequest): StubbedAnswer | GatewayError | Promise<StubbedAnswer | GatewayError>;
}

export class StubbedUpstreamPool implements UpstreamPool {
  readonly connectionCount = 0;
  readonly waitingCount = 0;
  readonly #names: Pick<StubbedRequest, 'service' | 'endpoint'>;
  readonly #stub: UpstreamStub;

  constructor(names: Pick<StubbedRequest, 'service' | 'endpoint'>, stub: UpstreamStub) {
    this.#names = names;
    this.#stub = stub;
  }

  take(taker: CallTaker): undefined {
    taker.onCall(new StubbedCall(this.#names, this.#stub));
  }

  close(): void {
    // Nothing is open.
  }
}

class StubbedCall implements UpstreamCall {
  readonly isReused = false;
  readonly mayRefuse = false;
  isGone = false;
  readonly #names: Pick<StubbedRequest, 'service' | 'endpoint'>;
  readonly #stub: UpstreamStub;
  readonly #body = new ByteCollector();
  #events: AnswerEvents | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #attempt: AttemptHead | undefined = undefined;

  constructor(names: Pick<StubbedRequest, 'service' | 'endpoint'>, stub: UpstreamStub) {
    this.#names = names;
    this.#stub = stub;
  }

  send(events: AnswerEvents, exchange: Exchange, attempt: AttemptHead): void {
    this.#events = events;
    this.#exchange = exchange;
    this.#attempt = attempt;
  }

  sendChunk(view: Buffer): boolean {
    this.#body.add(view);
    return true;
  }

  flush(): boolean {
    return true;
  }

  /** Nobody who sends expects to be answered before this returns. */
  sendEnd(): void {
    const exchange = this.#exchange!;
    const { method, target, authority, fields = exchange.request.fields, timeouts } = this.#attempt!;
    const request = { ...this.#names, exchange, method, target, authority, fields, body: this.#body.take(), timeouts };
    Promise.resolve()
      .then(() => this.#stub.answer(request))
      .catch((cause: unknown) => upstreamErrors.lostBeforeAnswer(undefined, { cause }))
      .then((outcome) => this.#tell(outcome, method));
  }

  pauseAnswer(): void {
    // The answer is there as a whole, and stays as it is.
  }

  resumeAnswer(): void {
    // As for pausing.
  }

  cancel(): void {
    this.isGone = true;
    this.#events = undefined;
  }

  takeTunnel(): UpstreamTunnel {
    throw upstreamErrors.unexpectedUpgrade();
  }

  #tell(outcome: StubbedAnswer | GatewayError, method: string): void {
    if (outcome instanceof GatewayError) {
      this.isGone = true;
      return this.#events?.onUpstreamError(outcome);
    }
    const { body, trailers } = outcome;
    this.#events?.onUpstreamHead(toAnswerHead(outcome));
    // Whoever took the head may have had enough.
    if (body.length > 0 && method !== 'HEAD') this.#events?.onUpstreamChunk(body);
    if (outcome.breaksOff === true) this.#events?.onUpstreamError(upstreamErrors.truncatedBody());
    else this.#events?.onUpstreamEnd(trailers);
    this.#events = undefined;
  }
}

function toAnswerHead({ status, fields, body, contentLengthBytes = body.length }: StubbedAnswer): AnswerHead {
  return {
    status,
    fields: [...fields],
    fieldText: undefined,
    contentLengthBytes,
    hasForwardingFields: false,
    hasDate: fields.includes('date'),
    upgrade: undefined,
  };
}
