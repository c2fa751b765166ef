/** What threads have counted, as text for metrics: made piece by piece, so that a thread that serves besides is not kept from it. */

import type { SeriesFamily } from '#base/meter.ts';
import { formatMetricHead, type MetricPieces } from '#base/metric-text.ts';
import { type Exemplars, formatExemplar } from './exemplars.ts';
import { meterFamilies } from './meter-families.ts';
import { type MeteredHistogram, type MeteredMetric, type MeteredValue, meteredMetrics } from './meter-metrics.ts';
import { isOfRemoved, type RemovedNamesOrder } from './removed-names.ts';
import { requestFamily, routeFamily } from './request-meter.ts';
import { SeriesSums, type SummedSeries } from './series-sums.ts';
import { threadFamily } from './thread-gauges.ts';
import type { ThreadMeters, ThreadSeries } from './thread-meters.ts';

/** Series of histograms have most lines. */
const HISTOGRAMS_PER_PIECE = 50;
const SERIES_PER_PIECE = 500;

/** Traced requests, and the time of day. */
export interface PageExamples {
  readonly exemplars: Exemplars;
  readonly nowMs: number;
}

export interface PageOptions {
  /** One thread may still count for them when another one has given their places away, so nothing of them is told. */
  readonly removed?: RemovedNamesOrder;
  /** For the form that has a place for them. */
  readonly examples?: PageExamples | undefined;
}

export class MeterPage {
  readonly #sums = new Map(meterFamilies.map((family) => [family, new SeriesSums(family)]));

  /** Series that one thread has had room for, and all together have not. */
  get overflowCount(): number {
    return [...this.#sums.values()].reduce((sum, { overflowCount }) => sum + overflowCount, 0);
  }

  *write(meters: ThreadMeters, { removed, examples }: PageOptions = {}): MetricPieces {
    yield* meters.read();
    const threads = meters.list();
    const summed = new Map<SeriesFamily, readonly SummedSeries[]>();
    for (const family of meterFamilies) {
      const all = family === threadFamily ? listThreads(threads) : yield* this.#sums.get(family)!.add(threads);
      const mayBeOfRemoved = removed !== undefined && (family === routeFamily || family === requestFamily);
      summed.set(family, mayBeOfRemoved ? all.filter(({ labels }) => !isOfRemoved(removed, labels)) : all);
      yield;
    }
    for (const metric of meteredMetrics) yield* writeMetric(metric, summed.get(metric.family)!, examples);
  }
}

/** Nothing of them is added up. */
function listThreads(threads: readonly (readonly ThreadSeries[])[]): SummedSeries[] {
  return threads.flatMap((list) =>
    list
      .filter(({ family }) => family === threadFamily)
      .map(({ thread, cells, at }) => ({
        labels: [String(thread)],
        labelText: `thread="${thread}"`,
        cells: cells.subarray(at, at + threadFamily.cellCount),
      })),
  );
}

function* writeMetric(metric: MeteredMetric, all: readonly SummedSeries[], examples: PageExamples | undefined): MetricPieces {
  if (all.length === 0) return;
  const shown = metric.family === routeFamily ? examples : undefined;
  let text = formatMetricHead(metric);
  const isHistogram = 'histogram' in metric;
  const perPiece = isHistogram ? HISTOGRAMS_PER_PIECE : SERIES_PER_PIECE;
  for (const [i, series] of all.entries()) {
    text += isHistogram ? toHistogram(metric, series, shown) : toLines(metric.name, metric.values, series);
    if ((i + 1) % perPiece !== 0) continue;
    yield text;
    text = '';
  }
  yield text;
}

function toLines(name: string, values: readonly MeteredValue[], { labelText, cells }: SummedSeries): string {
  let text = '';
  for (const { cell, label, factor, onlyCounted } of values) {
    const value = cells[cell]!;
    if (onlyCounted === true && value === 0) continue;
    const labels = label === undefined ? labelText : `${labelText},${label}`;
    text += `${name}{${labels}} ${factor === undefined ? value : value * factor}\n`;
  }
  return text;
}

function toHistogram(
  { name, histogram }: { readonly name: string; readonly histogram: MeteredHistogram },
  { labels, labelText, cells }: SummedSeries,
  examples: PageExamples | undefined,
): string {
  const { firstCell, sumCell, buckets } = histogram;
  const found = examples?.exemplars.list(labels);
  let text = '';
  let count = 0;
  let cell = firstCell;
  for (const [i, { le, cellEnd }] of buckets.entries()) {
    for (; cell < cellEnd; cell++) count += cells[cell]!;
    const example = found === undefined ? '' : formatExemplar(found[i], examples!.nowMs);
    text += `${name}_bucket{${labelText},le="${le}"} ${count}${example}\n`;
  }
  return `${text}${name}_sum{${labelText}} ${cells[sumCell]!}\n${name}_count{${labelText}} ${count}\n`;
}
