/**
 * Sends spans to a collector, as OTLP over HTTP: one message at a time, again after a while where the collector asks for that or
 * cannot be reached, and bounded in number. Spans that find no room are dropped and counted; nobody waits for them.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric } from '#base/metric-text.ts';
import { type CallHttpForBytes, type HttpBytesAnswer, HttpCallFailed } from '#net/http-call.ts';
import { encodeSpans } from './otlp-spans.ts';
import type { SpanRecord } from './span-record.ts';

export interface CollectorSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What is said of the gateway with each span. */
  readonly resource: Readonly<Record<string, string>>;
}

export interface ExporterMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly callHttp: CallHttpForBytes;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Runs something after a time, unless what it returns is called before. */
  later(delayMs: number, run: () => void): () => void;
}

/** `overflow`: there was no room. `refused`: the collector does not take them. `unreachable`: it has not answered for too long. */
export type DropReason = 'overflow' | 'refused' | 'unreachable';

const ANSWER_BYTES_MAX = 64 * 1024;
const ATTEMPTS_MAX = 6;
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;
const RETRY_AFTER_MAX_MS = 60_000;
const TOLD_EVERY_MS = 10_000;
/** OTLP, "Retryable Response Codes". */
const retryable = new Set([429, 502, 503, 504]);

export class SpanExporter {
  readonly #means: ExporterMeans;
  #collector: CollectorSettings;
  readonly #pending: SpanRecord[] = [];
  #isSending = false;
  #failures = 0;
  #stopPause: (() => void) | undefined = undefined;
  #cancelSending: AbortController | undefined = undefined;
  #isClosed = false;
  #whenEmpty: (() => void) | undefined = undefined;
  #exported = 0;
  readonly #dropped: Record<DropReason, number> = { overflow: 0, refused: 0, unreachable: 0 };
  #toldMs = Number.NEGATIVE_INFINITY;
  #untold = 0;

  constructor(collector: CollectorSettings, means: ExporterMeans) {
    this.#collector = collector;
    this.#means = means;
  }

  /** Another collector from now on. */
  follow(collector: CollectorSettings): void {
    this.#collector = collector;
  }

  /** `lost`: spans that had no room where they come from. */
  add(spans: readonly SpanRecord[], lost: number): void {
    if (this.#isClosed) return;
    const room = Math.max(0, limits.spansPendingMax - this.#pending.length);
    const taken = spans.length <= room ? spans : spans.slice(0, room);
    for (const span of taken) this.#pending.push(span);
    this.#drop('overflow', spans.length - taken.length + lost, 'the queue is full');
    this.#send();
  }

  /** Sends what there is, without pauses, for so long at most. Nothing is taken afterwards. */
  async close(patienceMs: number): Promise<void> {
    if (this.#pending.length > 0 && patienceMs > 0) {
      await new Promise<void>((resolve) => {
        const stop = this.#means.later(patienceMs, resolve);
        this.#whenEmpty = () => {
          stop();
          resolve();
        };
        this.#endPause();
      });
    }
    this.#isClosed = true;
    this.#stopPause?.();
    this.#cancelSending?.abort();
    this.#drop('unreachable', this.#pending.length, 'the gateway ends');
    this.#pending.length = 0;
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
      help: 'Spans that were thrown away: there was no room (overflow), or the collector did not take them (refused) or did not answer (unreachable).',
    } as const;
    return exported + formatMetric(metric, dropped);
  }

  #send(): void {
    if (this.#isSending || this.#stopPause !== undefined || this.#isClosed) return;
    if (this.#pending.length === 0) return this.#whenEmpty?.();
    this.#isSending = true;
    // Whoever sends goes on by itself, so there is nothing to wait for, and it does not reject.
    void this.#sendNext();
  }

  async #sendNext(): Promise<void> {
    const batch = this.#pending.slice(0, limits.spansOfExportMax);
    const outcome = await this.#post(batch);
    this.#isSending = false;
    if (this.#isClosed) return;
    if (outcome === 'taken') {
      this.#exported += batch.length;
      this.#forget(batch.length);
    } else if (outcome.pauseMs === undefined) {
      this.#forget(batch.length);
      this.#drop('refused', batch.length, outcome.reason);
    } else {
      // Whoever waits for the end waits for no second try.
      if (this.#whenEmpty !== undefined) return this.#whenEmpty();
      return this.#pause(batch.length, outcome.pauseMs, outcome.reason);
    }
    this.#send();
  }

  #forget(count: number): void {
    this.#failures = 0;
    this.#pending.splice(0, count);
  }

  #pause(count: number, askedMs: number, reason: string): void {
    this.#failures += 1;
    // The rest may do better; what is at the head of the queue has had its chances.
    if (this.#failures % ATTEMPTS_MAX === 0) {
      this.#pending.splice(0, count);
      this.#drop('unreachable', count, reason);
    }
    const backoffMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (this.#failures - 1));
    const delayMs = Math.max(askedMs, backoffMs * (0.5 + this.#means.random() / 2));
    this.#stopPause = this.#means.later(delayMs, () => this.#endPause());
  }

  #endPause(): void {
    this.#stopPause?.();
    this.#stopPause = undefined;
    this.#send();
  }

  async #post(batch: readonly SpanRecord[]): Promise<'taken' | Refused> {
    const { url, headers, timeoutMs, resource } = this.#collector;
    const abort = new AbortController();
    this.#cancelSending = abort;
    try {
      const answer = await this.#means.callHttp({
        url,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf' },
        body: encodeSpans(batch, resource),
        timeoutMs,
        bytesMax: ANSWER_BYTES_MAX,
        signal: abort.signal,
      });
      return this.#judge(answer);
    } catch (error) {
      if (error instanceof HttpCallFailed) return { reason: error.message, pauseMs: 0 };
      // A span that cannot be written would keep all behind it from being sent.
      return { reason: error instanceof Error ? error.message : String(error), pauseMs: undefined };
    } finally {
      this.#cancelSending = undefined;
    }
  }

  #judge({ status, headers }: HttpBytesAnswer): 'taken' | Refused {
    if (status >= 200 && status < 300) return 'taken';
    const reason = `the collector answers with ${status}`;
    if (!retryable.has(status)) return { reason, pauseMs: undefined };
    return { reason, pauseMs: readRetryAfterMs(headers['retry-after'], this.#means.clock.wallMs()) };
  }

  /** A collector that is away for a day is told of in a line every so often. */
  #drop(reason: DropReason, spans: number, because: string): void {
    if (spans === 0) return;
    this.#dropped[reason] += spans;
    this.#untold += spans;
    const nowMs = this.#means.clock.monotonicMs();
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return;
    this.#means.logger.log('warn', 'trace spans dropped', { spans: this.#untold, reason, because });
    this.#toldMs = nowMs;
    this.#untold = 0;
  }
}

/** `pauseMs`: when it may be sent again, at the soonest; `undefined`: never. */
interface Refused {
  readonly reason: string;
  readonly pauseMs: number | undefined;
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function readRetryAfterMs(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(RETRY_AFTER_MAX_MS, Math.max(0, ms));
}
