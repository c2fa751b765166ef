/** The series of one family over all threads: those with the same labels added up. */
import { OTHER_LABEL, type SeriesFamily } from '#base/meter.ts';
import { formatLabelList } from '#base/metric-text.ts';
import type { ThreadSeries } from './thread-meters.ts';

const SERIES_PER_STEP = 200;

export interface SummedSeries {
  readonly labels: readonly string[];
  /** As they stand between the braces. */
  readonly labelText: string;
  readonly cells: Float64Array;
}

interface Sum extends SummedSeries {
  /** Number of the run that has found something for it last. */
  run: number;
}

export class SeriesSums {
  readonly #family: SeriesFamily;
  readonly #sums = new Map<string, Sum>();
  readonly #sumOf = new WeakMap<ThreadSeries, Sum>();
  #run = 0;
  /** Series that had no room of their own here. */
  overflowCount = 0;

  constructor(family: SeriesFamily) {
    this.#family = family;
  }

  /** Adds up what all threads have counted. What is returned is good until it is asked again. */
  *add(threads: readonly (readonly ThreadSeries[])[]): Generator<undefined, readonly SummedSeries[], void> {
    this.#run += 1;
    let added = 0;
    for (const list of threads) {
      for (const series of list) {
        if (series.family !== this.#family) continue;
        this.#addOne(series);
        added += 1;
        if (added % SERIES_PER_STEP === 0) yield;
      }
    }
    for (const [key, { run }] of this.#sums) if (run !== this.#run) this.#sums.delete(key);
    return [...this.#sums.values()];
  }

  #addOne(series: ThreadSeries): void {
    let sum = this.#sumOf.get(series);
    if (sum === undefined) {
      sum = this.#find(series.labels);
      this.#sumOf.set(series, sum);
    }
    if (sum.run !== this.#run) sum.cells.fill(0);
    sum.run = this.#run;
    const { cells, at } = series;
    for (let i = 0; i < sum.cells.length; i++) sum.cells[i]! += cells[at + i]!;
  }

  /** What one thread has had room for may be too much for all of them. */
  #find(labels: readonly string[]): Sum {
    const key = JSON.stringify(labels);
    const present = this.#sums.get(key);
    if (present !== undefined) return present;
    const { labels: names, seriesMax, cellCount } = this.#family;
    if (this.#sums.size >= seriesMax && labels[0] !== OTHER_LABEL) {
      this.overflowCount += 1;
      return this.#find(names.map(() => OTHER_LABEL));
    }
    const made = { labels, labelText: formatLabelList(names, labels), cells: new Float64Array(cellCount), run: 0 };
    this.#sums.set(key, made);
    return made;
  }
}
