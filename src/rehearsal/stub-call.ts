/** A request to a service that is a stub: it collects what would be sent, and gives the answer of the stub. Opens no socket. */
import { ByteCollector } from '#base/byte-collector.ts';
import type { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { hasResponseBody } from '#http/response.ts';
import type { AnswerEvents, AttemptHead, UpstreamCall, UpstreamTunnel } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { CallTaker, UpstreamPool } from '#http/upstream-pool.ts';
import type { ReadyAnswer, SentRequest } from './stub-answer.ts';

/** Who has the stubs. */
export interface StubHost {
  /** What the service says; rejects when the stub itself fails. */
  answer(request: SentRequest, exchange: Exchange): Promise<ReadyAnswer>;
  /** Nothing else happens to the request for so long. */
  later(ms: number, run: () => void): () => void;
  /** The stub itself has thrown, which is a mistake of whoever wrote it. */
  onStubFailed(exchange: Exchange, thrown: unknown): void;
}

/** The connections to one endpoint. There is always one more. */
export class StubPool implements UpstreamPool {
  readonly connectionCount = 0;
  readonly #service: string;
  readonly #endpoint: string;
  readonly #host: StubHost;

  constructor(service: string, endpoint: string, host: StubHost) {
    this.#service = service;
    this.#endpoint = endpoint;
    this.#host = host;
  }

  take(taker: CallTaker): undefined {
    taker.onCall(new StubCall(this.#service, this.#endpoint, this.#host));
  }

  close(): void {
    // There is nothing to close.
  }
}

class StubCall implements UpstreamCall {
  readonly isReused = false;
  readonly mayRefuse = false;
  isGone = false;
  readonly #service: string;
  readonly #endpoint: string;
  readonly #host: StubHost;
  readonly #body = new ByteCollector();
  #events: AnswerEvents | undefined;
  #exchange: Exchange | undefined;
  #attempt: AttemptHead | undefined;
  #isPaused = false;
  #goOn: (() => void) | undefined;
  #callOff: (() => void) | undefined;

  constructor(service: string, endpoint: string, host: StubHost) {
    this.#service = service;
    this.#endpoint = endpoint;
    this.#host = host;
  }

  send(events: AnswerEvents, exchange: Exchange, attempt: AttemptHead): void {
    this.#events = events;
    this.#exchange = exchange;
    this.#attempt = attempt;
  }

  sendChunk(view: Buffer): boolean {
    // The view is lent.
    this.#body.add(view);
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(): void {
    const exchange = this.#exchange!;
    const request = this.#toSent(exchange, this.#attempt!);
    this.#host.answer(request, exchange).then(
      (answer) => this.#begin(answer),
      (thrown: unknown) => {
        this.#host.onStubFailed(exchange, thrown);
        this.#fail(upstreamErrors.lostBeforeAnswer({ reason: 'the stub has failed' }));
      },
    );
  }

  pauseAnswer(): void {
    this.#isPaused = true;
  }

  resumeAnswer(): void {
    this.#isPaused = false;
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  cancel(): void {
    this.#leave();
  }

  takeTunnel(): UpstreamTunnel {
    throw upstreamErrors.unexpectedUpgrade();
  }

  #toSent({ request, requestId }: Exchange, { method, target, authority, fields }: AttemptHead): SentRequest {
    const mark = target.indexOf('?');
    const sent = [...(fields ?? request.fields), ...request.forwardingFields.fields, 'x-request-id', requestId];
    return {
      service: this.#service,
      endpoint: this.#endpoint,
      method,
      path: mark < 0 ? target : target.slice(0, mark),
      query: mark < 0 ? '' : target.slice(mark + 1),
      host: authority,
      headers: toHeaders(sent),
      body: this.#body.take().toString('utf8'),
    };
  }

  #begin(answer: ReadyAnswer): void {
    if (this.isGone) return;
    const isSilent = answer.fails === 'silent';
    if (!isSilent && answer.afterMs === 0) return this.#reply(answer);
    const ms = isSilent ? Number.POSITIVE_INFINITY : answer.afterMs;
    const { firstByte } = this.#attempt!.timeouts;
    // A service has no more time than it is given.
    const isLate = ms >= firstByte.ms;
    this.#callOff = this.#host.later(isLate ? firstByte.ms : ms, () => {
      this.#callOff = undefined;
      if (isLate) this.#fail(upstreamErrors.firstByteTimeout({ timeoutMs: firstByte.ms, setting: firstByte.setting }));
      else this.#reply(answer);
    });
  }

  #reply(answer: ReadyAnswer): void {
    if (answer.fails === 'unreachable') return this.#fail(upstreamErrors.unreachable({ reason: 'ECONNREFUSED' }));
    if (answer.fails === 'reset') return this.#fail(upstreamErrors.lostBeforeAnswer({ reason: 'ECONNRESET' }));
    const { status, fields, body, trailers } = answer;
    const hasBody = hasResponseBody(this.#attempt!.method, status);
    const isBroken = answer.fails === 'broken';
    this.#events?.onUpstreamHead({
      status,
      fields: [...fields],
      fieldText: undefined,
      contentLengthBytes: trailers === undefined && status !== 204 && !isBroken ? body.length : -1,
      hasForwardingFields: fields.includes('x-request-id'),
      hasDate: fields.includes('date'),
      upgrade: undefined,
    });
    this.#whenFlowing(() => {
      if (hasBody && body.length > 0) this.#events?.onUpstreamChunk(body);
      this.#events?.onUpstreamFlush();
      this.#whenFlowing(() => (isBroken ? this.#fail(upstreamErrors.truncatedBody()) : this.#end(trailers)));
    });
  }

  #whenFlowing(run: () => void): void {
    if (this.isGone) return;
    if (this.#isPaused) this.#goOn = run;
    else run();
  }

  #end(trailers: readonly string[] | undefined): void {
    const events = this.#events;
    this.#leave();
    events?.onUpstreamEnd(trailers);
  }

  #fail(error: GatewayError): void {
    const events = this.#events;
    this.#leave();
    events?.onUpstreamError(error);
  }

  #leave(): void {
    this.isGone = true;
    this.#events = undefined;
    this.#callOff?.();
    this.#callOff = undefined;
  }
}

function toHeaders(fields: readonly string[]): Record<string, string> {
  // Through a map, because a field may be called `constructor` or `__proto__`.
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const before = values.get(fields[i]!);
    values.set(fields[i]!, before === undefined ? fields[i + 1]! : `${before}, ${fields[i + 1]}`);
  }
  return Object.fromEntries(values);
}
