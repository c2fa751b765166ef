/** When certificates expire, for metrics. */
import { formatMetric, type Metric, type MetricValue } from '#base/metric-text.ts';
import type { CertificateFacts } from './certificate-facts.ts';

const expiry: Metric = {
  name: 'gatehouse_certificate_expiry_seconds',
  type: 'gauge',
  help: 'When the certificate expires, in seconds since 1970.',
};

/** One value for each listener and first name; of several certificates for the same name the one that expires first. */
export function toExpiryMetrics(facts: readonly CertificateFacts[]): string {
  const values = new Map<string, MetricValue>();
  for (const { use, names, notAfterMs } of facts) {
    const name = names[0] ?? use.names[0];
    const { listener } = use;
    if (listener === undefined || notAfterMs === undefined || name === undefined) continue;
    const key = JSON.stringify([listener, name]);
    const value = Math.min(notAfterMs / 1000, values.get(key)?.value ?? Number.POSITIVE_INFINITY);
    values.set(key, { labels: { listener, name }, value });
  }
  return formatMetric(expiry, [...values.values()]);
}
