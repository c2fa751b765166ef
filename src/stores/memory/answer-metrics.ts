/** What the memory for answers holds, for metrics. */
import { formatMetric, type Metric } from '#base/metric-text.ts';
import type { AnswerCounts } from './shared-answers.ts';

const answerMetric: Metric = { name: 'gatehouse_cache_answers', type: 'gauge', help: 'Answers that are kept in memory.' };
const byteMetric: Metric = {
  name: 'gatehouse_cache_bytes',
  type: 'gauge',
  help: 'Memory that answers take which are kept, heads and keys included.',
};
const evictionMetric: Metric = {
  name: 'gatehouse_cache_evictions_total',
  type: 'counter',
  help: 'Answers that were still of use and went because there was no room.',
};

export function toAnswerMetrics({ answers, bytes, evictions }: AnswerCounts): string {
  const one = (metric: Metric, value: number) => formatMetric(metric, [{ labels: {}, value }]);
  return one(answerMetric, answers) + one(byteMetric, bytes) + one(evictionMetric, evictions);
}
