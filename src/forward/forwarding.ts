/**
 * One exchange on its way to a service: makes attempts until one is answered, sends the request's body to it, and streams
 * the answer back.
 */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import { endsWithGrpcStatus } from '#http/grpc-request.ts';
import { PassedResponse } from '#http/passed-response.ts';
import type { AnswerHead, AttemptHead, UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';
import { Tunnel, type TunnelEnd, type TunnelOwner } from '#net/tunnel.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { removeField } from '#wire/fields/field-list.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { CallDeadline } from './call-deadline.ts';
import type { Fallback } from './fallback.ts';
import type { Mirrors } from './mirrors.ts';

/** What a thread lends to its exchanges. */
export interface ForwardMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly mirrors: Mirrors;
  /** By name: where copies of requests may go. */
  readonly services: ReadonlyMap<string, Service>;
}

/** Safe to do twice (RFC 9110 §9.2.2; QUERY: RFC 10008 §2). */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY']);

export class Forwarding implements AnswerSource, AttemptOwner, PickSubject, TunnelOwner {
  readonly exchange: Exchange;
  readonly #plan: RoutePlan;
  #service: Service;
  readonly #means: ForwardMeans;
  /** What is still to be tried when the service does not answer. */
  #fallback: Fallback | undefined;
  /** Attempts at another service. */
  #attemptsBefore = 0;
  #attempt: Attempt | undefined = undefined;
  /** Endpoints that failed this exchange. */
  #tried: Endpoint[] | undefined = undefined;
  /** The body so far, kept while the attempt may have to be repeated. */
  #replay: Buffer[] | undefined = undefined;
  #isRequestEnded = false;
  #deadline: CallDeadline | undefined = undefined;
  #requestTrailers: readonly string[] | undefined = undefined;
  #closeTunnelSides: (() => void) | undefined = undefined;

  constructor(
    exchange: Exchange,
    plan: RoutePlan,
    target: { service: Service; fallback: Fallback | undefined; means: ForwardMeans },
  ) {
    this.exchange = exchange;
    this.#plan = plan;
    this.#service = target.service;
    this.#fallback = target.fallback;
    this.#means = target.means;
  }

  get clientAddress(): string {
    return this.exchange.request.clientAddress;
  }

  nowMs(): number {
    return this.#means.clock.monotonicMs();
  }

