/**
 * One request with its response, whatever the client's protocol. The client's side and whoever produces the answer talk
 * through it, so neither knows the other.
 */
import type { ErrorDetail, GatewayError } from '#base/errors.ts';
import type { ClientCertificate } from '#net/client-certificate.ts';
import type { ProxiedClient } from '#net/proxied-client.ts';
import type { TunnelStream } from '#net/tunnel.ts';
import { getField } from '#wire/fields/field-list.ts';
import type { AnswerSink, AnswerStages } from './answer-stage.ts';
import type { RequestBodySink, RequestBodyStage } from './body-stage.ts';
import type { CacheResult } from './cache-result.ts';
import type { Consumer } from './consumer.ts';
import type { ExchangeJournal } from './exchange-journal.ts';
import type { ExchangeTrace } from './exchange-trace.ts';
import type { PlanTally } from './plan-tally.ts';
import type { Reply, ResponseHead } from './response.ts';

/** What the client's protocol does for an exchange: HTTP/1 over a socket, or an injected request without one. */
export interface ClientSide extends AnswerSink {
  /** An informational answer; dropped where the client could not understand it. */
  sendInformational(status: number, fields: readonly string[]): void;
  sendHead(response: ResponseHead): void;
  /** `sendChunk` for a small piece that is latin1 text, where the protocol is text too. */
  sendText?(text: string): boolean;
  /** The answer has begun and cannot be completed: the client must not take it for whole. */
  abort(): void;
  /** Lets the request body flow into the answer source. Until then it is held back. Does nothing when it flows already. */
  resumeRequestBody(): void;
  pauseRequestBody(): void;
  /** Whom a service is told of by a PROXY header; `undefined` where there is no connection. */
  describeClient(): ProxiedClient | undefined;
  /** Answers 101 and hands the connection over. The tunnel's owner is told everything from then on. */
  openTunnel(response: ResponseHead): TunnelSide | undefined;
}

/** A client's connection that has become a plain stream of bytes. */
export interface TunnelSide {
  /** The tunnel's end; the stream belongs to its new owner. */
  readonly stream: TunnelStream;
  /** Bytes that the client sent behind its request. */
  readonly pendingBytes: Buffer | undefined;
  /** A tunnel in which nothing moves for this long is ended. */
  readonly idleMs: number;
  onTunnelClosed(): void;
}

/** Who produces the answer of an exchange and takes its request body. */
export interface AnswerSource extends RequestBodySink {
  /** Whoever takes the answer takes more again. */
  onClientDrained(): void;
  /** The client is gone, or broke its request off: nobody waits for the answer any more. */
  onClientGone(): void;
}

/** How many of a route's exchanges have a line in the access log. */
export interface RouteLogging {
  /** From 0 to 1. */
  readonly share: number;
  /** Those that have failed have one in any case. */
  readonly keepsFailed: boolean;
}

/** What the exchange's route adds to it. */
export interface ExchangePlan {
  readonly routeName: string | undefined;
  /** The path that its requests have, with captures; `undefined`: there are several, or any. */
  readonly pathPattern?: string | undefined;
  /** `undefined`: as many as of other routes. */
  readonly logging?: RouteLogging | undefined;
  /** Names of the services that the route leads to. */
  readonly services?: readonly string[];
  /** Name of the service that is asked when they do not answer. */
  readonly standIn?: string | undefined;
  /** Policies of the `responseHead` phase. */
  readonly shapeResponseHead?: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  /** The same and their stages, where there may be some: takes the answer to the client, through all of them. */
  readonly passAnswer?: ((exchange: Exchange, response: ResponseHead) => void) | undefined;
  /** Policies of the `requestChunk` phase. */
  readonly watchRequestChunk?: ((exchange: Exchange, view: Buffer) => GatewayError | undefined) | undefined;
  /** Policies of the `finish` phase. */
  readonly onFinish?: ((exchange: Exchange) => void) | undefined;
  /** Where exchanges of the route are counted, once there has been one. */
  tally?: PlanTally | undefined;
}

/** An attempt that did not bring the answer. */
export interface TriedAttempt {
  readonly endpoint: string;
  /** The code of its error, the status of an answer that was thrown away, or `slower` than another attempt. */
  readonly outcome: string | number;
  readonly detail: ErrorDetail | undefined;
  readonly durationMs: number;
}

