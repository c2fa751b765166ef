/**
 * The spans of one thread until the control thread is told of them, many at a time. They are bytes as soon as they are over: objects
 * that wait for a second outlive the young ones of the heap, here and in the control thread, and to clear them away costs more than
 * all the rest.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ExchangeTrace } from '#http/exchange-trace.ts';
import { countSpans, createSpanMeans, type SpanMeans, writeSpans } from '#telemetry/exchange-spans.ts';
import type { Redactor } from '#telemetry/lines/redactor.ts';
import { type SpanBatch, SpanBatchWriter } from '#telemetry/otlp-spans.ts';
import { type Exemplar, Exemplars } from './exemplars.ts';

/** Telling costs as much as some twenty spans: sooner only where there are many. */
const TELL_EVERY_MS = 1_000;
/** Whatever the control thread does, no more wait for it than are told in so many turns. */
const TOLD_EARLY_MAX = 20;

/** Spans that are over. */
export interface ObservedSpans {
  readonly kind: 'spans';
  readonly batches: readonly SpanBatch[];
  /** Spans that had no room. */
  readonly lost: number;
  readonly exemplars: readonly Exemplar[];
}

export interface SpanBufferMeans {
  readonly clock: Clock;
  /** Tells the control thread; the buffers are its own from then on. */
  tell(observed: ObservedSpans, handedOver: readonly ArrayBuffer[]): void;
}

export class SpanBuffer {
  readonly #means: SpanBufferMeans;
  readonly #writer = new SpanBatchWriter();
  readonly #spanMeans: SpanMeans;
  /** Of those that have not been told of. */
  readonly #exemplars = new Exemplars();
  readonly #timer: NodeJS.Timeout;
  #lost = 0;
  /** Since the timer told last. */
  #toldEarly = 0;

  /** `redactor`: says what no span shows. */
  constructor(redactor: Redactor, means: SpanBufferMeans) {
    this.#means = means;
    this.#spanMeans = createSpanMeans(this.#writer, redactor);
    this.#timer = setInterval(() => this.#onTime(), TELL_EVERY_MS).unref();
  }

  /** The exchange is over. What runs on behind it would change what is told of it, so it is written at once. */
  add(exchange: Exchange, trace: ExchangeTrace): void {
    if (!this.#hasRoom(exchange, trace)) return;
    const { clock } = this.#means;
    const wallOffsetMs = clock.wallMs() - clock.monotonicMs();
    writeSpans(exchange, trace, this.#spanMeans, wallOffsetMs);
    // How long somebody kept a connection is not counted.
    if (!exchange.isTunnel) this.#exemplars.add(toExemplar(exchange, trace, wallOffsetMs));
    if (!this.#writer.hasClosed || this.#toldEarly === TOLD_EARLY_MAX) return;
    this.#toldEarly += 1;
    this.#tell();
  }

  /** Tells the control thread what there is. */
  flush(): void {
    this.#writer.closeBatch();
    if (this.#writer.hasClosed || this.#lost > 0) this.#tell();
  }

  /** Nothing is left behind. */
  close(): void {
    clearInterval(this.#timer);
    this.flush();
  }

  #onTime(): void {
    this.#toldEarly = 0;
    this.flush();
  }

  #tell(): void {
    const batches = this.#writer.take();
    const observed: ObservedSpans = { kind: 'spans', batches, lost: this.#lost, exemplars: this.#exemplars.take() };
    this.#lost = 0;
    this.#means.tell(
      observed,
      batches.map(({ bytes }) => bytes.buffer),
    );
  }

  #hasRoom(exchange: Exchange, trace: ExchangeTrace): boolean {
    const { count, bytes } = this.#writer;
    const added = countSpans(exchange, trace);
    if (count + added <= limits.threadSpansPendingMax && bytes < limits.threadSpansPendingBytesMax) return true;
    this.#lost += added;
    return false;
  }
}

function toExemplar(exchange: Exchange, { traceId, spanId }: ExchangeTrace, wallOffsetMs: number): Exemplar {
  const { request, plan, serviceName, startedMs, finishedMs } = exchange;
  return {
    labels: [request.listener, plan?.routeName ?? '', serviceName ?? ''],
    traceId,
    spanId,
    endMs: wallOffsetMs + Math.max(startedMs, finishedMs),
    durationMs: finishedMs - startedMs,
  };
}
