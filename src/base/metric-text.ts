/** Metrics in the text form that Prometheus reads (version 0.0.4), and in that of OpenMetrics (version 1.0.0). */

export type MetricsFormat = 'prometheus' | 'openmetrics';

/** A page piece by piece; `undefined`: a step that has made nothing yet. */
export type MetricPieces = Generator<string | undefined, void, void>;

export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** One sentence. */
  readonly help: string;
}

export interface MetricValue {
  /** Behind the name, where the metric has several kinds of values. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its values: they stand together. */
export function formatMetric(metric: Metric, values: readonly MetricValue[]): string {
  return formatMetricHead(metric) + formatMetricValues(metric, values);
}

export function formatMetricValues({ name }: Pick<Metric, 'name'>, values: readonly MetricValue[]): string {
  return values.map(({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${value}\n`).join('');
}

/** What a metric is, above its values. */
export function formatMetricHead({ name, type, help }: Metric): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Labels as they stand between the braces. */
export function formatLabelList(names: readonly string[], texts: readonly string[]): string {
  return names.map((name, i) => `${name}="${escapeLabel(texts[i] ?? '')}"`).join();
}

const counterHead = /^# (HELP|TYPE) (\S+)_total (.*)$/gm;

/**
 * The other form of a page, or of a piece of one: there a counter has its name without `_total`, which its values have. The page
 * ends with `openMetricsEnd`.
 */
export function toOpenMetrics(text: string): string {
  return text.replaceAll(counterHead, '# $1 $2 $3');
}

export const openMetricsEnd = '# EOF\n';

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const written = Object.entries(labels).map(([name, text]) => `${name}="${escapeLabel(text)}"`);
  return written.length === 0 ? '' : `{${written.join()}}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
