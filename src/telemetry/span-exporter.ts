/**
 * Gives spans to a collector, as threads have written them: one message at a time, and bounded in number and bytes. Spans that find
 * no room, and those that the collector does not take, are dropped and counted; nobody waits for them.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric } from '#base/metric-text.ts';
import { LossReport } from './loss-report.ts';
import { readRejectedCount } from './otlp/otlp-answer.ts';
import type { OtlpOutcome, OtlpTransport } from './otlp/otlp-transport.ts';
import { ExportWriter, type SpanBatch } from './otlp-spans.ts';

export interface SpanDestination {
  readonly transport: Pick<OtlpTransport, 'send' | 'hurry' | 'close'>;
  /** What is said of the gateway with each span. */
  readonly resource: Readonly<Record<string, string>>;
}

export interface ExporterMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs something after a time, unless what it returns is called before. */
  later(delayMs: number, run: () => void): () => void;
}

/** `overflow`: there was no room. `refused`: the collector does not take them. `unreachable`: it has not answered for too long. */
export type DropReason = 'overflow' | 'refused' | 'unreachable';

/** These say that the collector is there and has no time. */
const busyStatuses = new Set([429, 502, 503, 504]);

export class SpanExporter {
  readonly #means: ExporterMeans;
  #destination: SpanDestination;
  readonly #writer = new ExportWriter();
  readonly #pending: SpanBatch[] = [];
  /** Of the spans in them. */
  #pendingCount = 0;
  #pendingBytes = 0;
  /** Has a message, which may be that of a destination before. */
  #sending: SpanDestination['transport'] | undefined = undefined;
  #isClosed = false;
  /** Whoever waits for the end. */
  #whenEmpty: (() => void) | undefined = undefined;
  #exported = 0;
  readonly #dropped: Record<DropReason, number> = { overflow: 0, refused: 0, unreachable: 0 };
  readonly #losses: LossReport;

  constructor(destination: SpanDestination, means: ExporterMeans) {
    this.#destination = destination;
    this.#means = means;
    this.#losses = new LossReport({ ...means, level: 'warn', message: 'trace spans dropped', what: 'spans' });
  }

  /** Where messages go from the next one on. */
  follow(destination: SpanDestination): void {
    const before = this.#destination;
    this.#destination = destination;
    before.transport.hurry();
  }

  /** `lost`: spans that had no room where they come from. */
  add(batches: readonly SpanBatch[], lost: number): void {
    if (this.#isClosed) return;
    let dropped = lost;
    for (const batch of batches) if (!this.#keep(batch)) dropped += batch.count;
    this.#drop('overflow', dropped, 'there is no room');
    this.#send();
  }

  /** Sends what there is, once more and without pauses, for so long at most. Nothing is taken afterwards. */
  async close(patienceMs: number): Promise<void> {
    const { transport } = this.#destination;
    if (this.#pending.length > 0 && patienceMs > 0) {
      transport.hurry();
      await new Promise<void>((resolve) => {
        const stop = this.#means.later(patienceMs, resolve);
        this.#whenEmpty = () => {
          stop();
          resolve();
        };
      });
    }
    this.#isClosed = true;
    for (const each of new Set([transport, this.#sending])) each?.close();
    this.#drop('unreachable', this.#forget(this.#pending.length), 'the gateway ends');
    this.#losses.end();
  }

  get metricsText(): string {
    const exported = formatMetric(
      { name: 'gatehouse_trace_spans_exported_total', type: 'counter', help: 'Spans that the collector has taken.' },
      [{ labels: {}, value: this.#exported }],
    );
    const dropped = Object.entries(this.#dropped).map(([reason, value]) => ({ labels: { reason }, value }));
    const metric = {
      name: 'gatehouse_trace_spans_dropped_total',
      type: 'counter',
      help: 'Spans that were thrown away: there was no room (overflow), or the collector did not take them (refused) or had no time for them (unreachable).',
    } as const;
    return exported + formatMetric(metric, dropped);
  }

  #send(): void {
    if (this.#sending !== undefined || this.#isClosed) return;
    if (this.#pending.length === 0) return this.#whenEmpty?.();
    // It goes on by itself, so there is nothing to wait for, and it does not reject.
    void this.#sendNext();
  }

  async #sendNext(): Promise<void> {
    const batches = this.#pending.slice(0, this.#countNext());
    this.#sending = this.#destination.transport;
    const outcome = await this.#sendMessage(batches);
    this.#sending = undefined;
    if (this.#isClosed) return;
    const spans = this.#forget(batches.length);
    if (outcome.kind === 'sent') this.#count(spans, readRejectedCount(outcome.answer));
    else {
      const isRefused = outcome.status !== undefined && !busyStatuses.has(outcome.status);
      this.#drop(isRefused ? 'refused' : 'unreachable', spans, outcome.reason);
    }
    this.#send();
  }

  async #sendMessage(batches: readonly SpanBatch[]): Promise<OtlpOutcome> {
    const { transport, resource } = this.#destination;
    try {
      return await transport.send(this.#writer.write(batches, resource));
    } catch (error) {
      // A message that cannot be sent would keep all behind it from being sent.
      return { kind: 'lost', reason: error instanceof Error ? error.message : String(error), status: undefined };
    }
  }

  #keep(batch: SpanBatch): boolean {
    const count = this.#pendingCount + batch.count;
    const bytes = this.#pendingBytes + batch.bytes.length;
    if (count > limits.spansPendingMax || bytes > limits.spansPendingBytesMax) return false;
    this.#pending.push(batch);
    this.#pendingCount = count;
    this.#pendingBytes = bytes;
    return true;
  }

  /** Batches that make up the next message: each is small enough for one. */
  #countNext(): number {
    let spans = 0;
    let bytes = 0;
    for (const [i, batch] of this.#pending.entries()) {
      spans += batch.count;
      bytes += batch.bytes.length;
      if (i > 0 && (spans > limits.spansOfExportMax || bytes > limits.spansOfExportBytesMax)) return i;
    }
    return this.#pending.length;
  }

  /** The first batches wait no longer. Returns how many spans these are. */
  #forget(batches: number): number {
    let spans = 0;
    for (const { count, bytes } of this.#pending.splice(0, batches)) {
      spans += count;
      this.#pendingBytes -= bytes.length;
    }
    this.#pendingCount -= spans;
    return spans;
  }

  #count(sent: number, rejected: number): void {
    const refused = Math.min(rejected, sent);
    this.#exported += sent - refused;
    this.#drop('refused', refused, 'the collector leaves them out');
  }

  #drop(reason: DropReason, spans: number, because: string): void {
    if (spans === 0) return;
    this.#dropped[reason] += spans;
    this.#losses.add(spans, { reason, because });
  }
}
