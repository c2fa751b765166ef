/**
 * Requests that were traced, as examples of how long requests take: for each series of durations and each of its buckets the latest
 * one. They are made of what threads tell of their spans, so a request that is not traced has nothing to do with them.
 */
import { limits } from '#base/limits.ts';
import type { SpanRecord } from '#telemetry/span-record.ts';
import { shownEndsMs } from './meter-metrics.ts';

type Exemplar = Pick<SpanRecord, 'traceId' | 'spanId' | 'endMs'> & { readonly durationMs: number };

const MS_PER_SECOND = 1_000;

export class Exemplars {
  /** By the labels of the series, and there by the position of the bucket. */
  readonly #found = new Map<string, (Exemplar | undefined)[]>();

  add(span: SpanRecord): void {
    if (span.counted === undefined) return;
    const { traceId, spanId, endMs } = span;
    const { labels, durationMs } = span.counted;
    const key = JSON.stringify(labels);
    let ofSeries = this.#found.get(key);
    if (ofSeries === undefined) {
      // Series that are gone are among them; those that are there will soon have others.
      if (this.#found.size >= limits.metricRoutesMax) this.#found.clear();
      ofSeries = [];
      this.#found.set(key, ofSeries);
    }
    const bucket = shownEndsMs.findIndex((endMs) => durationMs <= endMs);
    ofSeries[bucket < 0 ? shownEndsMs.length : bucket] = { traceId, spanId, endMs, durationMs };
  }

  /** Of a series, by the position of the bucket. */
  list(labels: readonly string[]): readonly (Exemplar | undefined)[] | undefined {
    return this.#found.size === 0 ? undefined : this.#found.get(JSON.stringify(labels));
  }
}

/** What stands behind the value of a bucket of OpenMetrics; empty where there was none of late. */
export function formatExemplar(exemplar: Exemplar | undefined, nowMs: number): string {
  if (exemplar === undefined || nowMs - exemplar.endMs > limits.exemplarMs) return '';
  const { traceId, spanId, endMs, durationMs } = exemplar;
  const at = (endMs / MS_PER_SECOND).toFixed(3);
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${durationMs / MS_PER_SECOND} ${at}`;
}
