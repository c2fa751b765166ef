/**
 * A copy of one request on its way to another service: one attempt, whose answer is read and thrown away. Whatever becomes of
 * it, the exchange that it was made from does not notice.
 */
import { ByteCollector } from '#base/byte-collector.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { WheelTimer } from '#base/timer-wheel.ts';
import { type ClientRequest, Exchange } from '#http/exchange.ts';
import { isGrpcCall } from '#http/grpc-request.ts';
import { copyRequest } from '#http/request-body.ts';
import { type AnswerHead, type AttemptHead, type TimeLimit, toTimeoutDetail, type UpstreamCall } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';
import type { AnswerComparison } from '#pipeline/comparison/answer-comparison.ts';
import type { MirrorOrder } from '#pipeline/mirror-order.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import type { Affinity } from '#services/affinity.ts';
import type { PickSubject } from '#services/balancing/balancer.ts';
import type { Endpoint } from '#services/endpoint.ts';
import type { Service } from '#services/service.ts';
import { setField } from '#wire/fields/field-list.ts';
import { hideCookies } from './affinity-cookies.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import { noClient } from './no-client.ts';
import { traceHead } from './traced-head.ts';

/** Tells a service that nobody waits for its answer. */
export const MIRROR_FIELD = 'x-gatehouse-mirror';

/** Of the time of a copy: with less, nothing is said against an endpoint that has not answered. */
const FAIR_SHARE = 0.5;

/** Why a copy did not come to its end. */
export type MirrorLoss = 'tooMany' | 'tooLarge' | 'refused' | 'failed' | 'timeout';

export interface MirrorTarget {
  readonly order: MirrorOrder;
  readonly service: Service;
  /** Of the services that the request itself may go to. */
  readonly affinities: readonly Affinity[] | undefined;
}

export interface MirrorOwner {
  onCopyEnded(copy: MirrorCopy, loss: MirrorLoss | undefined): void;
}

interface MirrorCopyMeans {
  readonly clock: Clock;
  readonly owner: MirrorOwner;
  readonly comparison: AnswerComparison | undefined;
}

export class MirrorCopy extends WheelTimer implements AttemptOwner, PickSubject {
  /** A copy is sent when the request is whole. */
  readonly isRequestWhole = true;
  /** The one that is copied. It is only looked at. */
  readonly #copied: Exchange;
  /** One of its own, so that whatever is noted for it, such as a cookie, never reaches the client. There once the request is whole. */
  exchange: Exchange | undefined = undefined;
  readonly #plan: RoutePlan;
  readonly #order: MirrorOrder;
  readonly #service: Service;
  readonly #affinities: readonly Affinity[] | undefined;
  readonly #clock: Clock;
  readonly #owner: MirrorOwner;
  /** `undefined`: its answer is thrown away. */
  readonly #comparison: AnswerComparison | undefined;
  readonly #body = new ByteCollector();
  #bodyBytes = 0;
  #attempt: Attempt | undefined = undefined;
  #head: AttemptHead | undefined = undefined;
  #answer: AnswerHead | undefined = undefined;
  #answerBytes = 0;
  #isAnswerWhole = false;
  #isOver = false;

  constructor(
    exchange: Exchange,
    plan: RoutePlan,
    { order, service, affinities }: MirrorTarget,
    { clock, owner, comparison }: MirrorCopyMeans,
  ) {
    super();
    this.#copied = exchange;
    this.#plan = plan;
    this.#order = order;
    this.#service = service;
    this.#affinities = affinities;
    this.#clock = clock;
    this.#owner = owner;
    this.#comparison = comparison;
  }

  get clientAddress(): string {
    return this.#copied.request.clientAddress;
  }

