/** Metrics in the text form that Prometheus reads (version 0.0.4). */

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
export function formatMetric({ name, type, help }: Metric, values: readonly MetricValue[]): string {
  const lines = values.map(({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const written = Object.entries(labels).map(([name, text]) => `${name}="${escapeLabel(text)}"`);
  return written.length === 0 ? '' : `{${written.join()}}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