  /** The call has this long to end, whatever it is doing then. */
  limit(timeoutMs: number): void {
    this.#deadline = new CallDeadline(() => {
      if (!this.exchange.isFinished) rescue(this.exchange, gatewayErrors.grpcDeadline({ timeoutMs }));
    });
    this.#means.wheel.arm(this.#deadline, timeoutMs);
  }

  attempt(isFresh: boolean): void {
    const { exchange } = this;
    const endpoint = this.#service.pick(this, this.#tried);
    if (endpoint === undefined) return this.#giveUp(serviceErrors.noEndpoint({ service: this.#service.definition.name }));
    exchange.endpointName = endpoint.url;
    exchange.attempts += 1;
    const attempt = new Attempt(this.#service, endpoint, this);
    this.#attempt = attempt;
    attempt.start(isFresh);
  }

  /** The client is told of as far back as trusted proxies know; the port of one that they tell of is not known. */
  encodeClientHeader(version: 'v1' | 'v2'): Buffer {
    const { client, request } = this.exchange;
    const described = client.describeClient();
    if (described === undefined) return encodeClientHeader(version, undefined);
    const { clientAddress: address } = request;
    const source = described.source.address === address ? described.source : { address, port: 0 };
    return encodeClientHeader(version, { ...described, source });
  }

  // From the client

  onRequestChunk(view: Buffer): void {
    if (this.#replay !== undefined) this.#keepForReplay(this.#replay, view);
    const isTaken = this.#attempt?.call?.sendChunk(view);
    if (isTaken === false) this.exchange.client.pauseRequestBody();
  }

  onRequestFlush(): void {
    if (this.#attempt?.call?.flush() === false) this.exchange.client.pauseRequestBody();
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
    this.#endDeadline();
    this.#leaveAttempt();
  }

  // From the attempt

  onAttemptReady(attempt: Attempt, call: UpstreamCall): void {
    try {
      this.#sendRequest(attempt, call);
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onAttemptInformational(_attempt: Attempt, head: AnswerHead): void {
    this.exchange.client.sendInformational(head.status, head.fields);
  }

  onAttemptHead(attempt: Attempt, head: AnswerHead): void {
    const { exchange } = this;
    exchange.upstreamHeadMs = attempt.headMs;
    if (this.#fallback?.coversStatus(head.status) === true && this.#fallBack(this.#fallback, String(head.status))) return;
    this.#replay = undefined;
    if (head.status === 101) return this.#openTunnel(attempt, head);
    try {
      const response = new PassedResponse(head);
      if (head.hasForwardingFields) removeField(response.fields, 'x-request-id');
      this.#plan.shapeUpstreamResponse(exchange, response);
      exchange.endsWithGrpcStatus = endsWithGrpcStatus(exchange.request, head);
      exchange.sendHead(response);
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onAttemptChunk(attempt: Attempt, view: Buffer): void {
    try {
      if (!this.exchange.sendChunk(view)) attempt.call?.pauseAnswer();
      // A policy has refused the chunk, and the answer is broken off.
      else if (this.exchange.isFinished) this.onClientGone();
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onAttemptText(attempt: Attempt, text: string): void {
    const { exchange } = this;
    if (exchange.client.sendText === undefined || exchange.plan?.shapeResponseChunk !== undefined)
      this.onAttemptChunk(attempt, Buffer.from(text, 'latin1'));
    else if (!exchange.client.sendText(text)) attempt.call?.pauseAnswer();
  }

  onAttemptFlush(attempt: Attempt): void {
    if (!this.exchange.isFinished && !this.exchange.client.flush()) attempt.call?.pauseAnswer();
  }

  onAttemptEnd(_attempt: Attempt, trailers: readonly string[] | undefined): void {
    this.#endDeadline();
    this.#attempt = undefined;
    if (!this.exchange.isFinished) this.exchange.client.sendEnd(trailers);
  }

  onAttemptDrained(): void {
    this.exchange.client.resumeRequestBody();
  }

  onAttemptFailed(attempt: Attempt, error: GatewayError): void {
    const { exchange } = this;
    this.#attempt = undefined;
    if (exchange.isFinished) return;
    if (!this.#mayRepeat(error, attempt.wasReused)) return this.#giveUp(error);
    this.#tried ??= [];
    this.#tried.push(attempt.endpoint);
    // Until there is a connection again, there is nowhere for more of the body to go.
    if (exchange.request.hasBody && !this.#isRequestEnded) exchange.client.pauseRequestBody();
    this.attempt(true);
  }

  // Inside

  /** The service does not answer: the fallback does, or the client hears of it. */
  #giveUp(error: GatewayError): void {
    const { exchange } = this;
    const fallback = exchange.hasResponseBegun ? undefined : this.#fallback;
    const mayFallBack = fallback?.covers(error) === true && (fallback.to.kind === 'answer' || this.#isUndone(error));
    if (!mayFallBack || !this.#fallBack(fallback, error.code)) rescue(exchange, error);
  }

  /** False: the request is not there any more as a whole. */
  #fallBack(fallback: Fallback, reason: string): boolean {
    const { exchange } = this;
    if (fallback.to.kind === 'service' && !this.#hasWholeRequest) return false;
    this.#fallback = undefined;
    exchange.fallbackReason = reason;
    this.#attempt?.discard();
    this.#attempt = undefined;
    if (fallback.to.kind === 'answer') this.#answerInstead(fallback.to.terminal);
    else this.#askInstead(fallback.to.service);
    return true;
  }

  #answerInstead(terminal: Terminal): void {
    const { exchange } = this;
    this.#endDeadline();
    exchange.source = undefined;
    exchange.endpointName = undefined;
    try {
      terminal.start(exchange, this.#plan);
    } catch (thrown) {
      rescueThrown(exchange, thrown);
    }
  }

  #askInstead(service: Service): void {
    const { exchange } = this;
    this.#service = service;
    this.#tried = undefined;
    this.#attemptsBefore = exchange.attempts;
    exchange.serviceName = service.definition.name;
    exchange.endpointName = undefined;
    if (exchange.request.hasBody && !this.#isRequestEnded) exchange.client.pauseRequestBody();
    this.attempt(false);
  }

  /** What the client has sent of the body can be sent again. */
  get #hasWholeRequest(): boolean {
    const { request, requestBytes } = this.exchange;
    return !request.hasBody || requestBytes === 0 || this.#replay !== undefined;
  }

  /** The request has done nothing yet, or may do it again. */
  #isUndone({ kind }: GatewayError): boolean {
    return kind.stage === 'connect' || kind.retry === 'always' || idempotentMethods.has(this.exchange.request.method);
  }

  #endDeadline(): void {
    if (this.#deadline !== undefined) this.#means.wheel.remove(this.#deadline);
  }

  #leaveAttempt(): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.leave();
  }

  #sendRequest(attempt: Attempt, call: UpstreamCall): void {
    const { request } = this.exchange;
    const head = this.#toAttemptHead(attempt.endpoint);
    // A policy may have ended the exchange instead.
    if (attempt.call !== call) return;
    call.send(attempt, this.exchange, head);
    if (request.hasBody) this.#sendBody(call);
    else call.sendEnd(undefined);
  }

  /** A policy threw. The upstream is left, and the client hears of it. */
  #failThrown(thrown: unknown): void {
    this.onClientGone();
    rescueThrown(this.exchange, thrown);
  }

  #toAttemptHead(endpoint: Endpoint): AttemptHead {
    const { request } = this.exchange;
    const { method, target } = request;
    const authority = this.#service.authorityFor(endpoint, request.authority);
    const changesBody = this.#plan.shapeRequestChunk !== undefined;
    if (this.#plan.upstreamRequest === undefined) return { method, target, authority, fields: undefined, changesBody };
    // An attempt has fields of its own, so that a second one starts from what the client sent.
    const upstream: UpstreamRequest = { method, target, authority, fields: [...request.fields] };
    this.#plan.shapeUpstreamRequest(this.exchange, upstream);
    return {
      method: upstream.method,
      target: upstream.target,
      authority: upstream.authority,
      fields: upstream.fields,
      changesBody,
    };
  }

  #sendBody(call: UpstreamCall): void {
    const { request, client } = this.exchange;
    for (const chunk of this.#replay ?? []) call.sendChunk(chunk);
    if (this.#isRequestEnded) return call.sendEnd(this.#requestTrailers);
    const isRepeatable = call.mayRefuse || (call.isReused && idempotentMethods.has(request.method));
    const mayRepeat = isRepeatable || this.#fallback?.to.kind === 'service';
    this.#replay ??= mayRepeat && request.contentLengthBytes <= limits.replayBodyBytesMax ? [] : undefined;
    // What comes together with the head is sent together with it; `onRequestFlush` follows.
    client.resumeRequestBody();
  }

  #keepForReplay(replay: Buffer[], view: Buffer): void {
    if (this.exchange.requestBytes > limits.replayBodyBytesMax) this.#replay = undefined;
    else replay.push(Buffer.from(view));
  }

  /**
   * Once more is safe when the upstream has said that it has not looked at the request (RFC 9113 §8.7). A reused connection
   * may have been closed under us; then it is safe if doing it twice would be.
   */
  #mayRepeat({ kind }: GatewayError, wasReused: boolean): boolean {
    const { request, hasResponseBegun, attempts } = this.exchange;
    if (hasResponseBegun || attempts - this.#attemptsBefore > 1 || !this.#hasWholeRequest) return false;
    if (kind.retry === 'always') return kind.stage === 'send';
    return kind.retry === 'if-reused-connection' && wasReused && idempotentMethods.has(request.method);
  }

  #openTunnel(attempt: Attempt, head: AnswerHead): void {
    const { exchange } = this;
    if (exchange.request.upgrade === undefined || head.upgrade === undefined) {
      this.#leaveAttempt();
      return rescue(exchange, upstreamErrors.unexpectedUpgrade());
    }
    // The bytes behind the head are taken when the read that brought it has been decoded.
    queueMicrotask(() => this.#joinTunnel(attempt, head));
  }

  #joinTunnel(attempt: Attempt, head: AnswerHead): void {
    const { exchange } = this;
    const { call } = attempt;
    if (exchange.isFinished || call === undefined || call.isGone) return;
    const response = new PassedResponse(head);
    removeField(response.fields, 'x-request-id');
    response.fields.push('upgrade', head.upgrade!);
    exchange.plan?.shapeResponseHead?.(exchange, response);
    // A policy may have ended it instead.
    if (exchange.isFinished || exchange.hasResponseBegun) return attempt.leave();
    exchange.status = 101;
    const client = exchange.client.openTunnel(response);
    if (client === undefined) return attempt.leave();
    const upstream = call.takeTunnel();
    this.#attempt = undefined;
    exchange.source = undefined;
    this.#closeTunnelSides = () => {
      attempt.endTunnel();
      upstream.onTunnelClosed();
      client.onTunnelClosed();
    };
    const timing = { wheel: this.#means.wheel, idleMs: client.idleMs };
    const tunnel = new Tunnel({ client: client.stream, upstream: upstream.stream }, timing, this);
    tunnel.start({ fromClient: client.pendingBytes, fromUpstream: upstream.pendingBytes });
  }

  onTunnelEnded(_end: TunnelEnd, bytes: { fromClient: number; fromUpstream: number }): void {
    this.exchange.requestBytes += bytes.fromClient;
    this.exchange.responseBytes += bytes.fromUpstream;
    this.#closeTunnelSides?.();
  }
}
