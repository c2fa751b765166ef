/** `/metrics`: made of what threads have counted and what the control thread knows, in slices, for one after the other who asks. */
import type { Clock } from '#base/clock.ts';
import {
  formatMetric,
  type Metric,
  type MetricPieces,
  type MetricsFormat,
  type MetricValue,
  openMetricsEnd,
  toOpenMetrics,
} from '#base/metric-text.ts';
import { runAtOnce, runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { Exemplars } from './exemplars.ts';
import { MeterPage } from './meter-page.ts';
import { RemovedNames, type RemovedNamesOrder } from './removed-names.ts';
import { requestFamily, routeFamily } from './request-meter.ts';
import type { ThreadMeters } from './thread-meters.ts';

/** Where there are no data threads, this one serves: requests wait for no longer. */
const SLICE_MS = 1;

const version: Metric = {
  name: 'gatehouse_configuration_version',
  type: 'gauge',
  help: 'Grows with each configuration that is applied.',
};
const appliedAt: Metric = {
  name: 'gatehouse_configuration_applied_time_seconds',
  type: 'gauge',
  help: 'When the present configuration was applied, in seconds since 1970.',
};
const reloads: Metric = {
  name: 'gatehouse_configuration_reloads_total',
  type: 'counter',
  help: 'Configurations that were applied or refused, the first one included.',
};
const objects: Metric = { name: 'gatehouse_configuration_objects', type: 'gauge', help: 'What the present configuration has.' };
const overflow: Metric = {
  name: 'gatehouse_metrics_overflow_total',
  type: 'counter',
  help: 'Series that had no room of their own: what they would have counted stands in series whose labels are `_other`.',
};
const cpuSeconds: Metric = {
  name: 'gatehouse_process_cpu_seconds_total',
  type: 'counter',
  help: 'Processor time of the process, all threads together.',
};
const residentBytes: Metric = {
  name: 'gatehouse_process_resident_memory_bytes',
  type: 'gauge',
  help: 'Memory of the process.',
};
const startTime: Metric = {
  name: 'gatehouse_process_start_time_seconds',
  type: 'gauge',
  help: 'When the gateway was started, in seconds since 1970.',
};

const MS_PER_SECOND = 1_000;
const MICROS_PER_SECOND = 1e6;

export interface MetricsSideOptions {
  readonly clock: Clock;
  /** The present ones: threads may have been made anew. */
  findMeters(): ThreadMeters;
  /** How many configurations there have been. */
  findVersion(): number;
  readonly exemplars: Exemplars;
  /** Tells threads whose series nobody wants any more. */
  forget(removed: RemovedNamesOrder): void;
  /** What others know, each as text or in pieces. */
  readonly sources: readonly (() => string | MetricPieces)[];
}

export class MetricsSide {
  readonly #options: MetricsSideOptions;
  readonly #page = new MeterPage();
  readonly #startedAtMs: number;
  readonly #removed = new RemovedNames();
  #configuration: Configuration | undefined;
  #appliedAtMs = 0;
  #appliedCount = 0;
  #refusedCount = 0;
  /** Being made, for all who ask meanwhile. */
  readonly #rendering = new Map<MetricsFormat, Promise<Buffer>>();

  constructor(options: MetricsSideOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.wallMs();
  }

  /** A configuration is the present one. */
  onApplied(configuration: Configuration): void {
    this.#followNames(configuration);
    this.#configuration = configuration;
    this.#appliedAtMs = this.#options.clock.wallMs();
    this.#appliedCount += 1;
  }

  /** Threads are only told here and when somebody asks for metrics: without either, nothing takes any room. */
  #followNames(configuration: Configuration): void {
    const meters = this.#options.findMeters();
    runAtOnce(meters.read());
    const counted = meters
      .list()
      .flatMap((list) => list.filter(({ family }) => family === routeFamily || family === requestFamily));
    this.#removed.prune(counted.map(({ labels }) => labels));
    const nowMs = this.#options.clock.monotonicMs();
    this.#removed.replace(this.#configuration, configuration, nowMs);
    this.#removed.update(nowMs);
    // Once more also if they are the same: what ran on may have ended meanwhile, and have been counted.
    this.#options.forget(this.#removed.order);
  }

  /** One could not be loaded or applied, and changes nothing. */
  onRefused(): void {
    this.#refusedCount += 1;
  }

  render(format: MetricsFormat): Promise<Buffer> {
    const present = this.#rendering.get(format);
    if (present !== undefined) return present;
    const rendering = this.#renderNow(format).finally(() => this.#rendering.delete(format));
    this.#rendering.set(format, rendering);
    return rendering;
  }

  async #renderNow(format: MetricsFormat): Promise<Buffer> {
    return Buffer.concat(await runInSlices(collect(this.#write(format), format), this.#options.clock, SLICE_MS));
  }

  *#write(format: MetricsFormat): MetricPieces {
    const { clock, exemplars } = this.#options;
    if (this.#removed.update(clock.monotonicMs())) this.#options.forget(this.#removed.order);
    const removed = this.#removed.order;
    // The other form has no place for them.
    const examples = format === 'openmetrics' ? { exemplars, nowMs: clock.wallMs() } : undefined;
    yield* this.#page.write(this.#options.findMeters(), { removed, examples });
    yield this.#describeConfiguration() + this.#describeProcess();
    for (const source of this.#options.sources) {
      const made = source();
      if (typeof made === 'string') yield made;
      else yield* made;
    }
  }

  #describeConfiguration(): string {
    const { listeners = {}, routes = {}, services = {} } = this.#configuration ?? {};
    const counts = Object.entries({ listeners, routes, services }).map(
      ([kind, all]): MetricValue => ({ labels: { kind }, value: Object.keys(all).length }),
    );
    return [
      formatMetric(version, [one(this.#options.findVersion())]),
      formatMetric(appliedAt, [one(this.#appliedAtMs / MS_PER_SECOND)]),
      formatMetric(reloads, [
        { labels: { outcome: 'applied' }, value: this.#appliedCount },
        { labels: { outcome: 'refused' }, value: this.#refusedCount },
      ]),
      formatMetric(objects, counts),
      formatMetric(overflow, [one(this.#options.findMeters().overflowCount + this.#page.overflowCount)]),
    ].join('');
  }

  #describeProcess(): string {
    const { user, system } = process.cpuUsage();
    return [
      formatMetric(cpuSeconds, [one((user + system) / MICROS_PER_SECOND)]),
      formatMetric(residentBytes, [one(process.memoryUsage.rss())]),
      formatMetric(startTime, [one(this.#startedAtMs / MS_PER_SECOND)]),
    ].join('');
  }
}

function one(value: number): MetricValue {
  return { labels: {}, value };
}

function* collect(made: MetricPieces, format: MetricsFormat): Generator<undefined, readonly Buffer[], void> {
  const pieces: Buffer[] = [];
  for (const piece of made) {
    if (piece !== undefined) pieces.push(Buffer.from(format === 'openmetrics' ? toOpenMetrics(piece) : piece));
    yield;
  }
  if (format === 'openmetrics') pieces.push(Buffer.from(openMetricsEnd));
  return pieces;
}
