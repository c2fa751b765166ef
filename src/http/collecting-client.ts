/** The client's side of an exchange without a connection: has the request's body ready, and collects the answer. */
import { ByteCollector } from '#base/byte-collector.ts';
import type { GatewayError } from '#base/errors.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import { type ClientRequest, type ClientSide, Exchange, type ExchangeObserver } from './exchange.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';
import { upstreamErrors } from './upstream-errors.ts';

export interface CollectedAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[] | undefined;
}

/** Whoever keeps count of the exchange, and answers a request whose body a policy refuses. */
export interface CollectionOwner extends ExchangeObserver {
  onRefusedRequest(exchange: Exchange, error: GatewayError): void;
}

export interface CollectionOrder {
  readonly request: ClientRequest;
  readonly body: Buffer;
  readonly requestId: string;
  readonly answerBytesMax: number;
  /** What it is ended with when the answer is longer. */
  readonly tooLong: () => GatewayError;
  readonly owner: CollectionOwner;
  readonly nowMs: () => number;
  /** Whom a service is told of by a PROXY header; `undefined`: nobody. */
  readonly describeClient?: (() => ProxiedClient | undefined) | undefined;
  /** Once. An error: the answer broke off, or the client left. */
  readonly onEnded: (outcome: CollectedAnswer | GatewayError) => void;
}

export class CollectingClient implements ClientSide {
  readonly exchange: Exchange;
  readonly #order: CollectionOrder;
  readonly #collected = new ByteCollector();
  #bytes = 0;
  #head: ResponseHead | undefined = undefined;
  #isBodySent = false;

  constructor(order: CollectionOrder) {
    const { request, requestId, owner, nowMs } = order;
    this.#order = order;
    this.exchange = new Exchange(this, owner, request, { requestId, startedMs: nowMs() });
  }

  /** Nobody wants the answer any more. */
  leave(error: GatewayError): void {
    const { exchange } = this;
    if (exchange.isFinished) return;
    exchange.error ??= error;
    if (!exchange.hasResponseBegun) exchange.status = error.status;
    const { source } = exchange;
    exchange.source = undefined;
    source?.onClientGone();
    this.#end(error);
  }

  describeClient(): ProxiedClient | undefined {
    return this.#order.describeClient?.();
  }

  sendInformational(): void {
    // Only the final answer counts.
  }

  sendHead(response: ResponseHead): void {
    this.#head = response;
  }

  sendChunk(view: Buffer): boolean {
    const { exchange } = this;
    if (!hasResponseBody(exchange.request.method, exchange.status)) return true;
    exchange.responseBytes += view.length;
    this.#bytes += view.length;
    if (this.#bytes > this.#order.answerBytesMax) {
      this.leave(this.#order.tooLong());
      return true;
    }
    // The view is lent; what is kept must be a copy.
    this.#collected.add(view);
    return true;
  }

  flush(): boolean {
    return true;
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const { status } = this.exchange;
    this.#end({ status, fields: this.#head?.fields ?? [], body: this.#collected.take(), trailers });
  }

  abort(): void {
    this.#end(this.exchange.error ?? upstreamErrors.truncatedBody());
  }

  /** Whoever waits for room may ask for more of a request that has no body; that has no end either. */
  resumeRequestBody(): void {
    if (this.#isBodySent || this.#order.body.length === 0) return;
    this.#isBodySent = true;
    const { exchange } = this;
    const { body, owner } = this.#order;
    const refusal = exchange.takeRequestChunk(body);
    if (refusal === undefined) exchange.endRequest(undefined);
    else owner.onRefusedRequest(exchange, refusal);
  }

  pauseRequestBody(): void {
    // The whole body has been handed over already; it is in memory anyway.
  }

  openTunnel(): undefined {
    this.exchange.error ??= upstreamErrors.unexpectedUpgrade();
    this.abort();
  }

  #end(outcome: CollectedAnswer | GatewayError): void {
    if (this.exchange.isFinished) return;
    this.exchange.finish(this.#order.nowMs());
    this.#order.onEnded(outcome);
  }
}