  get isGrpc(): boolean {
    return isGrpcCall(this.#copied.request);
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** The view is only lent. */
  addBody(view: Buffer): void {
    if (this.#isOver) return;
    this.#bodyBytes += view.length;
    if (this.#bodyBytes > this.#order.bodyBytesMax) this.#end('tooLarge');
    else this.#body.add(view);
  }

  /** The request is whole. */
  send(): void {
    if (this.#isOver) return;
    const { request, requestId, startedMs } = this.#copied;
    this.exchange = new Exchange(noClient, noClient, toCopiedRequest(request, this.#bodyBytes), { requestId, startedMs });
    this.exchange.trace = this.#copied.trace;
    try {
      const endpoint = this.#isLetIn(this.exchange) ? this.#service.pick(this) : undefined;
      if (endpoint === undefined) return this.#end('refused');
      this.#head = this.#toHead(endpoint);
      const attempt = new Attempt(this.#service, endpoint, this);
      this.#attempt = attempt;
      attempt.start(false);
    } catch {
      // Whatever fails here, the request does not. What a policy throws is told where it shapes the request itself.
      this.#end('failed');
    }
  }

  /** The request breaks off. A copy that is under way already goes on. */
  abandonBody(): void {
    if (this.exchange === undefined) this.#end(undefined);
  }

  /** Nobody is interested in the copy any more. */
  leave(): void {
    this.#end(undefined);
  }

  override onDeadline(): void {
    // A request that was answered before it was whole has nothing that could be copied.
    const isUnsent = this.exchange === undefined && this.#copied.isFinished;
    this.#end(isUnsent ? undefined : 'timeout');
  }

  /** The connection carries a request that no client waits for. */
  encodeClientHeader(version: 'v1' | 'v2'): Buffer {
    return encodeClientHeader(version, undefined);
  }

  // From the attempt

  onAttemptReady(attempt: Attempt, call: UpstreamCall): void {
    const head = this.#head!;
    traceHead(head, this.exchange!, undefined);
    call.send(attempt, this.exchange!, head);
    for (const piece of this.#body.pieces) call.sendChunk(piece);
    call.sendEnd(undefined);
  }

  onAttemptInformational(): void {
    // Nobody waits for it.
  }

  onAttemptHead(_attempt: Attempt, head: AnswerHead): void {
    this.#answer = head;
    if (head.status === 101) this.#end('failed');
    else this.#comparison?.onCopyHead(head);
  }

  onAttemptChunk(_attempt: Attempt, view: Buffer): void {
    this.#comparison?.onCopyChunk(view);
    this.#count(view.length);
  }

  onAttemptText(_attempt: Attempt, text: string): void {
    this.#comparison?.onCopyChunk(Buffer.from(text, 'latin1'));
    this.#count(text.length);
  }

  onAttemptFlush(): void {
    // Nothing is passed on.
  }

  onAttemptDrained(): void {
    // The whole body is given at once.
  }

  onAttemptEnd(): void {
    this.#attempt = undefined;
    this.#isAnswerWhole = true;
    this.#end(undefined);
  }

  onAttemptFailed(_attempt: Attempt, { status }: GatewayError): void {
    this.#attempt = undefined;
    // The service was given the time of the copy for its answer, and that of the copy itself may end a tick later.
    this.#end(status === 504 ? 'timeout' : 'failed');
  }

  // Inside

  /** Whatever protects the service counts copies too, which matter less than everything that waits there. */
  #isLetIn(exchange: Exchange): boolean {
    const { protection } = this.#service;
    if (protection === undefined) return true;
    const place = protection.admitNow();
    if (place !== undefined) exchange.hold(place);
    return place !== undefined;
  }

  /** Reading a short answer keeps the connection; a long one costs more than another connection does. */
  #count(bytes: number): void {
    this.#answerBytes += bytes;
    if (this.#answerBytes <= limits.mirroredAnswerBytesMax) return;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    // The service has answered, which counts for it.
    attempt?.discard(this.#answer!);
    this.#end(undefined);
  }

  #end(loss: MirrorLoss | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#body.clear();
    attempt?.leave(
      loss === 'timeout' && this.#hasHadTime(attempt) ? upstreamErrors.requestTimeout(toTimeoutDetail(this.#limit)) : undefined,
    );
    this.exchange?.release();
    this.#comparison?.onCopyOver(this.#isAnswerWhole);
    this.#owner.onCopyEnded(this, loss);
  }

  /** What the service of the route is sent, with a mark, and with the host that this service sees. */
  #toHead(endpoint: Endpoint): AttemptHead {
    const { method, target, authority, fields } = this.#copied.request;
    const upstream: UpstreamRequest = {
      service: this.#service.definition.name,
      purpose: 'mirror',
      method,
      target,
      authority: this.#service.authorityFor(endpoint, authority),
      fields: this.#hideCookies(fields),
    };
    for (const { run } of this.#plan.upstreamRequest ?? []) run(this.#copied, upstream);
    setField(upstream.fields, MIRROR_FIELD, '1');
    const limit = this.#limit;
    return { ...upstream, timeouts: { firstByte: limit, idle: limit }, trace: undefined };
  }

  /** An endpoint that says nothing is a silent one, unless the client took most of the time to send its request. */
  #hasHadTime({ startedMs }: Attempt): boolean {
    return this.nowMs() - startedMs >= this.#order.timeoutMs * FAIR_SHARE;
  }

  get #limit(): TimeLimit {
    return { ms: this.#order.timeoutMs, setting: 'mirror.timeout' };
  }

  #hideCookies(fields: readonly string[]): string[] {
    const shown = (this.#affinities && hideCookies(fields, this.#affinities)) ?? [...fields];
    return this.#service.affinity?.hideCookie(shown) ?? shown;
  }
}

function toCopiedRequest(request: ClientRequest, bodyBytes: number): ClientRequest {
  return {
    ...copyRequest(request),
    fieldText: undefined,
    contentLengthBytes: request.hasBody ? bodyBytes : request.contentLengthBytes,
    // The body is there.
    expectsContinue: false,
    upgrade: undefined,
    clientCertificate: undefined,
  };
}
