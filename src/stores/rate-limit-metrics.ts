/** What all threads have counted by rate limits, for metrics. */
import { formatMetric, type Metric } from '#base/metric-text.ts';
import { AllowanceTable } from './allowance-table.ts';

const refused: Metric = {
  name: 'gatehouse_rate_limit_refused_total',
  type: 'counter',
  help: 'Requests that a rate limit has refused.',
};
const overflow: Metric = {
  name: 'gatehouse_rate_limit_overflow_total',
  type: 'counter',
  help: 'How often a request was counted together with others because the table had no room for its key.',
};
const storeFailures: Metric = {
  name: 'gatehouse_rate_limit_store_failures_total',
  type: 'counter',
  help: 'Requests that a store should have decided about and did not, because it was away, slow or refused.',
};

/** Nothing where there has been no rate limit. */
export function toRateLimitMetrics(memory: SharedArrayBuffer | undefined): string {
  if (memory === undefined) return '';
  const table = new AllowanceTable(memory);
  const one = (metric: Metric, value: number) => formatMetric(metric, [{ labels: {}, value }]);
  return one(refused, table.refusalCount) + one(overflow, table.overflowCount) + one(storeFailures, table.storeFailureCount);
}
