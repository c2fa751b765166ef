/** A request of the gateway's own under way to a service, for an exchange that waits for its answer. */
import { ByteCollector } from '#base/byte-collector.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import { type ClientRequest, Exchange, type TriedAttempt } from '#http/exchange.ts';
import type { AttemptCause } from '#http/exchange-journal.ts';
import { type AnswerHead, type AttemptHead, toTimeoutDetail, type UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';
import { toFault } from '#pipeline/rescue.ts';
import type {
  CallService,
  ServiceAnswer,
  ServiceCallOwner,
  ServiceRequest,
  StartedServiceCall,
  StartServiceCall,
} from '#pipeline/service-call.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Candidate } from '#services/protection/gate.ts';
import type { Importance } from '#services/protection/importance.ts';
import type { Service } from '#services/service.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import type { RetryRules } from './forward-rules.ts';
import { explainStop, FurtherAttempts, type FurtherAttemptsOwner, type NextAttempt } from './further-attempts.ts';
import { noClient } from './no-client.ts';
import { isUnwanted } from './retry-decision.ts';
import { serviceCallErrors } from './service-call-errors.ts';
import { tapped } from './tapped-attempt.ts';
import { traceHead } from './traced-head.ts';

export interface ServiceCallMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: () => number;
}

/** For the services of one snapshot. */
export function createServiceCaller(services: ReadonlyMap<string, Service>, means: ServiceCallMeans): CallService {
  return (exchange, name, request) =>
    new Promise((resolve) => {
      const owner: ServiceCallOwner = { onServiceCallEnded: resolve };
      new ServiceCall(exchange, { service: services.get(name)!, rules: undefined, means }, request, owner).start();
    });
}

/** What a call that counts like any other request of a route needs. */
export interface CallRules {
  readonly retry: RetryRules;
  readonly importance: Importance;
}

/** For one service, with further attempts, and with a turn of its own where the service cannot take all at once. */
export function createCallStarter(service: Service, rules: CallRules, means: ServiceCallMeans): StartServiceCall {
  const target = { service, rules, means };
  return (exchange, request, owner) => {
    const call = new ServiceCall(exchange, target, request, owner);
    call.start();
    return call;
  };
}

interface CallTarget {
  readonly service: Service;
  /** `undefined`: it is sent now or not at all, and once more only where that is safe whatever it asks for. */
  readonly rules: CallRules | undefined;
  readonly means: ServiceCallMeans;
}

class ServiceCall extends WheelTimer implements AttemptOwner, PickSubject, StartedServiceCall, FurtherAttemptsOwner, Candidate {
  /** The body is there. */
  readonly isRequestWhole = true;
  readonly isGrpc = false;
  /** One of its own, so that whatever is noted for it, such as a place at the service, is not noted for the one that waits. */
  readonly exchange: Exchange;
  readonly #waiting: Exchange;
  readonly #target: CallTarget;
  readonly #request: ServiceRequest;
  readonly #owner: ServiceCallOwner;
  #attempt: Attempt | undefined = undefined;
  #further: FurtherAttempts | undefined = undefined;
  #hasRepeated = false;
  #head: AnswerHead | undefined = undefined;
  readonly #body = new ByteCollector();
  #bodyBytes = 0;
  #isOver = false;

  constructor(waiting: Exchange, target: CallTarget, request: ServiceRequest, owner: ServiceCallOwner) {
    super();
    this.#waiting = waiting;
    this.#target = target;
    this.#request = request;
    this.#owner = owner;
    const { requestId } = waiting;
    this.exchange = new Exchange(noClient, noClient, toClientRequest(waiting.request, request), {
      requestId,
      startedMs: target.means.clock.monotonicMs(),
    });
    this.exchange.consumer = waiting.consumer;
    this.exchange.journal = waiting.journal;
    this.exchange.trace = waiting.trace;
  }

  get clientAddress(): string {
    return this.exchange.request.clientAddress;
  }

  get endpoint(): string | undefined {
    return this.exchange.endpointName;
  }

  get attempts(): number {
    return this.exchange.attempts;
  }

  get tried(): readonly TriedAttempt[] | undefined {
    return this.exchange.tried;
  }

  nowMs(): number {
    return this.#target.means.clock.monotonicMs();
  }