/** How a call has ended that was made for the answer: `ok`, `cached`, `skipped`, `last-good`, `fallback`, `failed` or `cancelled`. */
export type CallOutcome = 'ok' | 'cached' | 'skipped' | 'last-good' | 'fallback' | 'failed' | 'cancelled';

/** One of several calls whose answers the answer is made of. */
export interface CallRecord {
  readonly name: string;
  readonly service: string;
  /** Of its last attempt. */
  readonly endpoint: string | undefined;
  /** 0: there was no answer. */
  readonly status: number;
  /** Monotonic; 0: it has never begun. */
  readonly startedMs: number;
  readonly durationMs: number;
  /** Where a trace is taken. */
  readonly spanId: string | undefined;
  /** Of bodies of answers. */
  readonly bytes: number;
  readonly outcome: CallOutcome;
  /** Of the error that it ended with. */
  readonly code: string | undefined;
  readonly attempts: number;
  /** How many requests it stands for, where it was made for each item of a list; else 1. */
  readonly count: number;
}

/** Whoever keeps count of exchanges. */
export interface ExchangeObserver {
  onExchangeFinished(exchange: Exchange): void;
}

/** Whoever reads the body of a request along as it comes. */
export interface RequestTap {
  /** From the client, or from an exchange that asks in the place of the one that is tapped. The view is only lent. */
  onRequestChunk(exchange: Exchange, view: Buffer): void;
}

/** Something that an exchange holds until its end. */
export interface ExchangeHold {
  release(): void;
}

/** A typed place for a fact about an exchange, so that policies share facts without knowing each other. */
export interface Slot<Value> {
  readonly name: string;
  readonly valueType?: Value;
}

export function defineSlot<Value>(name: string): Slot<Value> {
  return { name };
}

export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/** A request as every version of HTTP tells it. */
export interface ClientRequest {
  /** Name of the listener that it came through. */
  readonly listener: string;
  readonly protocol: Protocol;
  readonly method: string;
  /** Normalised; what routes and policies look at. */
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  /** Normalised path and query. */
  readonly target: string;
  /** Host and port as the client named them. */
  readonly authority: string;
  /** Lower-case, without port. */
  readonly host: string;
  /** End-to-end fields; `host` and framing are not among them. */
  readonly fields: readonly string[];
  /** The same as HTTP/1 lines, where they are there already. */
  readonly fieldText: string | undefined;
  /** Start line, `host`, fields and `content-length` as HTTP/1 text, where it could go on to an upstream as it came. */
  readonly messageText?: string | undefined;
  /** Where it is known without looking at the fields. */
  readonly hasIdempotencyKey?: boolean | undefined;
  /** -1: not given. */
  readonly contentLengthBytes: number;
  readonly hasBody: boolean;
  readonly acceptsTrailers: boolean;
  readonly expectsContinue: boolean;
  /** The protocol that the client would like to change to. */
  readonly upgrade: string | undefined;
  /** The client, as far back as trusted proxies tell; else the peer. */
  readonly clientAddress: string;
  /** Who holds the other end of the connection. */
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly scheme: 'http' | 'https';
  readonly forwardingFields: ForwardingFields;
  /** The token of who wants to be told how the request is handled, and whether in the place of the answer. Nobody has looked at it. */
  readonly debugToken?: string | undefined;
  readonly debugAnswer?: string | undefined;
  /** What the client has shown in its TLS handshake; `verifyError` says whether it counts. */
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** Fields that tell the upstream where the request came from, with their HTTP/1 text once somebody has needed it. */
export class ForwardingFields {
  readonly fields: readonly string[];
  /** As services are told that it was asked for; empty: they are not. */
  readonly host: string;
  /** The peer is a proxy whose word counts. */
  readonly isFromProxy: boolean;
  /** Ends with the name of the request id's field, which differs from request to request and comes last. */
  http1Text: string | undefined = undefined;

  constructor(fields: readonly string[], isFromProxy = false) {
    this.fields = fields;
    this.isFromProxy = isFromProxy;
    this.host = getField(fields, 'x-forwarded-host') ?? '';
  }
}

export class Exchange {
  /** Whoever taps the exchange may put one in its place that passes everything on, before anything is answered. */
  client: ClientSide;
  readonly observer: ExchangeObserver;
  /** As the client sent it. Whoever gives it another body puts a request in its place that says so (`withBody`). */
  request: ClientRequest;
  readonly requestId: string;
  /** Monotonic time when the request's head was there. */
  readonly startedMs: number;
  /** Id of the request that it came in, with others. */
  batchOf: string | undefined = undefined;

