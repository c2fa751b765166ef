/**
 * The traces of one thread: decides for each exchange whether it is traced, and has spans written of those that are. An exchange
 * that is not traced costs a look at its fields and what it is told of the trace.
 */
import type { Clock } from '#base/clock.ts';
import { createIdSource } from '#base/ids.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import type { ClientRequest, Exchange, ExchangePlan } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import { ExchangeTrace, type TraceMeans, type TraceStart } from '#http/exchange-trace.ts';
import { isGrpcCall } from '#http/grpc-request.ts';
import type { SecretNames } from '#http/secret-names.ts';
import { TracePropagation } from '#http/trace-propagation.ts';
import { Redactor } from '#telemetry/lines/redactor.ts';
import { SPAN_ID_DIGITS, TRACE_ID_DIGITS } from '#wire/trace-context/hex-ids.ts';
import { SpanBuffer, type SpanBufferMeans } from './span-buffer.ts';
import { TraceSampling } from './trace-sampling.ts';

export interface TracingMeans extends Pick<SpanBufferMeans, 'tell'> {
  readonly clock: Clock;
  /** Numbers of at least 0 and below 1. */
  readonly chance: () => number;
  /** Whose values no span has. */
  readonly names?: SecretNames;
}

export class Tracing {
  readonly #means: TracingMeans;
  readonly #traceMeans: TraceMeans;
  readonly #nextTraceId = createIdSource();
  readonly #unrecordedSpanId: string;
  readonly #sampling: TraceSampling;
  readonly #trust: TracingSettings['trust'];
  readonly #spans: SpanBuffer;

  constructor({ propagate, trust, redact, ...shares }: TracingSettings, means: TracingMeans) {
    this.#means = means;
    const nextSpanId = createSpanIdSource();
    this.#unrecordedSpanId = nextSpanId();
    this.#traceMeans = { propagation: new TracePropagation(propagate, this.#unrecordedSpanId), nextSpanId };
    this.#sampling = new TraceSampling(shares, means.chance);
    this.#trust = trust;
    this.#spans = new SpanBuffer(new Redactor(redact, means.names), means);
  }

  /** `plan`: of its route. It has not been begun with. */
  begin(exchange: Exchange, plan: ExchangePlan | undefined): void {
    // One of a batch belongs to the trace of the request that it came in.
    if (exchange.trace === undefined) this.#decide(exchange, plan);
    if (exchange.trace?.isSampled !== true) return;
    exchange.journal ??= new ExchangeJournal(this.#means.clock);
    if (isGrpcCall(exchange.request)) exchange.keepsSentFields = true;
  }

  finish(exchange: Exchange): void {
    const { trace } = exchange;
    if (trace?.isSampled === true) this.#spans.add(exchange, trace);
  }

  /** Tells the control thread of the spans that there are. */
  flush(): void {
    this.#spans.flush();
  }

  close(): void {
    this.#spans.close();
  }

  #decide(exchange: Exchange, plan: ExchangePlan | undefined): void {
    const { request } = exchange;
    const received = this.#traceMeans.propagation.read(request.fields);
    const { context } = received;
    const isSampled = this.#believe(request, context?.isSampled) ?? this.#sampling.draw(request, plan?.routeName);
    // Trace Context §3.4: what nothing is changed of goes on as it is, and nothing is recorded that could be its parent.
    if (!isSampled && received.isPassable && context?.isSampled === false) return;
    const known = context?.traceId === undefined ? undefined : context;
    const start: TraceStart = {
      traceId: known?.traceId ?? this.#toTraceId(exchange),
      // Where the trace begins and nothing is recorded, nobody looks for the span, and there is no other that it could be mistaken for.
      spanId: isSampled || known !== undefined ? this.#traceMeans.nextSpanId() : this.#unrecordedSpanId,
      parentId: known?.parentId,
      isParentRemote: known !== undefined,
      isSampled,
      isRandom: known?.isRandom ?? false,
      received,
    };
    exchange.trace = new ExchangeTrace(start, this.#traceMeans);
  }

  /** A trace that begins here is found by the id of its request, unless that is somebody else's. */
  #toTraceId({ request, requestId }: Exchange): string {
    const isOwn = requestId.length === TRACE_ID_DIGITS && !request.forwardingFields.isFromProxy;
    return isOwn ? requestId : this.#nextTraceId();
  }

  /** What whoever sent the request has decided, if that counts. */
  #believe({ forwardingFields }: ClientRequest, isSampled: boolean | undefined): boolean | undefined {
    const isBelieved = this.#trust === 'all' || (this.#trust === 'proxies' && forwardingFields.isFromProxy);
    return isBelieved ? isSampled : undefined;
  }
}

/** Two of each id that is drawn. */
function createSpanIdSource(): () => string {
  const nextId = createIdSource();
  let other = '';
  return () => {
    if (other !== '') {
      const id = other;
      other = '';
      return id;
    }
    const id = nextId();
    other = id.substring(SPAN_ID_DIGITS);
    return id.substring(0, SPAN_ID_DIGITS);
  };
}