  start(): void {
    const { service, rules, means } = this.#target;
    means.wheel.arm(this, this.#request.limit.ms);
    this.#waiting.attach(this);
    if (rules !== undefined) return this.#startBy(rules);
    const { protection } = service;
    const place = protection?.admitNow();
    if (protection !== undefined && place === undefined) return this.#end(serviceErrors.overloaded(this.#detail));
    if (place !== undefined) this.exchange.hold(place);
    this.#attemptAt(service.pick(this), { isFresh: false, cause: 'first' });
  }

  /** It is its turn at the service. */
  enter(): void {
    this.#attemptAt(this.#target.service.pick(this), { isFresh: false, cause: 'first' });
  }

  refuse(error: GatewayError): void {
    this.#end(error);
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
    const head = this.#toHead(attempt.endpoint);
    traceHead(head, this.exchange, attempt);
    call.send(tapped(attempt, head, this.#waiting), this.exchange, head);
    const { body } = this.#request;
    if (body !== undefined && body.length > 0) call.sendChunk(body);
    call.sendEnd(undefined);
  }

  onAttemptInformational(): void {
    // Only the final answer counts.
  }

  onAttemptHead(attempt: Attempt, head: AnswerHead): void {
    if (attempt.status >= 400 && this.#triesAgain(attempt, head)) return;
    this.#head = head;
    if (head.status === 101) return this.#end(upstreamErrors.unexpectedUpgrade(this.#detail));
    if (head.contentLengthBytes > this.#request.answerBytesMax && this.#request.method !== 'HEAD') this.#refuseLength();
  }

  onAttemptChunk(_attempt: Attempt, view: Buffer): void {
    this.#bodyBytes += view.length;
    if (this.#bodyBytes > this.#request.answerBytesMax) this.#refuseLength();
    else this.#body.add(view);
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
    this.#end({ status, fields, body: this.#body.take() });
  }

  onAttemptFailed(attempt: Attempt, error: GatewayError): void {
    this.#attempt = undefined;
    const { rules, service } = this.#target;
    if (rules !== undefined && this.#head === undefined) return this.#goOnBehind(attempt, error, rules);
    if (!this.#mayRepeat(attempt, error)) return this.#end(error);
    this.#hasRepeated = true;
    // Somebody else, where an endpoint could not be reached; the same one, where only a connection was old.
    const tried = error.kind.stage === 'connect' ? [attempt.endpoint] : undefined;
    this.#attemptAt(service.pick(this, tried), { isFresh: true, cause: 'repeat' });
  }

  // For further attempts

  attemptNext({ endpoint, isFresh, cause }: NextAttempt): void {
    if (this.#isOver) return;
    const { service } = this.#target;
    // Another thread may have taken its last place since it was looked for.
    const isMeant = endpoint !== undefined && service.letsTo(endpoint);
    this.#attemptAt(isMeant ? endpoint : service.pick(this, this.#further?.endpoints), { isFresh, cause });
  }

  onThrown(thrown: unknown): void {
    this.#end(toFault(thrown));
  }

  // Inside

  #startBy({ importance }: CallRules): void {
    const { protection, retryBudget } = this.#target.service;
    retryBudget.onRequest();
    if (protection === undefined) this.enter();
    else protection.admit(this, importance);
  }

  #goOnBehind(attempt: Attempt, error: GatewayError, rules: CallRules): void {
    const further = this.#furtherBehind(attempt, rules);
    const next = further.afterError(error, attempt, true);
    if (next.kind === 'stop') return this.#end(explainStop(error, next.reason));
    further.log(attempt, error.code);
    further.begin(next);
  }

  /** False: the answer counts. */
  #triesAgain(attempt: Attempt, head: AnswerHead): boolean {
    const { rules } = this.#target;
    if (rules === undefined || !isUnwanted(attempt, rules.retry)) return false;
    const further = this.#furtherBehind(attempt, rules);
    const next = further.afterAnswer(head, attempt, true);
    if (next.kind === 'stop') return false;
    this.#attempt = undefined;
    attempt.discard(head);
    further.log(attempt, attempt.said);
    further.begin(next);
    return true;
  }

  #furtherBehind({ endpoint }: Attempt, rules: CallRules): FurtherAttempts {
    this.#further ??= new FurtherAttempts(this.exchange, { ...this.#target, rules }, this);
    this.#further.exclude(endpoint);
    return this.#further;
  }

  #attemptAt(endpoint: Endpoint | undefined, { isFresh, cause }: { isFresh: boolean; cause: AttemptCause }): void {
    if (endpoint === undefined) return this.#end(serviceErrors.noEndpoint(this.#detail));
    this.exchange.endpointName = endpoint.url;
    this.exchange.attempts += 1;
    const { journal } = this.exchange;
    const watch = journal && { journal, cause, subject: this, tried: this.#further?.endpoints };
    const attempt = new Attempt(this.#target.service, endpoint, this, watch);
    this.exchange.trace?.noteAttempt(attempt, this.exchange.attempts - 1, this.#request.spanId);
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
    this.#further?.end();
    this.#leave(undefined);
    this.#target.means.wheel.remove(this);
    this.#waiting.detach(this);
    this.exchange.release();
    this.#body.clear();
    this.#owner.onServiceCallEnded(outcome, this);
  }

  #toHead(endpoint: Endpoint): AttemptHead {
    const { method, target, authority, fields, limit } = this.#request;
    return {
      method,
      target,
      authority: this.#target.service.authorityFor(endpoint, authority),
      fields,
      timeouts: { firstByte: limit, idle: limit },
      trace: undefined,
    };
  }

  get #detail() {
    return { service: this.#target.service.definition.name };
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
