/** How the gateway is doing, at a glance. */
import type { ExchangeRecord, Service, Traffic } from '../api/answers.ts';
import { useTraffic } from '../api/traffic-feed.ts';
import { useResource } from '../api/use-resource.ts';
import { TimeChart } from '../charts/time-chart.tsx';
import { formatBytesRate, formatCount, formatLatency, formatMs, formatNumberOf, formatRate } from '../formats.ts';
import { ErrorList } from '../parts/error-list.tsx';
import { hasManyErrors } from '../parts/error-share.ts';
import { KeyFigure } from '../parts/key-figure.tsx';
import { Panel } from '../parts/panel.tsx';
import { Saturation } from '../parts/saturation.tsx';
import { ServiceTable } from '../parts/service-table.tsx';
import { Loading, Shown } from '../parts/states.tsx';
import { toLatencySeries, toRateSeries } from '../parts/traffic-series.ts';
import { BusyRoutes } from '../parts/traffic-table.tsx';

const ROUTES_SHOWN = 8;
const ERRORS_SHOWN = 6;
const SPARK_LENGTH = 60;

export function OverviewPage() {
  const { report, points } = useTraffic();
  const times = points.map(({ at }) => at);
  return (
    <>
      <KeyFigures />
      <div className="columns-2">
        <TimeChart
          title="Requests"
          kind="stacked"
          times={times}
          series={toRateSeries(points)}
          format={formatRate}
          aside={report && `${formatBytesRate(report.total.bytesOutPerSecond)} out`}
        />
        <TimeChart title="Latency" kind="quantiles" times={times} series={toLatencySeries(points)} format={formatMs} />
      </div>
      <div className="columns-2">
        <Panel title="Busiest routes" aside={<a href="#/routes">All routes</a>} isFlush>
          {report === undefined ? <Loading /> : <BusyRoutes max={ROUTES_SHOWN} />}
        </Panel>
        <Panel title="Saturation" aside={report && formatNumberOf(report.threads.length, 'thread')} isFlush>
          {report === undefined ? <Loading /> : <Saturation report={report} />}
        </Panel>
      </div>
      <div className="columns-2">
        <ServicesPanel />
        <ErrorsPanel />
      </div>
    </>
  );
}

function KeyFigures() {
  const { report, points } = useTraffic();
  const recent = points.slice(-SPARK_LENGTH);
  const total = report?.total;
  const of = (read: (point: Traffic) => number) => recent.map(read);
  return (
    <div className="key-figures">
      <KeyFigure
        label="Requests"
        note={report && `average of ${report.windowSeconds} s`}
        value={formatRate(total?.requestsPerSecond)}
        trend={of((point) => point.requestsPerSecond)}
      />
      <KeyFigure
        label="Errors (5xx)"
        value={formatRate(total?.errorsPerSecond)}
        tone={hasManyErrors(total) ? 'bad' : 'quiet'}
        note={total && shareOf(total.errorsPerSecond, total.requestsPerSecond)}
        trend={of((point) => point.errorsPerSecond)}
      />
      <KeyFigure
        label="Latency p99"
        value={formatLatency(total, 'p99Ms')}
        note={total && `p50 ${formatLatency(total, 'p50Ms')}, last minute`}
        trend={of((point) => point.p99Ms)}
      />
      <KeyFigure label="In flight" note="now" value={formatCount(total?.inFlight)} trend={of((point) => point.inFlight)} />
    </div>
  );
}

function shareOf(part: number, all: number): string {
  return all === 0 ? '0 % of requests' : `${((part / all) * 100).toFixed(part === 0 ? 0 : 1)} % of requests`;
}

function ServicesPanel() {
  const services = useResource<{ services: readonly Service[] }>('/api/services', 5_000);
  return (
    <Panel title="Services" aside={<a href="#/services">All services</a>} isFlush>
      <Shown resource={services}>{(data) => <ServiceTable services={data.services.slice(0, ROUTES_SHOWN)} />}</Shown>
    </Panel>
  );
}

function ErrorsPanel() {
  const errors = useResource<{ errors: readonly ExchangeRecord[] }>('/api/errors', 5_000);
  return (
    <Panel title="Recent errors" aside={<a href="#/tail?status=5xx">Live tail</a>} isFlush>
      <Shown resource={errors}>{(data) => <ErrorList errors={data.errors.slice(0, ERRORS_SHOWN)} />}</Shown>
    </Panel>
  );
}
