import type { ServiceConfiguration } from '#config/configuration.ts';
import type { OutlierSettings } from '#services/outliers/outlier-settings.ts';

/** `undefined`: nothing is made of what attempts show. */
export function toOutlierSettings({ outliers }: ServiceConfiguration): OutlierSettings | undefined {
  if (outliers === false) return undefined;
  const { latency } = outliers;
  return {
    consecutiveFailures: outliers.consecutiveFailures,
    statuses: outliers.statuses,
    windowMs: outliers.window,
    minRequests: outliers.minRequests,
    failureRate: outliers.failureRate,
    latency: latency === undefined ? undefined : { factor: latency.factor, floorMs: latency.floor },
    ejectionMs: outliers.ejection,
    ejectionMsMax: Math.max(outliers.ejection, outliers.ejectionMax),
    ejectedMax: outliers.maxEjected,
  };
}
