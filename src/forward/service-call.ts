/** A request of the gateway's own under way to a service, for an exchange that waits for its answer. */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { type ClientRequest, Exchange, type ExchangeHold } from '#http/exchange.ts';
import { type AnswerHead, type AttemptHead, toTimeoutDetail, type UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';
import type { CallService, ServiceAnswer, ServiceRequest } from '#pipeline/service-call.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { noClient } from './no-client.ts';
import { serviceCallErrors } from './service-call-errors.ts';

export interface ServiceCallMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly services: ReadonlyMap<string, Service>;
}

/** For the services of one snapshot. */
export function createServiceCaller({ clock, wheel, services }: ServiceCallMeans): CallService {
  return (exchange, name, request) =>
    new Promise((resolve) => {
      new ServiceCall(exchange, { service: services.get(name)!, request }, { clock, wheel, onEnded: resolve }).start();
    });
}

interface CallOrder {
  readonly service: Service;
  readonly request: ServiceRequest;
}

interface CallMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly onEnded: (outcome: ServiceAnswer | GatewayError) => void;
}

class ServiceCall extends WheelTimer implements AttemptOwner, PickSubject, ExchangeHold {
  /** The body is there. */
  readonly isRequestWhole = true;
  readonly isGrpc = false;
  /** One of its own, so that whatever is noted for it, such as a place at the service, is not noted for the one that waits. */
  readonly exchange: Exchange;
  readonly #waiting: Exchange;
  readonly #service: Service;
  readonly #request: ServiceRequest;
  readonly #means: CallMeans;
  #attempt: Attempt | undefined = undefined;
  #hasRepeated = false;
  #head: AnswerHead | undefined = undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #isOver = false;

  constructor(waiting: Exchange, { service, request }: CallOrder, means: CallMeans) {
    super();
    this.#waiting = waiting;
    this.#service = service;
    this.#request = request;
    this.#means = means;
    const { requestId } = waiting;
    this.exchange = new Exchange(noClient, noClient, toClientRequest(waiting.request, request), {
      requestId,
      startedMs: means.clock.monotonicMs(),
    });
    this.exchange.consumer = waiting.consumer;
  }

  get clientAddress(): string {
    return this.exchange.request.clientAddress;
  }

  nowMs(): number {
    return this.#means.clock.monotonicMs();
  }

  start(): void {
    this.#means.wheel.arm(this, this.#request.limit.ms);
    this.#waiting.attach(this);
    const { protection } = this.#service;
    const place = protection?.admitNow();
    if (protection !== undefined && place === undefined) return this.#end(serviceErrors.overloaded(this.#detail));
    if (place !== undefined) this.exchange.hold(place);
    this.#attemptAt(this.#service.pick(this), false);
  }

  /** The exchange that waited is over. */
  release(): void {
    this.#end(serviceCallErrors.abandoned(this.#detail));
  }

  override onDeadline(): void {
    const error = upstreamErrors.requestTimeout(toTimeoutDetail(this.#request.limit));
    this.#leave(error);
    this.#end(error);
  }

  /** The connection carries a request that is not the client's. */
  encodeClientHeader(version: 'v1' | 'v2'): Buffer {
    return encodeClientHeader(version, undefined);
  }

  // From the attempt

  onAttemptReady(attempt: Attempt, call: UpstreamCall): void {
    call.send(attempt, this.exchange, this.#toHead(attempt.endpoint));
    const { body } = this.#request;
    if (body !== undefined && body.length > 0) call.sendChunk(body);
    call.sendEnd(undefined);
  }

  onAttemptInformational(): void {
    // Only the final answer counts.
  }

  onAttemptHead(_attempt: Attempt, head: AnswerHead): void {
    this.#head = head;
    if (head.status === 101) return this.#end(upstreamErrors.unexpectedUpgrade(this.#detail));
    if (head.contentLengthBytes > this.#request.answerBytesMax && this.#request.method !== 'HEAD') this.#refuseLength();
  }

  onAttemptChunk(_attempt: Attempt, view: Buffer): void {
    this.#bodyBytes += view.length;
    if (this.#bodyBytes > this.#request.answerBytesMax) this.#refuseLength();
    else this.#body.push(Buffer.from(view));
  }

  onAttemptText(attempt: Attempt, text: string): void {
    this.onAttemptChunk(attempt, Buffer.from(text, 'latin1'));
  }

  onAttemptFlush(): void {
    // Nothing is passed on before the answer is whole.
  }

  onAttemptDrained(): void {
    // The whole body is given at once.
  }

  onAttemptEnd(): void {
    this.#attempt = undefined;
    const { status, fields } = this.#head!;
    this.#end({ status, fields, body: Buffer.concat(this.#body) });
  }

  onAttemptFailed(attempt: Attempt, error: GatewayError): void {
    this.#attempt = undefined;
    if (!this.#mayRepeat(attempt, error)) return this.#end(error);
    this.#hasRepeated = true;
    // Somebody else, where an endpoint could not be reached; the same one, where only a connection was old.
    const tried = error.kind.stage === 'connect' ? [attempt.endpoint] : undefined;
    this.#attemptAt(this.#service.pick(this, tried), true);
  }

  // Inside

  #attemptAt(endpoint: Endpoint | undefined, isFresh: boolean): void {
    if (endpoint === undefined) return this.#end(serviceErrors.noEndpoint(this.#detail));
    const attempt = new Attempt(this.#service, endpoint, this);
    this.#attempt = attempt;
    attempt.start(isFresh);
  }

  /** Once: nobody has worked on it, or a connection that was used before was closed under us and asking twice does no harm. */
  #mayRepeat({ wasReused }: Attempt, { kind }: GatewayError): boolean {
    if (this.#hasRepeated || this.#isOver || this.#head !== undefined) return false;
    if (kind.retry === 'always') return true;
    return kind.retry === 'if-reused-connection' && wasReused && this.#request.isRepeatable;
  }

  #refuseLength(): void {
    this.#end(serviceCallErrors.answerTooLong({ ...this.#detail, bytesMax: this.#request.answerBytesMax }));
  }

  #leave(error: GatewayError | undefined): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.leave(error);
  }

  #end(outcome: ServiceAnswer | GatewayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave(undefined);
    this.#means.wheel.remove(this);
    this.#waiting.detach(this);
    this.exchange.release();
    this.#body = [];
    this.#means.onEnded(outcome);
  }

  #toHead(endpoint: Endpoint): AttemptHead {
    const { method, target, authority, fields, limit } = this.#request;
    return {
      method,
      target,
      authority: this.#service.authorityFor(endpoint, authority),
      fields,
      timeouts: { firstByte: limit, idle: limit },
    };
  }

  get #detail() {
    return { service: this.#service.definition.name };
  }
}

/** From the same client, by the same way: what tells where a request came from is the same. */
function toClientRequest(
  { listener, clientAddress, peerAddress, clientPort, scheme, forwardingFields }: ClientRequest,
  { method, target, authority, fields, body }: ServiceRequest,
): ClientRequest {
  const question = target.indexOf('?');
  return {
    listener,
    protocol: 'HTTP/1.1',
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    target,
    authority,
    host: '',
    fields,
    fieldText: undefined,
    contentLengthBytes: body === undefined ? -1 : body.length,
    hasBody: body !== undefined && body.length > 0,
    acceptsTrailers: false,
    expectsContinue: false,
    upgrade: undefined,
    clientAddress,
    peerAddress,
    clientPort,
    scheme,
    forwardingFields,
  };
}
