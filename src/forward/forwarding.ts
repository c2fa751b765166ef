/**
 * One exchange on its way to a service: makes attempts until one is answered, sends the request's body to it, and streams
 * the answer back. Nearly always there is one attempt; what more of them need is made when there is a second one.
 */
import type { GatewayError } from '#base/errors.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import type { AttemptCause } from '#http/exchange-journal.ts';
import { endsWithGrpcStatus, isGrpcCall } from '#http/grpc-request.ts';
import { PassedResponse } from '#http/passed-response.ts';
import type { AnswerHead, UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Candidate } from '#services/protection/gate.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { removeField } from '#wire/fields/field-list.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { toAttemptHead } from './attempt-head.ts';
import { type CallDeadline, startRequestDeadline } from './call-deadline.ts';
import { encodeHeaderFor } from './client-header.ts';
import { answerInstead, type Fallback, type UnansweredRequest } from './fallback.ts';
import type { ForwardTarget } from './forward-target.ts';
import { openForwardedTunnel } from './forwarded-tunnel.ts';
import { explainStop, FurtherAttempts, type FurtherAttemptsOwner, type NextAttempt } from './further-attempts.ts';
import { Hedge, type HedgeOwner, mayBeHedged } from './hedge.ts';
import { type ReplayBody, toReplayBody } from './replay-body.ts';
import { isUnwanted } from './retry-decision.ts';
import { tapped } from './tapped-attempt.ts';
import { traceHead } from './traced-head.ts';

