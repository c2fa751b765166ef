/** What the charts draw of points of traffic. */
import type { TrafficPoint } from '../api/answers.ts';
import type { ChartSeries } from '../charts/time-chart.tsx';

export function toRateSeries(points: readonly TrafficPoint[]): ChartSeries[] {
  return [
    { name: 'ok', tone: 'accent', values: points.map(toSuccesses) },
    { name: '4xx', tone: 'warn', values: points.map(({ clientErrorsPerSecond }) => clientErrorsPerSecond) },
    { name: '5xx', tone: 'bad', values: points.map(({ errorsPerSecond }) => errorsPerSecond) },
  ];
}

function toSuccesses({ requestsPerSecond, errorsPerSecond, clientErrorsPerSecond }: TrafficPoint): number {
  return Math.max(0, requestsPerSecond - errorsPerSecond - clientErrorsPerSecond);
}

export function toLatencySeries(points: readonly TrafficPoint[]): ChartSeries[] {
  return [
    { name: 'p50', tone: 'accent', values: points.map((point) => measured(point, point.p50Ms)) },
    { name: 'p90', tone: 'accent', values: points.map((point) => measured(point, point.p90Ms)) },
    { name: 'p99', tone: 'accent', values: points.map((point) => measured(point, point.p99Ms)) },
  ];
}

/** Where nothing passed, there is no latency, and not one of 0 ms. */
function measured({ requestsPerSecond }: TrafficPoint, ms: number): number | null {
  return requestsPerSecond === 0 ? null : ms;
}
