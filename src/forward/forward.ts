/** Where a request ends at a service: picks an endpoint, sends the request, and streams the answer back. */
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { TimerWheel } from '#base/timer-wheel.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import type { AnswerEvents, Http1UpstreamConnection } from '#http/http1-upstream-connection.ts';
import { PassedResponse } from '#http/passed-response.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { ConnectionTaker, PoolWaiter } from '#http/upstream-pool.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { Tunnel, type TunnelEnd, type TunnelOwner } from '#net/tunnel.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import type { Endpoint, Service } from '#services/service.ts';
import { WeightedRotation } from '#services/weighted-rotation.ts';
import { removeField } from '#wire/fields/field-list.ts';
import { encodeFields } from '#wire/http1/encode.ts';
import type { UpstreamResponseHead } from '#wire/http1/response-head.ts';
import { type AttemptHead, encodeAttemptHead } from './attempt-head.ts';

export interface ForwardMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

export interface WeightedService {
  readonly service: Service;
  readonly weight: number;
}

/** Sends requests to one service, or to several by weight. */
export class ForwardTerminal implements Terminal {
  readonly #services: WeightedRotation<WeightedService>;
  readonly #means: ForwardMeans;

  constructor(services: readonly WeightedService[], means: ForwardMeans) {
    this.#services = new WeightedRotation(services);
    this.#means = means;
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const { service } = this.#services.next();
    exchange.serviceName = service.definition.name;
    const forwarding = new Forwarding(exchange, plan, { service, means: this.#means });
    exchange.source = forwarding;
    forwarding.attempt(false);
  }
}

/** Safe to do twice (RFC 9110 §9.2.2; QUERY: RFC 10008 §2). */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY']);

class Forwarding implements AnswerSource, AnswerEvents, ConnectionTaker, TunnelOwner {
  readonly #exchange: Exchange;
  readonly #plan: RoutePlan;
  readonly #service: Service;
  readonly #means: ForwardMeans;
  #endpoint: Endpoint | undefined = undefined;
  #waiter: PoolWaiter | undefined = undefined;
  #connection: Http1UpstreamConnection | undefined = undefined;
  /** The body so far, kept while the attempt may have to be repeated. */
  #replay: Buffer[] | undefined = undefined;
  #isRequestEnded = false;
  #requestTrailers: readonly string[] | undefined = undefined;
  #closeTunnelSides: (() => void) | undefined = undefined;

  constructor(exchange: Exchange, plan: RoutePlan, target: { service: Service; means: ForwardMeans }) {
    this.#exchange = exchange;
    this.#plan = plan;
    this.#service = target.service;
    this.#means = target.means;
  }

  attempt(isFresh: boolean): void {
    const endpoint = this.#service.pick();
    this.#endpoint = endpoint;
    this.#exchange.endpointName = endpoint.definition.url;
    this.#exchange.attempts += 1;
    this.#waiter = endpoint.pool.take(this, { isFresh });
  }

  // From the pool

  onConnection(connection: Http1UpstreamConnection): void {
    this.#waiter = undefined;
    this.#connection = connection;
    try {
      this.#sendRequest(connection);
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onNoConnection(error: GatewayError): void {
    this.#waiter = undefined;
    rescue(this.#exchange, error);
  }

  // From the client

  onRequestChunk(view: Buffer): void {
    if (this.#replay !== undefined) this.#keepForReplay(this.#replay, view);
    const isTaken = this.#connection?.sendChunk(view);
    if (isTaken === false) this.#exchange.client.pauseRequestBody();
  }

  onRequestFlush(): void {
    if (this.#connection?.flush() === false) this.#exchange.client.pauseRequestBody();
  }

  onRequestEnd(trailers: readonly string[] | undefined): void {
    this.#isRequestEnded = true;
    this.#requestTrailers = trailers;
    this.#connection?.sendEnd(trailers);
  }

  onClientDrained(): void {
    this.#connection?.resumeAnswer();
  }

  onClientGone(): void {
    this.#waiter?.leave();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.cancel();
  }

  // From the upstream

  onInformational(head: UpstreamResponseHead): void {
    this.#exchange.client.sendInformational(head.status, head.fields);
  }

  onUpstreamHead(head: UpstreamResponseHead): void {
    const exchange = this.#exchange;
    exchange.upstreamHeadMs = this.#means.clock.monotonicMs();
    if (head.status === 101) return this.#openTunnel(head);
    try {
      const response = new PassedResponse(head);
      if (head.hasForwardingFields) removeField(response.fields, 'x-request-id');
      this.#plan.shapeUpstreamResponse(exchange, response);
      exchange.sendHead(response);
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onUpstreamChunk(view: Buffer): void {
    try {
      if (!this.#exchange.sendChunk(view)) this.#connection?.pauseAnswer();
      // A policy has refused the chunk, and the answer is broken off.
      else if (this.#exchange.isFinished) this.onClientGone();
    } catch (thrown) {
      this.#failThrown(thrown);
    }
  }

  onUpstreamFlush(): void {
    if (!this.#exchange.isFinished && !this.#exchange.client.flush()) this.#connection?.pauseAnswer();
  }

  onUpstreamEnd(trailers: readonly string[] | undefined): void {
    this.#connection = undefined;
    if (!this.#exchange.isFinished) this.#exchange.client.sendEnd(trailers);
  }

  onUpstreamDrained(): void {
    this.#exchange.client.resumeRequestBody();
  }

  onUpstreamError(error: GatewayError): void {
    const wasReused = this.#connection?.isReused === true;
    this.#connection = undefined;
    if (this.#exchange.isFinished) return;
    if (!wasReused || !this.#mayRepeat(error)) return rescue(this.#exchange, error);
    // Until there is a connection again, there is nowhere for more of the body to go.
    if (this.#exchange.request.hasBody && !this.#isRequestEnded) this.#exchange.client.pauseRequestBody();
    this.attempt(true);
  }

  // Inside

  #sendRequest(connection: Http1UpstreamConnection): void {
    const { request } = this.#exchange;
    const sendsChunked = request.hasBody && (request.contentLengthBytes < 0 || this.#plan.shapeRequestChunk !== undefined);
    const attempt = this.#toAttemptHead(sendsChunked);
    // A policy may have ended the exchange instead.
    if (this.#connection !== connection) return;
    const head = encodeAttemptHead(this.#exchange, attempt);
    connection.send(this, { method: attempt.method, head, sendsChunked, expectsContinue: request.expectsContinue });
    if (request.hasBody) this.#sendBody(connection);
    else connection.sendEnd(undefined);
  }

  /** A policy threw. The upstream is left, and the client hears of it. */
  #failThrown(thrown: unknown): void {
    this.onClientGone();
    rescueThrown(this.#exchange, thrown);
  }

  #toAttemptHead(sendsChunked: boolean): AttemptHead {
    const { request } = this.#exchange;
    const { method, target } = request;
    const authority = this.#service.authorityFor(this.#endpoint!, request.authority);
    if (this.#plan.upstreamRequest === undefined) {
      return { method, target, authority, fieldText: request.fieldText ?? encodeFields(request.fields), sendsChunked };
    }
    // An attempt has fields of its own, so that a second one starts from what the client sent.
    const upstream: UpstreamRequest = { method, target, authority, fields: [...request.fields] };
    this.#plan.shapeUpstreamRequest(this.#exchange, upstream);
    return {
      method: upstream.method,
      target: upstream.target,
      authority: upstream.authority,
      fieldText: encodeFields(upstream.fields),
      sendsChunked,
    };
  }

  #sendBody(connection: Http1UpstreamConnection): void {
    const { request, client } = this.#exchange;
    for (const chunk of this.#replay ?? []) connection.sendChunk(chunk);
    if (this.#isRequestEnded) return connection.sendEnd(this.#requestTrailers);
    const mayRepeat = connection.isReused && idempotentMethods.has(request.method);
    this.#replay ??= mayRepeat && request.contentLengthBytes <= limits.replayBodyBytesMax ? [] : undefined;
    // What comes together with the head is sent together with it; `onRequestFlush` follows.
    client.resumeRequestBody();
  }

  #keepForReplay(replay: Buffer[], view: Buffer): void {
    if (this.#exchange.requestBytes > limits.replayBodyBytesMax) this.#replay = undefined;
    else replay.push(Buffer.from(view));
  }

  /** A reused connection may have been closed under us; once more on a fresh one is safe if doing it twice would be. */
  #mayRepeat(error: GatewayError): boolean {
    const { request, hasResponseBegun, requestBytes, attempts } = this.#exchange;
    if (error.kind.retry !== 'if-reused-connection' || hasResponseBegun || attempts > 1) return false;
    return idempotentMethods.has(request.method) && (!request.hasBody || requestBytes === 0 || this.#replay !== undefined);
  }

  #openTunnel(head: UpstreamResponseHead): void {
    const exchange = this.#exchange;
    const connection = this.#connection!;
    if (exchange.request.upgrade === undefined || head.upgrade === undefined) {
      this.#connection = undefined;
      connection.cancel();
      return rescue(exchange, upstreamErrors.unexpectedUpgrade());
    }
    // The bytes behind the head are taken when the read that brought it has been decoded.
    queueMicrotask(() => this.#joinTunnel(connection, head));
  }

  #joinTunnel(connection: Http1UpstreamConnection, head: UpstreamResponseHead): void {
    const exchange = this.#exchange;
    if (exchange.isFinished || connection.isGone) return;
    const response = new PassedResponse(head);
    removeField(response.fields, 'x-request-id');
    response.fields.push('upgrade', head.upgrade!);
    exchange.plan?.shapeResponseHead?.(exchange, response);
    // A policy may have ended it instead.
    if (exchange.isFinished || exchange.hasResponseBegun) return connection.cancel();
    exchange.status = 101;
    const client = exchange.client.openTunnel(response);
    if (client === undefined) return connection.cancel();
    const upstream = connection.takeTunnel();
    this.#connection = undefined;
    exchange.source = undefined;
    this.#closeTunnelSides = () => {
      upstream.onTunnelClosed();
      client.onTunnelClosed();
    };
    const timing = { wheel: this.#means.wheel, idleMs: client.idleMs };
    const tunnel = new Tunnel({ client: client.stream, upstream: upstream.stream }, timing, this);
    tunnel.start({ fromClient: client.pendingBytes, fromUpstream: upstream.pendingBytes });
  }

  onTunnelEnded(_end: TunnelEnd, bytes: { fromClient: number; fromUpstream: number }): void {
    this.#exchange.requestBytes += bytes.fromClient;
    this.#exchange.responseBytes += bytes.fromUpstream;
    this.#closeTunnelSides?.();
  }
}