export class Forwarding
  implements AnswerSource, AttemptOwner, Candidate, FurtherAttemptsOwner, HedgeOwner, PickSubject, UnansweredRequest
{
  readonly exchange: Exchange;
  readonly #plan: RoutePlan;
  #target: ForwardTarget;
  #attempt: Attempt | undefined = undefined;
  #further: FurtherAttempts | undefined = undefined;
  #hedge: Hedge | undefined = undefined;
  #replay: ReplayBody | undefined = undefined;
  /** Some of the body has come. Before that, all of it is where it was: at the client, or with a policy that has read it. */
  #hasTakenBody = false;
  #isRequestEnded = false;
  #requestTrailers: readonly string[] | undefined = undefined;
  #deadline: CallDeadline | undefined = undefined;

  constructor(exchange: Exchange, plan: RoutePlan, target: ForwardTarget) {
    this.exchange = exchange;
    this.#plan = plan;
    this.#target = target;
  }

  /** Its time runs from now on, also while it waits for a service to take it. */
  start(): void {
    const { rules, means } = this.#target;
    this.#deadline = startRequestDeadline(this.exchange, rules.requestLimit, means.wheel, (error) => this.#onTimePassed(error));
    this.#ask();
  }

  #ask(): void {
    const { service, importance } = this.#target;
    service.retryBudget.onRequest();
    if (service.protection === undefined) this.#begin();
    else service.protection.admit(this, importance);
  }

  /** The service takes it, perhaps long after it came: nobody else would catch what is thrown. */
  enter(): void {
    try {
      this.#begin();
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  /** The service does not take it. */
  refuse(error: GatewayError): void {
    try {
      this.#giveUp(error, undefined);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  /** The first attempt at a service. */
  #begin(): void {
    const { exchange } = this;
    const { service, rules } = this.#target;
    if (rules.hedge !== undefined && mayBeHedged(exchange.request)) {
      this.#hedge = new Hedge(rules.hedge, this.#target, this);
      this.#hedge.start();
    }
    this.#attemptAt(service.pick(this), { isFresh: false, cause: exchange.fallbackReason === undefined ? 'first' : 'fallback' });
  }

  get target(): ForwardTarget {
    return this.#target;
  }

  get isRequestWhole(): boolean {
    return this.#isRequestEnded || !this.exchange.request.hasBody;
  }

  get isGrpc(): boolean {
    return isGrpcCall(this.exchange.request);
  }

  /** All of the body that was taken is still there. */
  get hasWholeBody(): boolean {
    return !this.exchange.request.hasBody || !this.#hasTakenBody || this.#replay?.isGone === false;
  }

  get clientAddress(): string {
    return this.exchange.request.clientAddress;
  }

  nowMs(): number {
    return this.#target.means.clock.monotonicMs();
  }

  encodeClientHeader(version: 'v1' | 'v2'): Buffer {
    return encodeHeaderFor(this.exchange, version);
  }

  // From the client

  onRequestChunk(view: Buffer): void {
    this.#hasTakenBody = true;
    this.#replay?.keep(view);
    const isTaken = this.#attempt?.call?.sendChunk(view);
    if (isTaken === false) this.exchange.pauseRequestBody();
  }

  onRequestFlush(): void {
    if (this.#attempt?.call?.flush() === false) this.exchange.pauseRequestBody();
  }

  onRequestEnd(trailers: readonly string[] | undefined): void {
    this.#isRequestEnded = true;
    this.#requestTrailers = trailers;
    this.#attempt?.call?.sendEnd(trailers);
  }

  onClientDrained(): void {
    this.#attempt?.call?.resumeAnswer();
  }

  onClientGone(): void {
    this.#endTimers();
    this.#leaveAttempts();
  }

  // From the attempts

  onAttemptReady(attempt: Attempt, call: UpstreamCall): void {
    try {
      this.#sendRequest(attempt, call);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  onAttemptInformational(_attempt: Attempt, head: AnswerHead): void {
    this.exchange.client.sendInformational(head.status, head.fields);
  }

  onAttemptHead(attempt: Attempt, head: AnswerHead): void {
    if (head.status === 101) return this.#openTunnel(attempt, head);
    const { exchange } = this;
    const { source } = exchange;
    try {
      const response = new PassedResponse(head);
      if (head.hasForwardingFields) removeField(response.fields, 'x-request-id');
      this.#plan.shapeUpstreamResponse(exchange, response);
      // With another source a policy has failed, and its problem document takes the place of the answer.
      if (attempt.status >= 400 && exchange.source === source && this.#isReplaced(attempt, head)) return;
      this.#choose(attempt);
      exchange.endsWithGrpcStatus = endsWithGrpcStatus(exchange.request, head);
      attempt.service.affinity?.keepAt(attempt.endpoint, exchange, response);
      exchange.sendHead(response);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  onAttemptChunk(attempt: Attempt, view: Buffer): void {
    try {
      if (!this.exchange.answer.sendChunk(view)) attempt.call?.pauseAnswer();
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  onAttemptText(attempt: Attempt, text: string): void {
    const { client, answer } = this.exchange;
    if (answer !== client || client.sendText === undefined) this.onAttemptChunk(attempt, Buffer.from(text, 'latin1'));
    else if (!client.sendText(text)) attempt.call?.pauseAnswer();
  }

  onAttemptFlush(attempt: Attempt): void {
    if (!this.exchange.isFinished && !this.exchange.answer.flush()) attempt.call?.pauseAnswer();
  }

  onAttemptEnd(_attempt: Attempt, trailers: readonly string[] | undefined): void {
    this.#endTimers();
    this.#attempt = undefined;
    if (!this.exchange.isFinished) this.exchange.answer.sendEnd(trailers);
  }

  onAttemptDrained(): void {
    this.exchange.resumeRequestBody();
  }

  onAttemptFailed(attempt: Attempt, error: GatewayError): void {
    try {
      this.#goOnBehind(attempt, error);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  // For further attempts, and for those beside a slow one

  attemptNext({ endpoint, isFresh, cause }: NextAttempt): void {
    const { service } = this.#target;
    // Another thread may have taken its last place since it was looked for.
    const isMeant = endpoint !== undefined && service.letsTo(endpoint);
    this.#hedge?.start();
    this.#attemptAt(isMeant ? endpoint : service.pick(this, this.#further?.endpoints), { isFresh, cause });
  }

  listAsked(): readonly Endpoint[] | undefined {
    if (this.#attempt === undefined) return undefined;
    return [this.#attempt.endpoint, ...(this.#hedge?.endpoints ?? []), ...(this.#further?.excluded ?? [])];
  }

  makeAttempt(endpoint: Endpoint, cause: AttemptCause): Attempt {
    const { exchange } = this;
    const { service, rules, means } = this.#target;
    exchange.endpointName = endpoint.url;
    exchange.attempts += 1;
    const { journal } = exchange;
    const watch = journal && { journal, cause, subject: this, tried: this.listAsked() ?? this.#further?.endpoints };
    const attempt = new Attempt(service, endpoint, this, watch);
    exchange.trace?.noteAttempt(attempt, exchange.attempts - 1);
    if (rules.attemptLimit !== undefined) attempt.limit(rules.attemptLimit, means.wheel);
    return attempt;
  }

  /** A policy threw, or something of ours. The upstream is left, and the client hears of it. */
  onThrown(thrown: unknown): void {
    this.onClientGone();
    rescueThrown(this.exchange, thrown);
  }

  // Inside: one attempt and the next

  #goOnBehind(attempt: Attempt, error: GatewayError): void {
    const { exchange } = this;
    this.#forget(attempt);
    if (exchange.isFinished) return;
    if (exchange.hasResponseBegun) return rescue(exchange, error);
    const further = this.#furtherBehind(attempt);
    // One that still runs may do better.
    if (this.#attempt !== undefined) return further.log(attempt, error.code);
    const next = further.afterError(error, attempt, this.hasWholeBody);
    if (next.kind === 'stop') {
      exchange.endpointName = attempt.endpoint.url;
      return this.#giveUp(explainStop(error, next.reason), attempt);
    }
    further.log(attempt, error.code);
    this.#goOn(further, next);
  }

  #attemptAt(endpoint: Endpoint | undefined, { isFresh, cause }: { isFresh: boolean; cause: AttemptCause }): void {
    const { service } = this.#target;
    if (endpoint === undefined) return this.#giveUp(serviceErrors.noEndpoint({ service: service.definition.name }), undefined);
    const attempt = this.makeAttempt(endpoint, cause);
    this.#attempt = attempt;
    attempt.start(isFresh);
  }

  #goOn(further: FurtherAttempts, next: NextAttempt): void {
    const { exchange } = this;
    // Until there is a connection again, there is nowhere for more of the body to go.
    if (exchange.request.hasBody && !this.#isRequestEnded) exchange.pauseRequestBody();
    further.begin(next);
  }

  /** False: the answer goes to the client. */
  #isReplaced(attempt: Attempt, head: AnswerHead): boolean {
    return this.#triesAgain(attempt, head) || this.#fallsBack(attempt, head);
  }

  /** False: no further attempt is wanted or allowed. Otherwise another attempt follows, or one that still runs has to do. */
  #triesAgain(attempt: Attempt, head: AnswerHead): boolean {
    const { exchange } = this;
    if (!isUnwanted(attempt, this.#target.rules.retry)) return false;
    const further = this.#furtherBehind(attempt);
    const isAlone = this.#hedge === undefined || this.#hedge.isAlone;
    const next = isAlone ? further.afterAnswer(head, attempt, this.hasWholeBody) : undefined;
    if (next?.kind === 'stop') {
      exchange.notRetried = next.reason;
      return false;
    }
    this.#forget(attempt);
    attempt.discard(head);
    further.log(attempt, attempt.said);
    if (next !== undefined) this.#goOn(further, next);
    return true;
  }

  #furtherBehind({ endpoint }: Attempt): FurtherAttempts {
    this.#further ??= new FurtherAttempts(this.exchange, this.#target, this);
    this.#further.exclude(endpoint);
    return this.#further;
  }

  /** It has ended, or nobody wants its answer. */
  #forget(attempt: Attempt): void {
    if (this.#attempt === attempt) this.#attempt = this.#hedge?.takeNext();
    else this.#hedge?.forget(attempt);
  }

  /** Its answer is the one that counts. */
  #choose(attempt: Attempt): void {
    const { exchange } = this;
    exchange.upstreamHeadMs = attempt.headMs;
    this.#replay = undefined;
    if (this.#hedge === undefined) return;
    // The one that was started last may be another one.
    exchange.endpointName = attempt.endpoint.url;
    const slower = this.#hedge.settle(attempt, this.#attempt);
    if (slower.length === 0) return;
    this.#attempt = attempt;
    for (const each of slower) {
      each.noteSlower();
      this.#furtherBehind(each).log(each, 'slower');
    }
  }

  // Inside: what answers in the place of the service

  /** No further attempt follows `attempt`: the fallback answers, or the client hears of the error. */
  #giveUp(error: GatewayError, attempt: Attempt | undefined): void {
    const { fallback } = this.#target;
    if (fallback?.answersAfter(error, this) !== true) return rescue(this.exchange, error);
    if (attempt !== undefined) this.#furtherBehind(attempt).log(attempt, error.code);
    this.#fallBack(fallback, error.code);
  }

  #onTimePassed(error: GatewayError): void {
    try {
      this.#runOut(error);
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  /** The request has had its time. */
  #runOut(error: GatewayError): void {
    const { exchange } = this;
    const { fallback } = this.#target;
    // What a client of gRPC gives its call says nothing about the service.
    if (error.kind === upstreamErrors.requestTimeout.kind) this.#leaveAttempts(error);
    if (fallback?.answersAtOnce(error) !== true || exchange.hasResponseBegun) return rescue(exchange, error);
    this.#fallBack(fallback, error.code);
  }

  /** False: the answer is not one that the fallback stands in for. */
  #fallsBack(attempt: Attempt, head: AnswerHead): boolean {
    const { fallback } = this.#target;
    if (fallback?.answersInsteadOf(head.status, this) !== true) return false;
    this.#forget(attempt);
    attempt.discard(head);
    this.#furtherBehind(attempt).log(attempt, head.status);
    this.#fallBack(fallback, String(head.status));
    return true;
  }

  #fallBack({ to }: Fallback, reason: string): void {
    const { exchange } = this;
    exchange.fallbackReason = reason;
    exchange.endpointName = undefined;
    this.#leaveAttempts();
    // The first service is not busy with it any more.
    exchange.release();
    if (to.kind === 'answer') answerInstead(exchange, this.#plan, to.terminal);
    else this.#askInstead(to);
  }

  #askInstead({ service, rules }: Pick<ForwardTarget, 'service' | 'rules'>): void {
    const { exchange } = this;
    this.#target = { ...this.#target, service, rules, fallback: undefined };
    this.#further = undefined;
    exchange.serviceName = service.definition.name;
    // Until there is a connection, there is nowhere for more of the body to go.
    if (exchange.request.hasBody && !this.#isRequestEnded) exchange.pauseRequestBody();
    this.#ask();
  }

  // Inside: what is sent

  #sendRequest(attempt: Attempt, call: UpstreamCall): void {
    const head = toAttemptHead(this.exchange, this.#plan, this.#target, attempt.endpoint);
    // A policy may have ended the exchange instead.
    if (attempt.call !== call) return;
    traceHead(head, this.exchange, attempt);
    call.send(tapped(attempt, head, this.exchange), this.exchange, head);
    if (this.exchange.request.hasBody) this.#sendBody(call);
    else call.sendEnd(undefined);
  }

  #sendBody(call: UpstreamCall): void {
    const { exchange } = this;
    this.#replay?.sendTo(call);
    if (this.#isRequestEnded) return call.sendEnd(this.#requestTrailers);
    this.#replay ??= toReplayBody(exchange.request, this.#target, call);
    // What comes together with the head is sent together with it; `onRequestFlush` follows.
    exchange.resumeRequestBody();
  }

  // Inside: the end

  #leaveAttempts(error?: GatewayError): void {
    this.#further?.end();
    this.#hedge?.end();
    this.#hedge = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.leave(error);
  }

  #endTimers(): void {
    this.#deadline?.end();
    this.#further?.end();
  }

  #openTunnel(attempt: Attempt, head: AnswerHead): void {
    const { exchange } = this;
    exchange.upstreamHeadMs = attempt.headMs;
    if (exchange.request.upgrade === undefined || head.upgrade === undefined) {
      this.onClientGone();
      return rescue(exchange, upstreamErrors.unexpectedUpgrade());
    }
    // The bytes behind the head are taken when the read that brought it has been decoded.
    queueMicrotask(() => {
      if (!openForwardedTunnel(exchange, attempt, head, this.#target.means.wheel)) return;
      this.#attempt = undefined;
      // A tunnel lasts for as long as something moves in it.
      this.#endTimers();
    });
  }
}
