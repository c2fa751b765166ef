/**
 * Gives spans to a collector: one message at a time, and bounded in number. Spans that find no room, and those that the collector
 * does not take, are dropped and counted; nobody waits for them.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric } from '#base/metric-text.ts';
import { LossReport } from './loss-report.ts';
import type { OtlpOutcome, OtlpTransport } from './otlp/otlp-transport.ts';
import { encodeSpans, readRejectedCount } from './otlp-spans.ts';
import type { SpanRecord } from './span-record.ts';

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
  readonly #pending: SpanRecord[] = [];
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
  add(spans: readonly SpanRecord[], lost: number): void {
    if (this.#isClosed) return;
    const room = Math.max(0, limits.spansPendingMax - this.#pending.length);
    const taken = spans.length <= room ? spans : spans.slice(0, room);
    for (const span of taken) this.#pending.push(span);
    this.#drop('overflow', spans.length - taken.length + lost, 'there is no room');
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
    this.#drop('unreachable', this.#pending.length, 'the gateway ends');
    this.#pending.length = 0;
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
    const batch = this.#pending.slice(0, limits.spansOfExportMax);
    this.#sending = this.#destination.transport;
    const outcome = await this.#sendBatch(batch);
    this.#sending = undefined;
    if (this.#isClosed) return;
    this.#pending.splice(0, batch.length);
    if (outcome.kind === 'sent') this.#count(batch.length, readRejectedCount(outcome.answer));
    else {
      const isRefused = outcome.status !== undefined && !busyStatuses.has(outcome.status);
      this.#drop(isRefused ? 'refused' : 'unreachable', batch.length, outcome.reason);
    }
    this.#send();
  }

  async #sendBatch(batch: readonly SpanRecord[]): Promise<OtlpOutcome> {
    const { transport, resource } = this.#destination;
    try {
      return await transport.send(encodeSpans(batch, resource));
    } catch (error) {
      // A span that cannot be written would keep all behind it from being sent.
      return { kind: 'lost', reason: error instanceof Error ? error.message : String(error), status: undefined };
    }
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