  plan: ExchangePlan | undefined = undefined;
  source: AnswerSource | undefined = undefined;
  /** What changes the request's body, or has read it, before the source takes it. */
  bodyStage: RequestBodyStage | undefined = undefined;
  /** What takes the body of the answer: the client, or the first of the stages on the way to it. */
  answer: AnswerSink;
  /** Those stages, once the answer has begun. */
  stages: AnswerStages | undefined = undefined;
  /** Values of the route's path captures, still percent-encoded. */
  captureNames: readonly string[] = noCaptures;
  captures: readonly string[] = noCaptures;
  /** What the route's `*` matched. */
  pathRest = '';
  /** Who asks, once a policy knows it. */
  consumer: Consumer | undefined = undefined;
  /** The target as logs may show it, where it holds a secret. */
  shownTarget: string | undefined = undefined;
  serviceName: string | undefined = undefined;
  endpointName: string | undefined = undefined;
  attempts = 0;
  /** Attempts whose outcome is not that of the exchange. */
  tried: TriedAttempt[] | undefined = undefined;
  /** What was asked for an answer that is made of several. */
  calls: readonly CallRecord[] | undefined = undefined;
  /** Why an answer was passed on although the settings would rather have another one. */
  notRetried: string | undefined = undefined;
  /** Why somebody else answers than who was asked first: a code, or a status. */
  fallbackReason: string | undefined = undefined;
  /** Where what is kept could have answered, what did. Of several places on the way, the one that said it last counts. */
  cacheResult: CacheResult | undefined = undefined;
  /** 0 until the answer begins. */
  status = 0;
  requestBytes = 0;
  responseBytes = 0;
  /** Monotonic time when the upstream's head was there; 0 without one. */
  upstreamHeadMs = 0;
  finishedMs = 0;
  error: GatewayError | undefined = undefined;
  /** What a policy that only reports would have refused the request with. */
  reported: GatewayError | undefined = undefined;
  /** Whether the fields that go to the client are kept for its end; over HTTP/2, those behind the answer too. */
  keepsSentFields = false;
  sentFields: readonly string[] | undefined = undefined;
  sentTrailers: readonly string[] | undefined = undefined;
  /** Only where somebody watches the exchange. Set before its route is looked for. */
  journal: ExchangeJournal | undefined = undefined;
  /** Only where traces are taken. `undefined`: whatever the client says of a trace goes on as it is. */
  trace: ExchangeTrace | undefined = undefined;
  /** Whoever adds to the head that the client is given, last of all. */
  noteAnswer: ((response: ResponseHead) => void) | undefined = undefined;
  /** Only where somebody wants to see what it carries: see `tapExchange`. */
  tap: RequestTap | undefined = undefined;
  isFinished = false;
  isTunnel = false;
  /** The answer that has begun is one of gRPC: it is whole only if its trailers say so, and they can say otherwise too. */
  endsWithGrpcStatus = false;
  #slots: Map<Slot<unknown>, unknown> | undefined = undefined;
  #hold: ExchangeHold | undefined = undefined;
  #attached: Set<ExchangeHold> | undefined = undefined;

  constructor(
    client: ClientSide,
    observer: ExchangeObserver,
    request: ClientRequest,
    start: { requestId: string; startedMs: number },
  ) {
    this.client = client;
    this.answer = client;
    this.observer = observer;
    this.request = request;
    this.requestId = start.requestId;
    this.startedMs = start.startedMs;
  }

  /** First value of a request field, `host` included. */
  field(name: string): string | undefined {
    return name === 'host' ? this.request.authority : getField(this.request.fields, name);
  }

  get hasResponseBegun(): boolean {
    return this.status !== 0;
  }

  /**
   * It is over, or an answer is on its way to the client, which may take its time: whoever has waited for something has nothing
   * more to say.
   */
  get isDecided(): boolean {
    return this.isFinished || this.hasResponseBegun || this.stages !== undefined;
  }

  get<Value>(slot: Slot<Value>): Value | undefined {
    return this.#slots?.get(slot) as Value | undefined;
  }

  set<Value>(slot: Slot<Value>, value: Value): void {
    this.#slots ??= new Map();
    this.#slots.set(slot, value);
  }

