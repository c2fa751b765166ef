/**
 * Requests that were traced, as examples of how long requests take: for each series of durations and each of its buckets the latest
 * one. Threads collect those that they have not told of, and the control thread those of all.
 */
import { limits } from '#base/limits.ts';
import { shownEndsMs } from './meter-metrics.ts';

export interface Exemplar {
  /** Of the series; empty where there was none. */
  readonly labels: readonly [listener: string, route: string, service: string];
  readonly traceId: string;
  readonly spanId: string;
  /** Wall time. */
  readonly endMs: number;
  readonly durationMs: number;
}

const MS_PER_SECOND = 1_000;

export class Exemplars {
  /** By the labels of the series, and there by the position of the bucket. */
  readonly #found = new Map<string, (Exemplar | undefined)[]>();

  add(exemplar: Exemplar): void {
    const key = JSON.stringify(exemplar.labels);
    let ofSeries = this.#found.get(key);
    if (ofSeries === undefined) {
      // Series that are gone are among them; those that are there will soon have others.
      if (this.#found.size >= limits.metricRoutesMax) this.#found.clear();
      ofSeries = [];
      this.#found.set(key, ofSeries);
    }
    const bucket = shownEndsMs.findIndex((endMs) => exemplar.durationMs <= endMs);
    ofSeries[bucket < 0 ? shownEndsMs.length : bucket] = exemplar;
  }

  /** All of them, which are forgotten. */
  take(): Exemplar[] {
    const taken = [...this.#found.values()].flatMap((ofSeries) => ofSeries.filter((each) => each !== undefined));
    this.#found.clear();
    return taken;
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