  /**
   * Another exchange, which asks in the place of this one: it knows what is known of this one, and what either notes, both see. No
   * policy is told of its answer or its end.
   */
  derive(client: ClientSide, observer: ExchangeObserver, startedMs: number): Exchange {
    const { request, requestId, plan } = this;
    const derived = new Exchange(client, observer, request, { requestId, startedMs });
    if (plan !== undefined) derived.plan = { routeName: plan.routeName, services: plan.services ?? [], standIn: plan.standIn };
    derived.captureNames = this.captureNames;
    derived.captures = this.captures;
    derived.pathRest = this.pathRest;
    derived.consumer = this.consumer;
    derived.shownTarget = this.shownTarget;
    derived.trace = this.trace;
    derived.journal = this.journal;
    derived.tap = this.tap;
    this.#slots ??= new Map();
    derived.#slots = this.#slots;
    return derived;
  }

  /** Who asked in the place of this one has found this out: it is told of where this one is. */
  takeOutcome(derived: Exchange): void {
    this.serviceName = derived.serviceName;
    this.endpointName = derived.endpointName;
    this.attempts = derived.attempts;
    this.tried = derived.tried;
    this.notRetried = derived.notRetried;
    this.fallbackReason = derived.fallbackReason;
    this.upstreamHeadMs = derived.upstreamHeadMs;
  }

  /** Held from now on, instead of what was held before. */
  hold(hold: ExchangeHold): void {
    this.#hold?.release();
    this.#hold = hold;
  }

  /** What was held is free for others before the exchange is over. */
  release(): void {
    this.#hold?.release();
    this.#hold = undefined;
  }

  /** Works for the exchange on the side, and is released when that ends first. Several may be attached at the same time. */
  attach(work: ExchangeHold): void {
    this.#attached ??= new Set();
    this.#attached.add(work);
  }

  detach(work: ExchangeHold): void {
    this.#attached?.delete(work);
  }

  // From the client

  /** An error: a policy refuses the request. */
  takeRequestChunk(view: Buffer): GatewayError | undefined {
    this.requestBytes += view.length;
    this.tap?.onRequestChunk(this, view);
    const refusal = this.plan?.watchRequestChunk?.(this, view);
    if (refusal === undefined) (this.bodyStage ?? this.source)?.onRequestChunk(view);
    return refusal;
  }

  flushRequest(): void {
    (this.bodyStage ?? this.source)?.onRequestFlush();
  }

  endRequest(trailers: readonly string[] | undefined): void {
    (this.bodyStage ?? this.source)?.onRequestEnd(trailers);
  }

  onClientDrained(): void {
    if (this.stages === undefined) this.source?.onClientDrained();
    else this.stages.onDrained();
  }

  // From whoever answers

  resumeRequestBody(): void {
    (this.bodyStage ?? this.client).resumeRequestBody();
  }

  pauseRequestBody(): void {
    (this.bodyStage ?? this.client).pauseRequestBody();
  }

  sendHead(response: ResponseHead): void {
    const { plan } = this;
    if (plan?.passAnswer !== undefined) return plan.passAnswer(this, response);
    plan?.shapeResponseHead?.(this, response);
    this.beginAnswer(response);
  }

  /** The head as the client sees it. */
  beginAnswer(response: ResponseHead): void {
    this.status = response.status;
    if (this.noteAnswer !== undefined) this.noteAnswer(response);
    if (this.keepsSentFields) this.sentFields = response.fields;
    this.client.sendHead(response);
  }

  /** Another answer takes the place of the one that was on its way, or nobody waits for it. */
  dropStages(): void {
    const { stages } = this;
    this.stages = undefined;
    this.answer = this.client;
    stages?.abandon();
  }

  /** Answers with something that is there already. */
  sendReply(reply: Reply): void {
    this.sendHead(reply);
    if (reply.body !== undefined && reply.body.length > 0 && !this.isFinished) this.answer.sendChunk(reply.body);
    if (!this.isFinished) this.answer.sendEnd(undefined);
  }

  /** Called by the client's side exactly once, when nothing more will happen. */
  finish(nowMs: number): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.finishedMs = nowMs;
    this.#hold?.release();
    this.bodyStage?.abandon();
    if (this.stages !== undefined) this.dropStages();
    if (this.#attached !== undefined) for (const work of [...this.#attached]) work.release();
    this.plan?.onFinish?.(this);
    this.observer.onExchangeFinished(this);
  }
}

const noCaptures: readonly string[] = Object.freeze([]);
